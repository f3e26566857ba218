"""Every vendored file is the one its manifest names, and nothing else is vendored.
Run by pytest in the core tier."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

BASE = Path(__file__).resolve().parents[3]
FOLDERS = (BASE / "static/vendor", BASE / "tests/stack/pages/vendor")
MANIFEST = BASE / "static/vendor/manifest.json"
ENTRIES: list[dict[str, Any]] = json.loads(MANIFEST.read_text("utf-8"))["files"]
LICENCES = {"0BSD", "MIT", "Apache-2.0", "OFL-1.1", "MPL-2.0"}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["package"])
def test_a_vendored_file_is_what_the_manifest_says(entry: dict[str, Any]) -> None:
    body = (BASE / entry["path"]).read_bytes()
    assert entry["sha384"] == "sha384-" + base64.b64encode(hashlib.sha384(body).digest()).decode()
    assert entry["licence"] in LICENCES
    assert entry["version"]
    assert entry["what_for"]
    assert (BASE / entry["path"]).with_name("LICENSE").is_file()


def test_nothing_is_vendored_without_an_entry() -> None:
    found = {path for folder in FOLDERS for path in folder.rglob("*") if path.is_file()}
    known = {BASE / entry["path"] for entry in ENTRIES} | {MANIFEST}
    assert {path for path in found - known if path.name != "LICENSE"} == set()

"""What the papers say is there: links lead somewhere, both READMEs show the same code, examples run.
Run by pytest, core tier."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from trading.sockets.messages import CHANNELS_PRIVATE, CHANNELS_PUBLIC, MESSAGES

BASE_DIR = Path(__file__).resolve().parents[3]
README, README_ZH = BASE_DIR / "README.md", BASE_DIR / "README.zh.md"
PAGES = sorted([*BASE_DIR.glob("*.md"), *(BASE_DIR / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BENCH = re.compile(r"^<!-- bench -->$.*?^<!-- /bench -->$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# Read from the environment, in one of the ways in which the code does it.
SETTING = re.compile(r"environ(?:\.get)?[(\[]\"(OUTCRY_[A-Z_]+)\"")
# What one process of the venue tells another; nobody sets it.
TOLD_BY_THE_SUPERVISOR = {
    "OUTCRY_DATABASE_ROLE", "OUTCRY_READY_FILE", "OUTCRY_STOP_WITH_PARENT", "OUTCRY_WEB_URL",
}  # fmt: skip
CODE_SPAN = re.compile(r"`([a-z_]+/[\w./-]+\.(?:py|md|svg|sh|yaml|toml|example))`")


def blocks(path: Path) -> list[tuple[str, str]]:
    """(language, text) of every fenced block but those of the benchmarks, whose figures change."""
    text = BENCH.sub("", path.read_text("utf-8"))
    return [(found[1], found[2]) for found in FENCE.finditer(text)]


def prose(path: Path) -> str:
    """The page without its fenced blocks."""
    return FENCE.sub("", path.read_text("utf-8"))


def anchors(path: Path) -> Iterator[str]:
    """The anchors that headings make."""
    for heading in re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        yield plain.replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(BASE_DIR)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(prose(page)):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in set(anchors(target))):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(BASE_DIR)))
def test_files_named_in_prose_exist(page: Path) -> None:
    missing = [name for name in CODE_SPAN.findall(prose(page)) if not (BASE_DIR / name).exists()]
    assert missing == []


def test_both_readmes_show_the_same_code() -> None:
    assert blocks(README) == blocks(README_ZH)
    assert [language for language, _ in blocks(README)] == ["", "sh", "python"]


def test_both_readmes_have_their_place_for_figures() -> None:
    assert [len(BENCH.findall(page.read_text("utf-8"))) for page in (README, README_ZH)] == [1, 1]


def test_the_readmes_code_is_the_examples() -> None:
    _, shell, python = (text for _, text in blocks(README))
    source = (BASE_DIR / "examples" / "first_order.py").read_text("utf-8")
    first = ast.parse(source).body[1].lineno  # after the docstring
    assert python == "\n".join(source.splitlines()[first - 1 :]) + "\n"
    assert (BASE_DIR / "examples" / "first_order.sh").read_text("utf-8").endswith(shell)


def test_the_python_script_has_ten_lines() -> None:
    python = dict(blocks(README))["python"]
    assert len(python.splitlines()) <= 10
    ast.parse(python)
    assert max(map(len, python.splitlines())) <= 110


def test_both_readmes_name_the_same_proofs_and_they_exist() -> None:
    proofs, proofs_zh = (
        [link for link in LINK.findall(prose(page)) if link.startswith("tests/")] for page in (README, README_ZH)
    )
    assert proofs == proofs_zh
    assert len(proofs) >= 30
    empty = [name for name in proofs if "def test_" not in (BASE_DIR / name).read_text("utf-8")]
    assert empty == []


def test_the_cores_example_runs_as_it_stands_in_the_page() -> None:
    languages = blocks(BASE_DIR / "docs" / "engine.md")
    (source,) = [text for language, text in languages if language == "python"]
    (expected,) = [text for language, text in languages if language == "text"]
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=BASE_DIR, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == expected


def api_routes() -> Iterator[str]:
    """Every path under /api, as Django knows it."""

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
        for pattern in patterns:
            path = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, path)
            else:
                yield path

    return (path for path in walk(get_resolver().url_patterns, "/") if path.startswith("/api/"))


def test_every_route_is_told() -> None:
    page = (BASE_DIR / "docs" / "trade.md").read_text("utf-8")
    untold = []
    for route in api_routes():
        told = re.sub(r"<[^>]+>", r"(?:<\\w+>|[A-Za-z]*\\d+)", route)
        if not re.search(rf"(?<!\w){told}(?![\w/-])", page):
            untold.append(route)
    assert untold == []


def test_every_message_and_channel_of_the_socket_is_told() -> None:
    page = (BASE_DIR / "docs" / "trade.md").read_text("utf-8")
    names = [*MESSAGES, *CHANNELS_PUBLIC, *CHANNELS_PRIVATE]
    assert [name for name in names if f"`{name}`" not in page and f'"type": "{name}"' not in page] == []


def test_every_setting_is_told() -> None:
    page = (BASE_DIR / "docs" / "run.md").read_text("utf-8")
    sources = [path.read_text("utf-8") for path in (BASE_DIR / "exchange").rglob("*.py")]
    read = {name for source in sources for name in SETTING.findall(source)} - TOLD_BY_THE_SUPERVISOR
    assert sorted(name for name in read if f"`{name}`" not in page) == []


def test_a_decision_takes_one_page() -> None:
    pages = sorted((BASE_DIR / "docs" / "adr").glob("*.md"))
    assert [page.name for page in pages if len(page.read_text("utf-8").splitlines()) > 60] == []
    numbers = [page.name[:4] for page in pages if page.name[0].isdigit()]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]

"""The page of codes says what the enum says, and the enum is whole (P19).
Run by pytest, core tier."""

import string
from pathlib import Path

from engine.core.codes import TEXTS, Code
from engine.core.codes_table import GROUPS, codes_table

BASE_DIR = Path(__file__).resolve().parents[3]


def test_the_page_is_what_the_table_makes() -> None:
    page = (BASE_DIR / "docs" / "codes.md").read_text("utf-8")
    assert page == codes_table(), "run: python -m engine.core.codes_table > docs/codes.md"


def test_every_code_stands_in_the_page_once() -> None:
    page = codes_table()
    assert [code.name for code in Code if page.count(f"| {int(code)} | `{code.name}` |") != 1] == []


def test_every_code_has_its_texts_in_both_languages() -> None:
    assert set(TEXTS) == set(Code)
    for code, text in TEXTS.items():
        fields = {name for _, name, _, _ in string.Formatter().parse(text.en) if name is not None}
        assert fields == {name for _, name, _, _ in string.Formatter().parse(text.zh) if name is not None}, code
        assert fields <= {"field", "limit", "value"}, code
        assert any("\u4e00" <= letter <= "\u9fff" for letter in text.zh), code


def test_every_code_falls_under_a_heading() -> None:
    assert {code // 100 for code in Code} == set(GROUPS)

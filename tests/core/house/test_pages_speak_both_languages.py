"""Every sentence of the pages has its Chinese one, and the dictionary holds nothing else.
Run by pytest in the core tier."""

import json
import re
from pathlib import Path

BASE = Path(__file__).resolve().parents[3]
DICTIONARY: dict[str, str] = json.loads((BASE / "accounts/texts.zh-hans.json").read_text("utf-8"))
IN_TEMPLATES = re.compile(r"""\{%\s*tr\s+("([^"]+)"|'([^']+)')\s*%\}""")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
CALL = re.compile(r"\bt\(")
# Tables of sentences that are looked up by a variable, and handed to t() where they are shown.
TABLES = re.compile(r"const (?:ADVICE|STATUS|STATUSES|PHASES|OFFSETS|offsets) = \{(.*?)\};", re.DOTALL)
# Chosen among literals before they are handed to t().
CHOSEN = re.compile(r"const (?:lastLabel|word) = (.*?);", re.DOTALL)
SHORTCUT = re.compile(r'^    \("[^"]+", "([^"]+)"\),$', re.MULTILINE)


def first_argument(script: str, start: int) -> str:
    """The text of a call's first argument, from just after its opening bracket."""
    depth = 0
    quoted = False
    for at in range(start, len(script)):
        letter = script[at]
        if letter == '"' and script[at - 1] != "\\":
            quoted = not quoted
        if quoted:
            continue
        if letter in "([{":
            depth += 1
        if letter in ")]}" or (letter == "," and not depth):
            if not depth:
                return script[start:at]
            depth -= 1
    raise AssertionError(script[start : start + 80])


def in_scripts() -> set[str]:
    found: set[str] = set()
    for path in (BASE / "static/outcry/js").glob("*.js"):
        script = path.read_text("utf-8")
        for call in CALL.finditer(script):
            argument = first_argument(script, call.end())
            # In `x === "a" ? "b" : "c"` the compared word is no sentence.
            argument = re.sub(r'===\s*"[^"]*"', "", argument)
            found |= {text for text in LITERAL.findall(argument) if text}
        for table in [*TABLES.findall(script), *CHOSEN.findall(script)]:
            table = re.sub(r'===\s*"[^"]*"', "", table)
            found |= {text for text in LITERAL.findall(table) if text}
    return {json.loads(f'"{text}"') for text in found}


def in_templates() -> set[str]:
    found = set()
    for path in (BASE / "templates").rglob("*.html"):
        if "admin" not in path.parts:
            found |= {double or single for _, double, single in IN_TEMPLATES.findall(path.read_text("utf-8"))}
    return found | set(SHORTCUT.findall((BASE / "trading/pages.py").read_text("utf-8")))


def test_every_sentence_has_its_chinese_one_and_no_other_is_kept() -> None:
    said = in_scripts() | in_templates()
    assert said - DICTIONARY.keys() == set()
    assert DICTIONARY.keys() - said == set()


def test_both_languages_name_the_same_fields() -> None:
    fields = re.compile(r"\{\w+\}")
    for english, chinese in DICTIONARY.items():
        assert sorted(fields.findall(english)) == sorted(fields.findall(chinese)), english
        assert chinese.strip()

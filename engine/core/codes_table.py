"""The table of every code as Markdown, for docs/codes.md: `python -m engine.core.codes_table > docs/codes.md`.
Run by whoever adds a code; a test compares the file with the enum."""

import sys
from typing import Final

from engine.core.codes import TEXTS, Code

# By the code's hundreds: who decides it, and when.
GROUPS: Final[dict[int, str]] = {
    0: "Done",
    10: "The command and who sends it",
    11: "Instruments",
    12: "An order's fields",
    13: "What the account has",
    14: "Cancel and query",
    15: "Money",
    16: "The end of the day",
    17: "Why an accepted order ended (`code` of an order, not of a refusal)",
    50: "Between the web and the engine",
    60: "The web",
}
HEAD: Final = """# Every code

Written by `python -m engine.core.codes_table` from `engine/core/codes.py`; a test compares the two. Numbers are never
reused. `{field}`, `{limit}` and `{value}` are filled in where the refusal is answered; `field` and `limit` stand in the
error object too. 1xxx codes are decided by the engine, in sequence, with nothing changed; 5xxx and 6xxx by the web.
"""


def codes_table() -> str:
    """The whole page, one table a group. KeyError for a code whose hundreds have no heading."""
    parts = [HEAD]
    for group, heading in GROUPS.items():
        rows = [_row(code) for code in Code if code // 100 == group]
        parts.append(f"\n## {heading}\n\n| code | name | HTTP | English | 中文 |\n|---:|---|---:|---|---|\n")
        parts.extend(rows)
    missing = [code.name for code in Code if code // 100 not in GROUPS]
    if missing:
        raise KeyError(f"no heading for {', '.join(missing)}")
    return "".join(parts)


def _row(code: Code) -> str:
    text = TEXTS[code]
    return f"| {int(code)} | `{code.name}` | {text.http} | {_cell(text.en)} | {_cell(text.zh)} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(codes_table())

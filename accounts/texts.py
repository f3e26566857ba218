"""What the pages say, in English and Chinese: the English sentence is the key of the one dictionary.
Called by the template tag `tr` and by the pages' modules; the terminal's scripts get the same dictionary."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final

from django.utils.translation import get_language

DICTIONARY: Final = Path(__file__).with_name("texts.zh-hans.json")


@cache
def chinese() -> dict[str, str]:
    """English sentence → Chinese one."""
    texts: dict[str, str] = json.loads(DICTIONARY.read_text("utf-8"))
    return texts


def is_chinese() -> bool:
    """True when the request's language is Chinese."""
    return (get_language() or "en").startswith("zh")


def text(message: str) -> str:
    """The sentence in the request's language; English where the dictionary has none."""
    return chinese().get(message, message) if is_chinese() else message

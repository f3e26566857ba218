"""The console is complete in Chinese: every sentence of its pages and modules, and the catalogue that is served.
Run by pytest in the app tier."""

from __future__ import annotations

import ast
import gettext
import re
from pathlib import Path

from tests.support.console import Console

BASE_DIR = Path(__file__).resolve().parents[3]
CATALOGUE = BASE_DIR / "exchange/locale/zh_Hans/LC_MESSAGES/django.mo"
MODULES = (
    "accounts/admin.py", "market/admin.py", "market/forms.py", "market/shown.py", "trading/admin.py",
    "settlement/admin.py", "exchange/admin.py", *(
        str(path.relative_to(BASE_DIR))
        for folder in ("accounts/adminkit", "exchange/venue_admin") for path in (BASE_DIR / folder).glob("*.py")
    ),
)  # fmt: skip
MARKS = ("_", "gettext", "gettext_lazy")
TAG = re.compile(r"""\{% translate (?:"([^"]+)"|'([^']+)')""")


def sentences() -> set[str]:
    """Every literal that is marked for translation."""
    found = set()
    for name in MODULES:
        for node in ast.walk(ast.parse((BASE_DIR / name).read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in MARKS and node.args:
                found |= {str(text.value) for text in node.args[:1] if isinstance(text, ast.Constant)}
    for path in (BASE_DIR / "templates/admin").glob("*.html"):
        found |= {one or other for one, other in TAG.findall(path.read_text("utf-8"))}
    return found


def test_every_sentence_has_its_chinese() -> None:
    with CATALOGUE.open("rb") as file:
        chinese = gettext.GNUTranslations(file)
    assert len(sentences()) > 250
    assert sorted(text for text in sentences() if chinese.gettext(text) == text) == []


def test_pages_come_in_the_readers_language(console: Console) -> None:
    page = console.operator.get("/admin/trading/order/", **{"Accept-Language": "zh-CN"})
    text = page.content.decode()
    assert '<html lang="zh-CN"' in text
    for words in ("报单", "导出 CSV", "全部成交", "买 开", "时间均为 UTC"):
        assert words in text

"""Takes the pictures of the operators' console: the venue that runs on OUTCRY_DATA, in Chromium, as its demo operator.
Run by `make screenshots` beside tools/screenshots.py; writes docs/screenshots/admin-*.png."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser

from exchange.stack.locate import data_folder, run_file_read
from tests.support.browser import Visitor, chromium, visit
from tests.support.stack import stack_running

FOLDER: Final = Path(__file__).resolve().parents[1] / "docs/screenshots"
BYTES_MAX: Final = 300_000
WIDE: Final = {"width": 1440, "height": 900}
NARROW: Final = {"width": 390, "height": 844}
# (picture, page, colours, language); {account} is a market maker's, {instrument} the index future.
PICTURES: Final = (
    ("admin-front", "", "dark", "en-US"),
    ("admin-front-zh", "", "light", "zh-CN"),
    ("admin-instruments", "market/instrument/", "light", "en-US"),
    ("admin-list-contract", "market/instrument/add/?template=CFFEX.IH", "dark", "en-US"),
    ("admin-suspend", "market/instrument/{instrument}/do/suspend/", "light", "en-US"),
    ("admin-account", "accounts/tradingaccount/{account}/change/", "dark", "en-US"),
    ("admin-orders", "trading/order/", "light", "en-US"),
    ("admin-audit", "accounts/auditentry/", "dark", "en-US"),
)


def main() -> int:
    """All pictures; 1 when one is larger than allowed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with chromium() as browser, ExitStack() as cleanup:
        run = run_file_read(data_folder(os.environ)) or cleanup.enter_context(stack_running(demo=True)).run
        for name, page, colours, locale in PICTURES:
            who = operator(browser, run, color_scheme=colours, locale=locale, viewport=WIDE)
            who.open("/admin/" + page.format(**places(who, run)))
            picture(who, name)
        phone = operator(browser, run, viewport=NARROW, device_scale_factor=2, has_touch=True)
        picture(phone, "admin-phone")
    sizes = [path.stat().st_size for path in FOLDER.glob("admin-*.png")]
    return int(max(sizes) > BYTES_MAX)


def operator(browser: Browser, run: dict[str, Any], **options: Any) -> Visitor:
    """The demo's operator, logged in."""
    who = visit(browser, str(run["web"]), **options)
    known = next(user for user in run["users"] if user["username"] == "operator")
    who.open("/admin/")
    who.page.fill("#id_username", known["username"])
    who.page.fill("#id_password", known["password"])
    who.page.click("form.entry button.primary")
    who.page.wait_for_selector("#front")
    return who


def places(who: Visitor, run: dict[str, Any]) -> dict[str, str]:
    """What the addresses of single objects need."""
    maker = next(user for user in run["users"] if user["role"] == "maker")
    who.open("/admin/market/instrument/?q=CFFEX.IF")
    return {
        "account": maker["account_ids"][0],
        "instrument": who.page.inner_text("#result_list tbody th a"),
    }


def picture(who: Visitor, name: str) -> None:
    """One picture, once the fonts are there and the front page has counted orders for a while."""
    who.page.evaluate("async () => { await document.fonts.ready; }")
    who.page.wait_for_timeout(5000 if "front" in name or "phone" in name else 500)
    who.page.screenshot(path=FOLDER / f"{name}.png")
    who.context.close()


if __name__ == "__main__":
    sys.exit(main())

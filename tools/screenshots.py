"""Takes the pictures of README and docs: a demo venue with its market makers, in Chromium, in every size and colour.
Run by `make screenshots`; uses the venue that runs on OUTCRY_DATA, else one of its own that trades for a while first.
Writes docs/screenshots/*.png and says how large each is."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from playwright.sync_api import Browser

from exchange.stack.locate import data_folder, run_file_read
from tests.support.browser import PASSWORD, Visitor, chromium, visit
from tests.support.stack import stack_running

BASE: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = BASE / "docs/screenshots"
BYTES_MAX: Final = 300_000
WARM_UP_S: Final = int(os.environ.get("OUTCRY_SCREENSHOTS_WARM_UP_S", "1200"))
WIDE: Final = {"width": 1440, "height": 900}
MIDDLE: Final = {"width": 1024, "height": 768}
NARROW: Final = {"width": 390, "height": 844}
NAME: Final = f"mei_{token_hex(2)}"


def main() -> int:
    """All pictures; 1 when one is larger than allowed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    running = run_file_read(data_folder(os.environ))
    with chromium() as browser, ExitStack() as cleanup:
        web = str(running["web"]) if running else cleanup.enter_context(stack_running(demo=True)).web
        first = visit(browser, web, viewport=WIDE)
        first.register(NAME)
        if not running:
            print(f"the makers trade for {WARM_UP_S} s", flush=True)  # noqa: T201 - a tool's output
            first.page.wait_for_timeout(WARM_UP_S * 1000)
        trade(first)
        pages(browser, web)
    sizes = {path.name: path.stat().st_size for path in sorted(FOLDER.glob("*.png"))}
    for name, size in sizes.items():
        print(f"{name:<28} {size / 1000:6.1f} kB")  # noqa: T201 - a tool's output
    return int(max(sizes.values()) > BYTES_MAX)


def trade(who: Visitor) -> None:
    """Positions on both sides, live orders and some trades, so that every list shows something."""
    who.deposit("3000000")
    who.deposit("20000", "USDT")
    for product, side, volume, offset in (
        ("CFFEX.IF", "buy", "2", "OPEN"),
        ("SHFE.cu", "sell", "3", "OPEN"),
        ("SHFE.rb", "buy", "20", "OPEN"),
        ("SHFE.rb", "sell", "6", "CLOSETODAY"),
    ):
        choose(who, product)
        take(who, side, volume, offset)
    for product, side, ticks, volume in (("SHFE.rb", "buy", 6, "10"), ("CFFEX.IF", "sell", 12, "1")):
        choose(who, product)
        who.page.check('#order [name=offset][value="OPEN"]', force=True)
        who.page.click(f'.chips [data-quote="{"bid_price" if side == "buy" else "ask_price"}"]')
        for _ in range(ticks):
            who.page.click(f'[data-step=price][data-by="{-1 if side == "buy" else 1}"]')
        who.page.fill("#volume", volume)
        who.page.click(f"#{side}")
        who.see("#toasts", "Order placed")
    who.page.wait_for_timeout(6000)


def choose(who: Visitor, product: str) -> None:
    found = who.page.evaluate("p => [...outcry.state.specs.keys()].find((id) => id.startsWith(p))", product)
    who.choose(found)
    who.page.wait_for_function("() => outcry.state.book.bids.size && outcry.state.book.asks.size")


def take(who: Visitor, side: str, volume: str, offset: str) -> None:
    """Trade at once with whoever stands on the other side, some ticks deep."""
    who.page.check(f'#order [name=offset][value="{offset}"]', force=True)
    who.page.check('#order [name=kind][value="IOC"]', force=True)
    who.page.click(f'.chips [data-quote="{"ask_price" if side == "buy" else "bid_price"}"]')
    for _ in range(5):
        who.page.click(f'[data-step=price][data-by="{1 if side == "buy" else -1}"]')
    who.page.fill("#volume", volume)
    who.page.click(f"#{side}")
    who.see("#toasts", "Bought" if side == "buy" else "Sold")
    who.page.check('#order [name=kind][value="LIMIT"]', force=True)


def pages(browser: Browser, web: str) -> None:
    """Every picture in turn."""
    for name, size, colours, locale in (
        ("terminal-dark", WIDE, "dark", "en-US"),
        ("terminal-light", WIDE, "light", "en-US"),
        ("terminal-zh", WIDE, "dark", "zh-CN"),
        ("terminal-1024", MIDDLE, "light", "en-US"),
    ):
        who = entered(browser, web, viewport=size, color_scheme=colours, locale=locale)
        picture(who, name)
        if name == "terminal-dark":
            dialogs(who)
        who.context.close()
    phone = entered(browser, web, viewport=NARROW, device_scale_factor=2, has_touch=True)
    for view in ("market", "trade", "mine"):
        phone.page.click(f".views [data-view={view}]")
        picture(phone, f"phone-{view}")
    phone.context.close()
    out = visit(browser, web, viewport=WIDE)
    out.open("/login")
    picture(out, "login")
    out.context.close()


def dialogs(who: Visitor) -> None:
    """What opens over the terminal."""
    who.page.click("#tab-trades")
    who.page.click("#open-cash")
    who.page.wait_for_selector("#cash-panel tbody tr")
    picture(who, "cash-dialog")
    who.page.keyboard.press("Escape")


def entered(browser: Browser, web: str, **options: Any) -> Visitor:
    """The trader in another browser, with the futures contract that moves most in front of her."""
    who = visit(browser, web, **options)
    who.log_in(NAME, PASSWORD)
    found = who.page.evaluate("() => [...outcry.state.specs.keys()].find((id) => id.startsWith('SHFE.rb'))")
    who.page.evaluate(f"localStorage.setItem('outcry.instrument', {json.dumps(found)})")
    who.open("/")
    who.wait_live()
    who.see("#positions tr", "")
    return who


def picture(who: Visitor, name: str) -> None:
    """One picture, once the chart has its bars and the fonts are there."""
    who.page.evaluate("async () => { await document.fonts.ready; }")
    who.page.wait_for_timeout(1500)
    who.page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())

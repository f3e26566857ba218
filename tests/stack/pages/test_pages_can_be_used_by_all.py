"""No serious finding of axe-core on any page, at any width, in either colour; both languages; no layout shift.
Run by pytest in the stack tier, in real Chromium against a running venue."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.stack.pages.conftest import Visit
from tests.support.browser import Visitor, visit
from tests.support.stack import RunningStack

NARROW: dict[str, Any] = {"viewport": {"width": 390, "height": 844}}
MIDDLE: dict[str, Any] = {"viewport": {"width": 1024, "height": 768}}
WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}


@pytest.fixture(scope="module")
def known(venue: RunningStack, browser: Browser) -> str:
    """The name of somebody registered."""
    who = visit(browser, venue.web)
    who.register("hal_all")
    who.context.close()
    return "hal_all"


@pytest.mark.parametrize("colours", ["dark", "light"])
def test_pages_before_the_login_are_accessible(visitor: Visit, colours: str) -> None:
    who = visitor(color_scheme=colours)
    for path in ("/login", "/register", "/styleguide"):
        who.open(path)
        who.accessible(f"{path} {colours}")


@pytest.mark.parametrize("colours", ["dark", "light"])
def test_the_terminal_is_accessible_at_every_width(visitor: Visit, known: str, colours: str) -> None:
    who = visitor(color_scheme=colours, **WIDE)
    who.log_in(known)
    who.accessible(f"terminal {colours}")
    for opener, dialog in (("#open-cash", "cash"), ("#open-accounts", "accounts"), ("#open-keys", "keys")):
        who.page.click(opener)
        who.page.wait_for_selector(f"#{dialog}-dialog[open] .content *")
        who.accessible(f"{dialog} {colours}")
        who.page.keyboard.press("Escape")
    who.page.set_viewport_size(NARROW["viewport"])
    for view in ("market", "trade", "mine", "list"):
        who.page.click(f".views [data-view={view}]")
        who.accessible(f"{view} {colours}")


@pytest.mark.parametrize("size", [WIDE, MIDDLE, NARROW], ids=["1440", "1024", "390"])
def test_nothing_is_wider_than_the_page_and_nothing_jumps(
    visitor: Visit, known: str, size: dict[str, Any]
) -> None:
    who = visitor(**size)
    who.page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach((entry) => {"
        " if (!entry.hadRecentInput) window.shift += entry.value; })).observe({type: 'layout-shift', buffered: true});"
    )
    who.log_in(known)
    who.see("#watch tr", "IF")
    width = who.page.evaluate("document.documentElement.scrollWidth")
    assert width <= size["viewport"]["width"]
    assert who.page.evaluate("window.shift") < 0.02


def test_first_paint_takes_less_than_a_second(visitor: Visit, known: str) -> None:
    who = visitor()
    who.log_in(known)
    paints = [first_paint_ms(who) for _ in range(3)]
    assert min(paints) <= 1000, paints


def first_paint_ms(who: Visitor) -> float:
    """First contentful paint of `/`, milliseconds."""
    who.open("/")
    found: float = who.page.wait_for_function(
        "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    ).json_value()
    return found


def test_the_api_docs_open_under_the_policy(visitor: Visit) -> None:
    who = visitor()
    who.open("/api/docs")
    who.see(".swagger-ui .title", "Outcry")


def test_chinese_is_complete_and_kept(visitor: Visit, known: str) -> None:
    who = visitor(locale="zh-CN")
    who.log_in(known)
    assert who.page.get_attribute("html", "lang") == "zh-CN"
    for selector, text in (
        ("#status", "实时"),
        ("#tab-positions", "持仓"),
        ("#buy", "买入"),
        ("#open-cash", "入金"),
    ):
        who.see(selector, text)
    who.page.click(".menu > button")
    who.page.click('.menu [name=language][value="en"]')
    who.wait_live()
    who.see("#tab-positions", "Positions")


def test_colours_are_kept_and_rise_may_be_green(visitor: Visit, known: str) -> None:
    who = visitor(color_scheme="light")
    who.log_in(known)
    red = who.page.eval_on_selector(".up-ink", "node => getComputedStyle(node).color")
    who.page.click(".menu > button")
    who.page.check(".menu [name=updown][value=green-up]", force=True)
    green = who.page.eval_on_selector(".up-ink", "node => getComputedStyle(node).color")
    assert red != green
    who.page.check(".menu [name=theme][value=dark]", force=True)
    who.open("/")
    assert who.page.get_attribute("html", "data-theme") == "dark"
    assert who.page.get_attribute("html", "data-updown") == "green-up"

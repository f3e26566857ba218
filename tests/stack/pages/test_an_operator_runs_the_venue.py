"""What the console is for: list a contract that a trader trades, suspend it before his eyes, freeze, approve.
Run by pytest in the stack tier, in real Chromium against a running venue."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stack.pages.conftest import Visit
from tests.support.browser import Visitor
from tests.support.stack import RunningStack

LISTS = (
    "market/instrument", "accounts/tradingaccount", "trading/order", "trading/trade", "trading/position",
    "settlement/ledgerentry", "settlement/dailyaccount", "settlement/cashrequest", "settlement/settlementrun",
    "accounts/user", "accounts/auditentry",
)  # fmt: skip
FORMS = (
    "market/instrument/add/",
    "market/instrument/add/?template=CFFEX.IF",
    "accounts/user/add/",
    "password_change/",
)


def operator(visitor: Visit, venue: RunningStack, **options: Any) -> Visitor:
    """The demo's operator on the front page."""
    who = visitor(**options)
    who.open("/admin/")
    who.page.fill("#id_username", "operator")
    who.page.fill("#id_password", venue.user("operator")["password"])
    who.page.click("form.entry button.primary")
    who.page.wait_for_selector("#front")
    return who


def act(who: Visitor, name: str, reason: str) -> None:
    """Press the object's button, read what will happen, confirm."""
    who.page.click(f'.head-end a[href$="/do/{name}/"]')
    who.see("form.act h2", "What will happen")
    who.page.fill("#id_reason", reason)
    who.page.click(".actions button:not([type=button])")
    who.page.wait_for_selector(".said-to-you .note.good")


def test_an_operator_lists_a_contract_a_trader_trades_it_and_suspending_shows_at_once(
    visitor: Visit, venue: RunningStack
) -> None:
    who = operator(visitor, venue, allowed="422")  # the refusal it asks for
    who.open("/admin/market/instrument/add/")
    who.page.click('tr:has-text("DCE.m") button')
    contract = who.page.input_value("#id_instrument")
    assert contract.startswith("DCE.m2")
    who.page.fill("#id_listing_price", "3000.5")
    who.page.click(".actions .primary")
    who.see(".field.is-wrong .hint", "is not a multiple of the tick 1")
    who.page.fill("#id_listing_price", "3000")
    who.page.click(".actions .primary")
    who.page.wait_for_url(f"**/{contract}/change/")
    who.see("h1", contract)

    trader = visitor()
    trader.register("ivy_new")
    trader.deposit("100000")
    trader.choose(contract)
    trader.order("buy", "2990", "1")
    trader.see("#toasts", "Order placed")

    act(who, "suspend", "a rumour")
    who.see(".facts .badge", "suspended")
    trader.page.wait_for_selector("#head-state.bad")
    trader.see("#head-state", "Suspended")
    assert trader.page.is_disabled("#buy")
    act(who, "resume", "it was none")
    trader.page.wait_for_selector("#head-state", state="hidden")
    trader.order("buy", "2991", "1")
    trader.see("#count-orders", "2")

    who.open("/admin/trading/order/?q=" + contract)
    who.see("#result_list td", "buy open")
    who.open("/admin/accounts/auditentry/?q=" + contract)
    for action in ("instrument.list", "instrument.suspend", "instrument.resume"):
        who.see("#result_list td", action)
    trader.page.click("#cancel-all")
    trader.page.click("#confirm-yes")
    trader.see_exactly("#count-orders", "")


def test_a_deposit_waits_for_the_operator_and_a_frozen_account_trades_no_more(
    visitor: Visit, venue: RunningStack
) -> None:
    trader = visitor()
    trader.register("jon_big")
    trader.page.click("#open-cash")
    trader.page.fill("#cash-amount", "20000000")  # above what the venue credits by itself
    trader.page.click("#cash-form button.primary")
    trader.page.wait_for_selector("#cash-panel .note")
    trader.page.keyboard.press("Escape")
    account = trader.page.evaluate("String(outcry.state.account)")
    who = operator(visitor, venue)
    who.see(".waiting .badge.warn", "1")
    who.page.click('.waiting a[href*="deposit"]')
    who.page.click("#result_list tbody th a")
    act(who, "approve", "the money is there")
    trader.see("#funds-balance", "20,000,000.00")

    who.open(f"/admin/accounts/tradingaccount/?q={account}")
    who.page.click("#result_list tbody th a")
    who.see(".facts dd", "20,000,000.00")
    act(who, "freeze", "papers are missing")
    who.see(".facts .badge", "frozen: trading")
    trader.choose(
        trader.page.evaluate("[...outcry.state.specs.keys()].find((id) => id.startsWith('CZCE.SR'))")
    )
    trader.order("buy", "5450", "1")
    trader.see(".toast.bad", "frozen")
    act(who, "unfreeze", "papers came")


@pytest.mark.parametrize("colours", ["dark", "light"])
def test_every_page_of_the_console_is_accessible_and_fits(
    visitor: Visit, venue: RunningStack, colours: str
) -> None:
    outside = visitor(color_scheme=colours)
    outside.open("/admin/")
    outside.accessible(f"login {colours}")
    who = operator(visitor, venue, color_scheme=colours)
    who.accessible(f"front {colours}")
    account = venue.user("alice")["account_ids"][0]
    objects = [f"accounts/tradingaccount/{account}/change/", f"accounts/tradingaccount/{account}/do/freeze/"]
    for path in (*(f"{name}/" for name in LISTS), *FORMS, *objects):
        who.page.set_viewport_size({"width": 1440, "height": 900})
        who.open(f"/admin/{path}")
        who.accessible(f"{path} {colours}")
        for width in (1440, 1024, 390):
            who.page.set_viewport_size({"width": width, "height": 844})
            assert who.page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


def test_the_front_page_stays_fresh_and_says_when_it_is_not(visitor: Visit, venue: RunningStack) -> None:
    who = operator(visitor, venue, allowed="Failed to load resource|ERR_")
    before = who.text(".tile:nth-child(3) .big")
    trader = visitor()
    trader.register("kim_seq")
    who.page.wait_for_function(
        "before => document.querySelector('.tile:nth-child(3) .big').textContent.trim() !== before",
        arg=before,
    )
    who.context.set_offline(True)
    who.see("#front-age", "not up to date")
    who.context.set_offline(False)
    who.see_exactly("#front-age", "")

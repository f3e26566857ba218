"""What the trader's page is for: register, pay in, trade with somebody, see it, close, leave; and stay through a fault.
Run by pytest in the stack tier, in real Chromium against a running venue."""

import os
import re
import signal

import redis

from tests.stack.pages.conftest import Visit
from tests.support.browser import Visitor
from tests.support.stack import RunningStack

# A plain product: orders at any price within the limits, nobody else trades it here.
RB = "SHFE.rb"
IF = "CFFEX.IF"
# What a browser says by itself when the web process it talks to is gone for a moment.
GONE = r"WebSocket connection|Failed to load resource|ERR_CONNECTION"


def instrument(who: Visitor, product: str) -> str:
    """The full id of the product's contract in the list."""
    found: str = who.page.evaluate(
        "p => [...outcry.state.specs.keys()].find((id) => id.startsWith(p))", product
    )
    return found


def trader(visitor: Visit, name: str, product: str, *, cash: str = "1000000", **options: str) -> Visitor:
    """Somebody registered, with money, looking at the product's contract."""
    who = visitor(**options)
    who.register(name)
    who.deposit(cash)
    who.see("#funds-available", f"{int(cash):,}.00")
    who.choose(instrument(who, product))
    return who


def test_two_browsers_trade_with_each_other_and_part_flat(visitor: Visit) -> None:
    ann, ben = trader(visitor, "ann_if", IF), trader(visitor, "ben_if", IF)
    assert re.sub(r"\D", "", ann.text("#head-settle"))

    # Before it is sent the ticket says what it will freeze: 2 lots × 4600 × 300 × 12 %, fee 23 per million.
    ben.page.fill("#price", "4600")
    ben.page.fill("#volume", "2")
    ben.see("#sell-freeze", "331,200.00")
    ben.see("#sell-fee", "63.48")
    ben.order("sell", "4600", "2")
    ben.see("#toasts", "Order placed")
    ben.see("#funds-frozen", "331,263.48")
    ben.page.click("#tab-orders")
    ben.see("#orders tr", "Sell · open")

    # Ann sees the offer at once, and a click on its price fills it in.
    ann.see('#book tr[data-side="ask"][data-level="1"]', "4,600.0")
    ann.page.click('#book tr[data-side="ask"][data-level="1"] button')
    assert ann.page.input_value("#price") == "4600.0"
    ann.page.fill("#volume", "2")
    ann.page.click("#buy")
    for who, said in ((ann, "Bought 2"), (ben, "Sold 2")):
        who.see("#toasts", said)
        who.see("#funds-balance", "999,936.52")
        who.see("#funds-margin", "331,200.00")
        who.see("#funds-frozen", "0.00")
        who.see("#count-positions", "1")
        who.see("#tape tr", "4,600.0")
    ann.see("#positions tr", "Long")
    ben.see("#positions tr", "Short")
    ben.see_exactly("#count-orders", "")

    # Ben bids to close; Ann closes with her position's own button.
    ben.order("buy", "4590", "2", offset="CLOSE")
    ann.see('#book tr[data-side="bid"][data-level="1"]', "4,590.0")
    ann.page.click("#positions [data-shut]")
    ann.see("#confirm-text", "2 lots at market")
    ann.page.click("#confirm-yes")
    for who in (ann, ben):
        who.see_exactly("#count-positions", "")
        who.see("#funds-margin", "0.00")
        who.page.click("#tab-trades")
        who.see("#count-trades", "2")
    # 2 lots × 10 points × 300; each side pays its fees.
    assert ann.text("#funds-close") == "−6,000.00"
    assert ben.text("#funds-close") == "+6,000.00"

    ann.page.click(".menu > button")
    ann.page.click("#logout")
    ann.page.wait_for_url("**/login")
    ann.open("/")
    assert ann.page.url.endswith("/login")


def test_a_second_account_is_opened_and_chosen(visitor: Visit) -> None:
    who = trader(visitor, "mia_two", RB)
    first = who.page.input_value("#account")
    who.page.click("#open-accounts")
    who.page.fill("#account-name", "hedge")
    who.page.fill("#init-cash", "250,000.50")
    who.page.click("#accounts-panel form button.primary")
    who.see("#accounts-panel .note.good", "The account is open.")
    second = who.text("#accounts-panel .note.good .num")
    who.page.wait_for_selector(f"#account option[value='{second}']", state="attached")
    who.page.click(f"[data-choose-account='{second}']")
    who.see("#funds-balance", "250,000.50")
    who.order("buy", "3005", "1")
    who.see("#count-orders", "1")
    who.page.select_option("#account", first)
    who.see("#funds-balance", "1,000,000.00")
    who.see_exactly("#count-orders", "")
    who.open("/")
    who.wait_live()
    assert who.page.input_value("#account") == first


def test_refusals_say_what_to_do_and_wrong_fields_are_not_sent(visitor: Visit) -> None:
    who = trader(visitor, "cat_rb", RB, cash="1000")
    tick = instrument(who, RB)
    assert tick
    who.page.fill("#price", "3100.5")
    who.see("#price-hint", "Prices are multiples of 1")
    assert who.page.is_disabled("#buy")
    who.page.fill("#price", "99999")
    who.see("#price-hint", "Above the limit")
    assert who.page.is_disabled("#buy")
    who.order("buy", "3100", "1")
    who.see(".toast.bad", "Order refused")
    who.see(".toast.bad", "Lower the volume, cancel an order, or deposit money.")
    who.order("buy", "3100", "1", kind="FOK")
    who.page.check('#order [name=offset][value="CLOSE"]', force=True)
    who.page.wait_for_function("() => document.querySelector('#buy').disabled")
    assert who.text("#buy-most") == "0"
    assert who.text("#count-orders") == ""


def test_cancel_and_cancel_all_and_the_keyboard(visitor: Visit) -> None:
    who = trader(visitor, "dan_rb", RB)
    who.page.locator("body").click(position={"x": 700, "y": 5})
    who.page.keyboard.press("p")
    who.page.keyboard.type("3000")
    who.page.keyboard.press("Tab")
    who.page.fill("#volume", "3")
    who.page.keyboard.press("Escape")
    for _ in range(3):
        who.page.keyboard.press("b")
        who.page.keyboard.press("Enter")
        who.page.wait_for_function("() => !document.querySelector('#buy').dataset.busy")
    who.see("#count-orders", "3")
    who.page.keyboard.press("2")
    who.page.click("#orders [data-cancel] >> nth=0")
    who.see("#count-orders", "2")
    who.page.locator("body").click(position={"x": 700, "y": 5})
    who.page.keyboard.press("x")
    who.see("#confirm-text", "2 live orders")
    who.page.keyboard.press("Enter")
    who.page.wait_for_selector("#orders-empty", state="visible")
    who.see("#funds-frozen", "0.00")


def test_a_lost_push_is_seen_and_the_book_is_asked_for_again(visitor: Visit) -> None:
    ann, ben = trader(visitor, "kim_rb", RB), trader(visitor, "leo_rb", RB)
    ben.order("sell", "3200", "4")
    ann.see('#book tr[data-side="ask"][data-level="1"]', "3,200")
    ann.page.evaluate(
        "() => { for (const name of outcry.feed.held.keys()) outcry.feed.held.set(name, 'lost'); }"
    )
    ann.page.evaluate("() => outcry.state.book.asks.clear()")
    ben.order("sell", "3190", "5")
    ann.see('#book tr[data-side="ask"][data-level="1"]', "3,190")
    ann.see('#book tr[data-side="ask"][data-level="2"]', "3,200")
    assert ann.page.evaluate("() => outcry.feed.gaps") >= 1
    ben.page.click("#cancel-all")
    ben.page.click("#confirm-yes")
    ann.see_exactly('#book tr[data-side="ask"][data-level="1"] button', "–")


def test_spot_is_bought_by_budget_and_sold(visitor: Visit) -> None:
    pair = "SPOT.BTC_USDT"
    ann, ben = trader(visitor, "eve_btc", pair), trader(visitor, "fay_btc", pair)
    ann.deposit("5000", "USDT")
    ben.deposit("0.1", "BTC")
    ben.order("sell", "90000", "0.02")
    ann.see('#book tr[data-side="ask"][data-level="1"]', "90,000.0")
    ann.page.check('#order [name=kind][value="MARKET"]', force=True)
    ann.page.fill("#budget", "900")
    ann.see("#buy-freeze", "900.00 USDT")
    ann.page.click("#buy")
    ann.see("#toasts", "Bought 0.01 BTC/USDT")
    ann.see("#wallets tr", "4,100.00")
    ben.see("#toasts", "Sold 0.01 BTC/USDT")
    ben.page.click("#tab-orders")
    ben.see("#orders .badge", "partly filled")


def test_redis_wiped_and_web_restarted_in_the_middle(visitor: Visit, venue: RunningStack) -> None:
    who = trader(visitor, "gus_rb", RB, allowed=GONE)
    who.order("buy", "3001", "2")
    who.see("#count-orders", "1")
    frozen = who.text("#funds-frozen")

    redis.Redis.from_url(venue.run["redis"]).flushall()
    who.order("buy", "3002", "1")
    who.see("#count-orders", "2", timeout_ms=30_000)

    pid = venue.kill("web")
    who.page.wait_for_selector('#status:not([data-state="live"])')
    who.see("#notice", "Trying again by itself")
    assert who.page.is_disabled("#buy")
    venue.wait_back("web", pid)
    who.page.wait_for_selector('#status[data-state="live"]', timeout=30_000)
    who.see("#toasts", "Connected again")
    who.see("#count-orders", "2", timeout_ms=30_000)

    who.order("buy", "3003", "1")
    who.see("#count-orders", "3", timeout_ms=30_000)
    who.page.click("#cancel-all")
    who.page.click("#confirm-yes")
    who.see("#funds-frozen", "0.00")
    assert frozen != "0.00"
    who.see_exactly("#count-orders", "")


def test_live_data_that_is_being_rebuilt_is_said_to_be_old(visitor: Visit, venue: RunningStack) -> None:
    who = trader(visitor, "oli_rb", RB, allowed=GONE)
    frozen = [venue.kill(name, signal.SIGSTOP) for name in ("engine-1", "engine-2")]
    try:
        redis.Redis.from_url(venue.run["redis"]).flushall()
        who.page.wait_for_selector('#status[data-state="stale"]', timeout=20_000)
        who.see("#notice", "Live data is being rebuilt")
        assert who.page.is_disabled("#buy")
        assert who.text("#funds-balance") == "1,000,000.00"
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    who.page.wait_for_selector('#status[data-state="live"]', timeout=30_000)
    who.order("buy", "3006", "1")
    who.see("#count-orders", "1", timeout_ms=30_000)


def test_an_order_without_an_answer_is_looked_up_and_never_sent_twice(
    visitor: Visit, venue: RunningStack
) -> None:
    who = trader(visitor, "noa_rb", RB, allowed=GONE)
    pid = venue.kill("web", signal.SIGSTOP)
    try:
        who.order("buy", "3004", "2")
        who.see("#toasts", "Looking up the order", timeout_ms=20_000)
    finally:
        os.kill(pid, signal.SIGCONT)
    who.see("#toasts", "The order had arrived", timeout_ms=30_000)
    who.see("#count-orders", "1", timeout_ms=30_000)
    assert who.page.evaluate("() => [...outcry.state.orders.values()].map((row) => row.volume)") == ["2"]

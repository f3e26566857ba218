"""Market data over REST: real multiplier, depth, tick, tape and bars, to the digit (rows 34 to 38)."""

from decimal import Decimal

from engine.border import json_loads
from engine.core.codes import Code
from tests.support.floor import Floor


def trade(floor: Floor, price: str, volume: int) -> None:
    order = floor.order(price=price, volume=volume)
    assert floor.alice.person.post("/api/order/submit", order).data["status"] == "submitted"
    taken = floor.bob.person.post("/api/order/submit", {**order, "direction": "SELL"}).data
    assert taken["status"] == "filled"


def test_instruments_say_what_an_order_needs(floor: Floor) -> None:
    rows = {row["instrument_id"]: row for row in floor.alice.person.get("/api/market/instruments").data}
    assert sorted(rows) == ["BTC_USDT", "IF2512", "cu2512"]
    future = rows["IF2512"]
    assert (future["exchange_id"], future["multiplier"], future["tick_size"]) == (
        "CFFEX",
        300,
        Decimal("0.2"),
    )
    assert (future["upper_limit"], future["lower_limit"]) == (4180, 3420)
    assert (future["last_price"], future["status"], future["trading_day"]) == (None, "trading", "20251117")
    spot = rows["BTC_USDT"]
    assert (spot["lot_size"], spot["base"], spot["currency"]) == (Decimal("0.0001"), "BTC", "USDT")
    assert (spot["upper_limit"], spot["instrument_type"]) == (None, "spot")


def test_the_order_book_shows_levels_not_orders(floor: Floor) -> None:
    for price, volume in (("3799.8", 2), ("3799.8", 3), ("3799.6", 1), ("3799.4", 1)):
        floor.alice.person.post("/api/order/submit", floor.order(price=price, volume=volume))
    book = floor.alice.person.get("/api/market/orderbook/IF2512?depth=2").data
    assert book["bids"] == [
        {"price": Decimal("3799.8"), "volume": 5, "order_count": 2},
        {"price": Decimal("3799.6"), "volume": 1, "order_count": 1},
    ]
    assert (book["asks"], book["last_price"]) == ([], None)
    assert book["seq"] == floor.engine.seq
    assert floor.alice.person.get("/api/market/orderbook/CFFEX.IF2512?depth=2").data["bids"] == book["bids"]


def test_the_tick_counts_a_trade_once_and_with_the_multiplier(floor: Floor) -> None:
    trade(floor, "3800.0", 2)
    trade(floor, "3810.0", 1)
    tick = floor.alice.person.get("/api/market/tick/IF2512").data
    assert (tick["last_price"], tick["open"], tick["high"], tick["low"]) == (3810, 3800, 3810, 3800)
    assert (tick["volume"], tick["turnover"], tick["open_interest"]) == (3, (2 * 3800 + 3810) * 300, 3)
    assert (tick["bid_price"], tick["ask_price"]) == (None, None)


def test_the_public_tape_names_no_one(floor: Floor) -> None:
    trade(floor, "3800.0", 2)
    trade(floor, "3800.2", 1)
    floor.project()
    newest, older = floor.alice.person.get("/api/market/trades/IF2512").data
    assert set(newest) == {
        "trade_id", "instrument_id", "exchange_id", "price", "volume", "timestamp", "direction",
    }  # fmt: skip
    assert (newest["price"], newest["volume"], newest["direction"]) == (Decimal("3800.2"), 1, "SELL")
    (only,) = floor.alice.person.get(f"/api/market/trades/IF2512?limit=1&before={newest['trade_id']}").data
    assert only["trade_id"] == older["trade_id"] != newest["trade_id"]


def test_k_lines_are_bare_and_count_once(floor: Floor) -> None:
    trade(floor, "3800.0", 2)
    trade(floor, "3810.0", 1)
    floor.project()
    answer = floor.alice.person.get("/api/market/kline/IF2512?period=0&count=10")
    assert set(answer.body) == {"code", "message", "data"}
    assert (answer.status, answer.body["code"]) == (200, 0)
    data = answer.body["data"]
    assert (data["symbol"], data["period"]) == ("CFFEX.IF2512", 0)
    (bar,) = data["klines"]
    assert (bar["open"], bar["high"], bar["low"], bar["close"]) == (3800, 3810, 3800, 3810)
    assert (bar["volume"], bar["amount"]) == (3, (2 * 3800 + 3810) * 300)
    assert (bar["open_oi"], bar["close_oi"]) == (0, 3)
    assert bar["datetime"] == 1763308800000  # 2025-11-17 00:00 in China: the trading day, not its first trade
    minutes = floor.alice.person.get("/api/market/kline/IF2512?period=4").body["data"]["klines"]
    assert sum(bar["volume"] for bar in minutes) == 3


def test_no_trade_is_an_empty_list_and_no_invented_bar(floor: Floor) -> None:
    floor.project()
    assert floor.alice.person.get("/api/market/kline/cu2512").body["data"]["klines"] == []
    assert floor.alice.person.get("/api/market/trades/cu2512").data == []


def test_an_unknown_instrument_is_not_found(floor: Floor) -> None:
    for route in ("orderbook", "tick", "trades", "kline"):
        answer = floor.alice.person.get(f"/api/market/{route}/XX9999")
        assert (answer.status, answer.code) == (404, Code.INSTRUMENT_NOT_FOUND)


def test_numbers_leave_as_exact_json_numbers(floor: Floor) -> None:
    floor.alice.person.post("/api/order/submit", floor.order(price="3799.8"))
    token = {"Authorization": f"Bearer {floor.alice.person.token}"}
    body = floor.alice.person.client.get("/api/market/orderbook/IF2512", headers=token).content
    assert b'"price":3799.8,' in body
    assert json_loads(body)["success"] is True

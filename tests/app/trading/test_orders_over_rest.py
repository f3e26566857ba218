"""An order's life over REST: in, filled, cancelled, asked for; every answer exact."""

from decimal import Decimal

from engine.core import terms
from engine.core.codes import Code
from tests.support.floor import Floor
from tests.support.people import log_in


def test_a_limit_order_rests_and_is_answered_with_its_sequence(floor: Floor) -> None:
    answer = floor.alice.person.post("/api/order/submit", floor.order(client_order_id="a1")).data
    (order,) = floor.engine.orders.values()
    assert answer == {
        "order_id": str(order.order_id),
        "account_id": floor.alice.account,
        "client_order_id": "a1",
        "status": "submitted",
        "filled_volume": 0,
        "volume_left": 1,
        "code": None,
        "message": None,
        "message_zh": None,
        "repeated": False,
        "seq": order.order_id,
        "epoch": 1,
    }
    assert (order.price, order.left, order.side) == (19_000, 1, terms.BUY)


def test_matching_orders_fill_and_both_sides_read_the_same_trade(floor: Floor) -> None:
    first = floor.alice.person.post("/api/order/submit", floor.order(volume=3)).data
    second = floor.bob.person.post(
        "/api/order/submit", floor.order(direction="SELL", volume="2", price="3800.0")
    ).data
    assert (second["status"], second["filled_volume"], second["volume_left"]) == ("filled", 2, 0)
    floor.project()
    order = floor.alice.person.get(f"/api/order/{first['order_id']}").data
    assert (order["status"], order["filled_volume"], order["volume_left"]) == ("partially_filled", 2, 1)
    assert order["price"] == Decimal("3800.0")
    (mine,) = floor.alice.person.get(f"/api/trades/account/{floor.alice.account}").data["trades"]
    (his,) = floor.bob.person.get(f"/api/trades/user/{floor.bob.person.user_id}").data["trades"]
    assert mine["trade_id"] == his["trade_id"]
    assert (mine["user_direction"], mine["is_taker"], mine["opposite_order_id"]) == (
        "BUY",
        False,
        second["order_id"],
    )
    assert (his["user_direction"], his["is_taker"], his["opposite_order_id"]) == (
        "SELL",
        True,
        first["order_id"],
    )
    assert mine["fee"] == Decimal("52.4400")
    assert (mine["price"], mine["volume"], mine["trading_day"]) == (3800, 2, "20251117")


def test_positions_are_valued_at_the_mark(floor: Floor) -> None:
    floor.alice.person.post("/api/order/submit", floor.order(volume=2))
    floor.bob.person.post("/api/order/submit", floor.order(direction="SELL", volume=2))
    floor.alice.person.post("/api/order/submit", floor.order(price=3810))
    floor.bob.person.post("/api/order/submit", floor.order(price=3810, direction="SELL"))
    (row,) = floor.alice.person.get(f"/api/position/account/{floor.alice.account}").data
    assert (row["volume_long"], row["volume_long_today"], row["volume_long_his"], row["volume_short"]) == (
        3,
        3,
        0,
        0,
    )
    assert row["cost_long"] == (2 * 3800 + 3810) * 300
    assert row["open_price_long"] == Decimal("3803.3333")
    assert (row["profit_long"], row["profit_short"]) == (6000, 0)
    assert (row["instrument_id"], row["exchange_id"]) == ("IF2512", "CFFEX")
    (short,) = floor.bob.person.get(f"/api/position/user/{floor.bob.person.user_id}").data
    assert (short["volume_short"], short["profit_short"], short["profit_long"]) == (3, -6000, 0)


def test_a_cancel_frees_the_order_and_says_so(floor: Floor) -> None:
    order = floor.alice.person.post("/api/order/submit", floor.order(volume=5)).data
    before = floor.engine.account_view(floor.alice.account_id).frozen_margin
    assert before == 5 * 136_800 * 10_000
    done = floor.alice.person.post("/api/order/cancel", {"order_id": order["order_id"]}).data
    assert (done["order_id"], done["status"]) == (order["order_id"], "cancelled")
    assert floor.engine.account_view(floor.alice.account_id).frozen_margin == 0
    again = floor.alice.person.post("/api/order/cancel", {"order_id": order["order_id"]})
    assert (again.status, again.code) == (409, Code.ORDER_FINISHED)


def test_cancel_by_client_order_id(floor: Floor) -> None:
    floor.alice.person.post("/api/order/submit", floor.order(client_order_id="mine"))
    floor.alice.person.post("/api/order/cancel", {"client_order_id": "mine"}).data  # noqa: B018
    assert floor.engine.orders == {}


def test_a_batch_answers_each_entry_on_its_own(floor: Floor) -> None:
    entries = [
        {"instrument_id": "IF2512", "direction": "BUY", "price": 3800, "volume": 1},
        {"instrument_id": "IF2512", "direction": "BUY", "price": "3800.1", "volume": 1},
        {"instrument_id": "IF2512", "direction": "BUY", "price": 3799, "volume": 1, "colour": "red"},
        {"instrument_id": "nothing", "direction": "BUY", "price": 3799, "volume": 1},
        {"instrument_id": "CFFEX.IF2512", "direction": "BUY", "price": 9_000, "volume": 1},
        {"instrument_id": "CFFEX.IF2512", "direction": "BUY", "price": "3798.8", "volume": 2},
    ]
    answer = floor.alice.person.post("/api/order/batch", {"orders": entries}).data
    assert (answer["total"], answer["success_count"], answer["failed_count"]) == (6, 2, 4)
    codes = [row["error"] and row["error"]["code"] for row in answer["results"]]
    assert codes == [
        None,
        Code.PRICE_OFF_TICK,
        Code.FIELD_UNKNOWN,
        Code.INSTRUMENT_NOT_FOUND,
        Code.PRICE_ABOVE_UPPER_LIMIT,
        None,
    ]
    assert answer["results"][4]["error"]["message"] == "price 9000.0 is above the upper limit 4180.0"
    ids = [row["order_id"] for row in answer["results"] if row["success"]]
    assert sorted(ids, key=int) == [str(order_id) for order_id in sorted(floor.engine.orders)]
    cancel = floor.alice.person.post("/api/order/batch-cancel", {"order_ids": [*ids, "12345678"]}).data
    assert [row["success"] for row in cancel["results"]] == [True, True, False]
    assert cancel["results"][2]["error"]["code"] == Code.ORDER_NOT_FOUND
    assert floor.engine.orders == {}


def test_orders_of_live_state_and_of_history_are_one_list(floor: Floor) -> None:
    alice = floor.alice.person
    first = alice.post("/api/order/submit", floor.order(price=3790)).data
    floor.project()
    second = alice.post("/api/order/submit", floor.order(price=3791)).data
    alice.post("/api/order/cancel", {"order_id": first["order_id"]}).data  # noqa: B018
    answer = alice.get(f"/api/order/user/{floor.alice.account}").data
    assert [(row["order_id"], row["status"]) for row in answer["orders"]] == [
        (second["order_id"], "submitted"),
        (first["order_id"], "cancelled"),
    ]
    assert answer["as_of_seq"] == floor.engine.seq
    live = alice.get(f"/api/order/user/{alice.user_id}?status=live").data["orders"]
    assert [row["order_id"] for row in live] == [second["order_id"]]
    floor.project()
    assert [
        row["order_id"] for row in alice.get(f"/api/order/user/{floor.alice.account}").data["orders"]
    ] == [
        second["order_id"],
        first["order_id"],
    ]


def test_history_that_is_behind_says_so_and_never_that_nothing_is_there(floor: Floor) -> None:
    floor.alice.person.post("/api/order/submit", floor.order())
    answer = floor.alice.person.get(f"/api/trades/account/{floor.alice.account}")
    assert (answer.status, answer.code) == (503, Code.HISTORY_BEHIND)
    assert "Retry-After" in answer.headers


def test_a_spot_market_buy_spends_its_budget(floor: Floor) -> None:
    ask = {"instrument_id": "BTC_USDT", "direction": "SELL", "price": "90000.0", "volume": "0.5"}
    floor.bob.person.post("/api/order/submit", ask).data  # noqa: B018
    buy = {"instrument_id": "BTC_USDT", "direction": "BUY", "order_type": "MARKET", "budget": "900.00"}
    answer = floor.alice.person.post("/api/order/submit", buy).data
    assert (answer["status"], answer["filled_volume"]) == ("filled", Decimal("0.0100"))
    floor.project()
    for order in (floor.alice.person.get(f"/api/order/{answer['order_id']}").data,):
        assert (order["status"], order["filled_volume"], order["volume_left"]) == ("filled", Decimal("0.0100"), 0)
    wallets = {w.asset: w for w in floor.engine.account_view(floor.alice.account_id).wallets}
    assert wallets["USDT"].available == 10**12 - 900 * 10**6
    assert wallets["BTC"].available == 10**10 + 999_000


def test_the_accounts_of_a_user_are_told_apart(floor: Floor) -> None:
    """With several accounts an order names its own; a cancel finds the order's."""
    from tests.support.people import account_row

    second = account_row(floor.alice.person)
    floor.venue.serve_end()
    floor.venue.open_account(second.pk, floor.alice.person.user_id)
    floor.venue.serve()
    floor.alice.person.login = log_in(floor.alice.person.user)  # type: ignore[arg-type]
    unnamed = floor.alice.person.post("/api/order/submit", floor.order())
    assert (unnamed.code, unnamed.field) == (Code.FIELD_REQUIRED, "account_id")
    order = floor.alice.person.post("/api/order/submit", floor.order(account_id=str(second.pk))).data
    assert order["account_id"] == str(second.pk)
    floor.alice.person.post("/api/order/cancel", {"order_id": order["order_id"]}).data  # noqa: B018
    assert floor.engine.orders == {}

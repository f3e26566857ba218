"""The access rows of trading/api, market/api and the venue's own pages.
Found by tests/support/matrix."""

from typing import Any

from accounts.rights import Right
from tests.support.matrix import Row, World


def prepare(world: World) -> None:
    """An order nobody has, which looks like another's."""
    world.ids.update(order_id="999999999", number=world.ids["account_id"], instrument_id="IF2512")


def _order(world: World) -> dict[str, Any]:
    return {
        "account_id": world.ids["account_id"],
        "instrument_id": "IF2512",
        "direction": "BUY",
        "price": 3800,
        "volume": 1,
    }


def _orders(world: World) -> dict[str, Any]:
    order = _order(world)
    del order["account_id"]
    return {"account_id": world.ids["account_id"], "orders": [order]}


ROWS = [
    Row("POST", "api/order/submit", owner=True, body=_order),
    Row("POST", "api/order/batch", owner=True, body=_orders),
    Row(
        "POST",
        "api/order/cancel",
        owner=True,
        body=lambda world: {"account_id": world.ids["account_id"], "client_order_id": "a"},
    ),
    Row(
        "POST",
        "api/order/batch-cancel",
        owner=True,
        body=lambda world: {"account_id": world.ids["account_id"], "order_ids": ["999999999"]},
    ),
    Row(
        "POST",
        "api/order/query",
        owner=True,
        body=lambda world: {"account_id": world.ids["account_id"], "client_order_id": "a"},
    ),
    Row("GET", "api/order/{order_id}"),
    Row("GET", "api/order/user/{number}", owner=True, right=Right.ACCOUNTS_READ),
    Row("GET", "api/position/account/{account_id}", owner=True, right=Right.ACCOUNTS_READ),
    Row("GET", "api/position/user/{number}", owner=True, right=Right.ACCOUNTS_READ),
    Row("GET", "api/trades/account/{account_id}", owner=True, right=Right.ACCOUNTS_READ),
    Row("GET", "api/trades/user/{number}", owner=True, right=Right.ACCOUNTS_READ),
    Row("GET", "api/market/instruments"),
    Row("GET", "api/market/orderbook/{instrument_id}"),
    Row("GET", "api/market/tick/{instrument_id}"),
    Row("GET", "api/market/trades/{instrument_id}"),
    Row("GET", "api/market/kline/{instrument_id}"),
    Row("GET", "api/schema", public=True),
    Row("GET", "api/docs", public=True),
    Row("GET", "health", public=True),
    Row("GET", "ready", public=True),
    Row("GET", "metrics", public=True),
]

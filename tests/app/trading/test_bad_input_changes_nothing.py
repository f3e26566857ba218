"""Bad input over REST: status, code, field, limit, both languages; and no change (S8, P19)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.core import commands as c
from engine.core import terms
from engine.core.codes import Code
from market.directory import directory
from tests.support.floor import Floor, floor_open
from tests.support.people import Answer
from tests.support.venue import IF, OPERATOR, Venue

SUBMIT = "/api/order/submit"


@pytest.fixture
def floor(venue: Venue, transactional_db: None) -> Iterator[Floor]:
    """No projections are needed to refuse."""
    with floor_open(venue) as floor:
        yield floor


def body_of(floor: Floor, changes: dict[str, Any]) -> dict[str, Any]:
    body = floor.order(**changes)
    return {name: value for name, value in body.items() if value is not ...}


def assert_refused(
    floor: Floor, answer: Answer, status: int, code: Code, field: str | None, limit: str | None
) -> None:
    error = answer.body["error"]
    assert (answer.status, answer.code, error["field"], error["limit"]) == (status, code, field, limit), (
        answer.body
    )
    assert error["message"]
    assert any("\u4e00" <= char <= "\u9fff" for char in error["message_zh"]), error


ORDERS: list[tuple[str, dict[str, Any], int, Code, Any, Any]] = [
    ("unknown instrument", {"instrument_id": "IF9999"}, 404, Code.INSTRUMENT_NOT_FOUND, "instrument_id", None),
    ("no instrument", {"instrument_id": ...}, 422, Code.FIELD_REQUIRED, "instrument_id", None),
    ("off tick", {"price": "3800.1"}, 422, Code.PRICE_OFF_TICK, "price", "0.2"),
    ("above the limit", {"price": 4180.2}, 422, Code.PRICE_ABOVE_UPPER_LIMIT, "price", "4180.0"),
    ("below the limit", {"price": "3419.8"}, 422, Code.PRICE_BELOW_LOWER_LIMIT, "price", "3420.0"),
    ("no price", {"price": ...}, 422, Code.FIELD_REQUIRED, "price", None),
    ("price zero", {"price": 0}, 422, Code.PRICE_INVALID, "price", "> 0"),
    ("price negative", {"price": -1}, 422, Code.PRICE_INVALID, "price", "> 0"),
    ("price beyond all bounds", {"price": 10**17}, 422, Code.PRICE_INVALID, "price", "429496729.4"),
    ("price with 13 places", {"price": "3800.0000000000001"}, 422, Code.NUMBER_INVALID, "price", ...),
    ("price minus zero", {"price": "-0"}, 422, Code.NUMBER_INVALID, "price", ...),
    ("price full width", {"price": "３８００"}, 422, Code.NUMBER_INVALID, "price", ...),
    ("price NaN", {"price": "NaN"}, 422, Code.NUMBER_INVALID, "price", ...),
    ("price Infinity", {"price": "Infinity"}, 422, Code.NUMBER_INVALID, "price", ...),
    ("price 1e400", {"price": "1e400"}, 422, Code.NUMBER_INVALID, "price", ...),
    ("price true", {"price": True}, 422, Code.NUMBER_INVALID, "price", ...),
    ("price of a market order", {"order_type": "MARKET"}, 422, Code.PRICE_INVALID, "price", "0"),
    ("volume zero", {"volume": 0}, 422, Code.VOLUME_INVALID, "volume", "1"),
    ("volume negative", {"volume": -3}, 422, Code.VOLUME_INVALID, "volume", "1"),
    ("volume fractional", {"volume": "1.5"}, 422, Code.VOLUME_INVALID, "volume", "1"),
    ("volume huge", {"volume": 10**17}, 422, Code.VOLUME_ABOVE_MAXIMUM, "volume", "100"),
    ("volume above the largest", {"volume": 101}, 422, Code.VOLUME_ABOVE_MAXIMUM, "volume", "100"),
    ("no volume", {"volume": ...}, 422, Code.FIELD_REQUIRED, "volume", None),
    ("no money", {"volume": 100}, 422, Code.INSUFFICIENT_FUNDS, ..., ...),
    ("nothing to close", {"offset": "CLOSE"}, 422, Code.INSUFFICIENT_POSITION, "volume", "0"),
    ("direction", {"direction": "LONG"}, 422, Code.SIDE_INVALID, "direction", "BUY|SELL"),
    ("offset", {"offset": "SHUT"}, 422, Code.OFFSET_NOT_SUPPORTED, "offset", "OPEN|CLOSE|CLOSETODAY"),
    ("closetoday here", {"offset": "CLOSETODAY"}, 422, Code.OFFSET_NOT_SUPPORTED, "offset", None),
    ("type", {"order_type": "STOP"}, 422, Code.ORDER_TYPE_NOT_SUPPORTED, "order_type", "LIMIT|MARKET"),
    ("time in force", {"time_in_force": "GFD"}, 422, Code.TIME_IN_FORCE_NOT_SUPPORTED, "time_in_force", ...),
    ("market on cu", {"instrument_id": "cu2512", "order_type": "MARKET", "price": ...}, 422,
     Code.ORDER_TYPE_NOT_SUPPORTED, "order_type", None),
    ("unknown field", {"colour": "red"}, 422, Code.FIELD_UNKNOWN, "colour", None),
    ("client order id empty", {"client_order_id": ""}, 422, Code.CLIENT_ORDER_ID_INVALID, "client_order_id", "128"),
    ("client order id long", {"client_order_id": "a" * 129}, 422, Code.CLIENT_ORDER_ID_INVALID,
     "client_order_id", "128"),
    ("client order id ours", {"client_order_id": "~1"}, 422, Code.CLIENT_ORDER_ID_INVALID, "client_order_id", "128"),
    ("client order id Chinese", {"client_order_id": "单"}, 422, Code.CLIENT_ORDER_ID_INVALID, "client_order_id", "128"),
    ("budget on a future", {"budget": 100}, 422, Code.BUDGET_INVALID, "budget", ...),
    ("spot lot step", {"instrument_id": "BTC_USDT", "price": 90000, "volume": "0.00001"}, 422, Code.VOLUME_INVALID,
     "volume", "0.0001"),
    ("spot value", {"instrument_id": "BTC_USDT", "price": 90000, "volume": "0.0000"}, 422, Code.VOLUME_INVALID,
     "volume", "0.0001"),
    ("another user", {"user_id": "1"}, 403, Code.FORBIDDEN, "user_id", None),
    ("unknown account", {"account_id": "89999999"}, 404, Code.ACCOUNT_NOT_FOUND, "account_id", None),
    ("account nonsense", {"account_id": "x"}, 404, Code.ACCOUNT_NOT_FOUND, "account_id", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "status", "code", "field", "limit"), [o[1:] for o in ORDERS], ids=[o[0] for o in ORDERS]
)
def test_an_order_that_cannot_be_is_refused(
    floor: Floor, changes: dict[str, Any], status: int, code: Code, field: Any, limit: Any
) -> None:
    before = floor.fingerprint()
    answer = floor.alice.person.post(SUBMIT, body_of(floor, changes))
    error = answer.body["error"]
    assert_refused(
        floor, answer, status, code,
        error["field"] if field is ... else field, error["limit"] if limit is ... else limit,
    )  # fmt: skip
    assert floor.fingerprint() == before


def test_the_limit_is_said_as_people_count(floor: Floor) -> None:
    error = floor.alice.person.post(SUBMIT, floor.order(price="4180.2")).body["error"]
    assert error["message"] == "price 4180.2 is above the upper limit 4180.0"
    assert error["message_zh"] == "价格 4180.2 高于涨停价 4180.0"


def test_anothers_account_looks_like_none(floor: Floor) -> None:
    before = floor.fingerprint()
    his = floor.alice.person.post(SUBMIT, floor.order(account_id=floor.bob.account))
    nobodys = floor.alice.person.post(SUBMIT, floor.order(account_id="89999999"))
    assert (his.status, his.body) == (nobodys.status, nobodys.body)
    assert (his.status, his.code) == (404, Code.ACCOUNT_NOT_FOUND)
    assert floor.fingerprint() == before


RAW: list[tuple[str, bytes, int, Code]] = [
    ("no JSON", b"{", 400, Code.MALFORMED_JSON),
    ("no object", b"[1]", 422, Code.FIELD_INVALID),
    ("deep", b"[" * 40 + b"]" * 40, 400, Code.MALFORMED_JSON),
    ("a key twice", b'{"instrument_id":"IF2512","instrument_id":"IF2512"}', 400, Code.MALFORMED_JSON),
    ("not UTF-8", b'{"a":"\xff"}', 400, Code.MALFORMED_JSON),
    ("too large", b'{"a":"' + b"x" * 300_000 + b'"}', 413, Code.BODY_TOO_LARGE),
    ("NaN", b'{"instrument_id":"IF2512","direction":"BUY","price":NaN,"volume":1}', 422, Code.NUMBER_INVALID),
    (
        "Infinity",
        b'{"instrument_id":"IF2512","direction":"BUY","price":-Infinity,"volume":1}',
        422,
        Code.NUMBER_INVALID,
    ),
    (
        "1e400",
        b'{"instrument_id":"IF2512","direction":"BUY","price":1e400,"volume":1}',
        422,
        Code.NUMBER_INVALID,
    ),
]


@pytest.mark.parametrize(("body", "status", "code"), [r[1:] for r in RAW], ids=[r[0] for r in RAW])
def test_a_body_that_is_no_order_is_refused(floor: Floor, body: bytes, status: int, code: Code) -> None:
    before = floor.fingerprint()
    answer = floor.alice.person.post(SUBMIT, body)
    assert (answer.status, answer.code) == (status, code), answer.body
    assert floor.fingerprint() == before


def test_a_token_that_is_none_is_refused(floor: Floor) -> None:
    before = floor.fingerprint()
    answer = floor.alice.person.post(SUBMIT, floor.order(), HTTP_AUTHORIZATION="Bearer no.such.token")
    assert (answer.status, answer.code) == (401, Code.UNAUTHENTICATED)
    assert floor.fingerprint() == before


def test_a_suspended_instrument_takes_no_orders(floor: Floor) -> None:
    floor.venue.do(c.InstrumentStateSet(terms.VENUE, OPERATOR, IF.instrument, terms.SUSPENDED))
    before = floor.fingerprint()
    answer = floor.alice.person.post(SUBMIT, floor.order())
    assert (answer.status, answer.code, answer.field) == (409, Code.INSTRUMENT_NOT_TRADING, "instrument_id")
    assert floor.fingerprint() == before


def test_a_frozen_account_trades_nothing(floor: Floor) -> None:
    floor.venue.do(c.AccountFreeze(terms.VENUE, OPERATOR, floor.alice.account_id, terms.FREEZE_TRADING))
    before = floor.fingerprint()
    answer = floor.alice.person.post(SUBMIT, floor.order())
    assert (answer.status, answer.code) == (403, Code.ACCOUNT_FROZEN)
    assert floor.fingerprint() == before


def test_an_id_of_two_exchanges_is_refused_with_both(floor: Floor) -> None:
    from dataclasses import replace

    twin = replace(IF, instrument="INE.IF2512", product="INE.IF", rates=replace(IF.rates))
    floor.venue.do(c.InstrumentList(terms.VENUE, OPERATOR, twin))
    directory().clear()
    before = floor.fingerprint()
    answer = floor.alice.person.post(SUBMIT, floor.order())
    assert (answer.status, answer.code) == (409, Code.INSTRUMENT_AMBIGUOUS)
    assert answer.body["error"]["limit"] == "CFFEX.IF2512, INE.IF2512"
    assert floor.fingerprint() == before
    assert (
        floor.alice.person.post(SUBMIT, floor.order(instrument_id="INE.IF2512")).data["status"] == "submitted"
    )


def test_a_batch_has_at_most_a_hundred_entries(floor: Floor) -> None:
    before = floor.fingerprint()
    order = floor.order()
    answer = floor.alice.person.post("/api/order/batch", {"orders": [order] * 101})
    assert (answer.status, answer.code, answer.body["error"]["limit"]) == (422, Code.BATCH_TOO_LARGE, "100")
    answer = floor.alice.person.post("/api/order/batch-cancel", {"order_ids": ["1"] * 101})
    assert (answer.status, answer.code) == (422, Code.BATCH_TOO_LARGE)
    answer = floor.alice.person.post("/api/order/batch", {"orders": []})
    assert (answer.status, answer.code, answer.field) == (422, Code.FIELD_INVALID, "orders")
    assert floor.fingerprint() == before


QUERIES = [
    ("/api/order/user/{account}?limit=501", "limit"),
    ("/api/order/user/{account}?limit=０", "limit"),
    ("/api/order/user/{account}?before=-1", "before"),
    ("/api/order/user/{account}?status=alive", "status"),
    ("/api/trades/account/{account}?order_id=x", "order_id"),
    ("/api/market/orderbook/IF2512?depth=21", "depth"),
    ("/api/market/trades/IF2512?limit=0", "limit"),
    ("/api/market/kline/IF2512?period=3", "period"),
    ("/api/market/kline/IF2512?count=1e3", "count"),
]


@pytest.mark.parametrize(("path", "field"), QUERIES)
def test_a_query_out_of_bounds_names_its_field(floor: Floor, path: str, field: str) -> None:
    answer = floor.alice.person.get(path.format(account=floor.alice.account))
    assert answer.status == 422
    assert answer.code in (Code.FIELD_INVALID, Code.NUMBER_INVALID)
    assert answer.field == field

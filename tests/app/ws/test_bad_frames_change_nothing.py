"""Bad input on /ws: an error with its code, the socket stays, nothing changes."""

from typing import Any

import pytest

from engine.core.codes import Code
from tests.support.floor import Floor

FRAMES = [
    ("{", Code.MALFORMED_JSON, None),
    ("[]", Code.MALFORMED_JSON, None),
    ('{"type":"dance"}', Code.MESSAGE_UNKNOWN, "type"),
    ('{"no":"type"}', Code.MESSAGE_UNKNOWN, "type"),
    ('{"type":"ping","colour":"red"}', Code.FIELD_UNKNOWN, "colour"),
    ('{"type":"ping","request_id":{"a":1}}', Code.FIELD_INVALID, "request_id"),
    ('{"type":"subscribe"}', Code.FIELD_REQUIRED, "channels"),
    ('{"type":"subscribe","channels":[]}', Code.FIELD_REQUIRED, "channels"),
    ('{"type":"subscribe","channels":["gossip"]}', Code.FIELD_INVALID, "channels"),
    ('{"type":"subscribe","channels":["orderbook"]}', Code.FIELD_REQUIRED, "instruments"),
    (
        '{"type":"subscribe","channels":["orderbook"],"instruments":["XX1"]}',
        Code.INSTRUMENT_NOT_FOUND,
        "instrument_id",
    ),
    (
        '{"type":"subscribe","channels":["orderbook"],"instruments":["IF2512"],"depth":21}',
        Code.FIELD_INVALID,
        "depth",
    ),
    ('{"type":"resync","streams":["orderbook.CFFEX.IF2512"]}', Code.FIELD_INVALID, "streams"),
    ('{"type":"query_order"}', Code.FIELD_REQUIRED, "order_id"),
    ('{"type":"submit_orders","orders":[]}', Code.FIELD_INVALID, "orders"),
    ('{"type":"submit_orders","orders":"x"}', Code.FIELD_INVALID, "orders"),
    ('{"type":"x","a":"' + "x" * 263_000 + '"}', Code.FRAME_TOO_LARGE, None),
]


@pytest.mark.parametrize(("frame", "code", "field"), FRAMES, ids=[f[0][:40] for f in FRAMES])
async def test_a_frame_that_cannot_be_is_refused_and_the_socket_stays(
    floor: Floor, connect: Any, frame: str, code: Code, field: str | None
) -> None:
    before = floor.fingerprint()
    socket = await connect(floor.alice.person)
    socket.send_raw(frame)
    answer = await socket.next()
    assert (answer["type"], answer["code"], answer["field"]) == ("error", code, field), answer
    assert answer["message"]
    assert any("\u4e00" <= char <= "\u9fff" for char in answer["message_zh"])
    assert (await socket.ask(type="ping"))["type"] == "pong"
    assert floor.fingerprint() == before


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"price": "3800.1"}, Code.PRICE_OFF_TICK),
        ({"price": 5000}, Code.PRICE_ABOVE_UPPER_LIMIT),
        ({"volume": 0}, Code.VOLUME_INVALID),
        ({"volume": "１"}, Code.NUMBER_INVALID),
        ({"instrument_id": "XX1"}, Code.INSTRUMENT_NOT_FOUND),
        ({"colour": "red"}, Code.FIELD_UNKNOWN),
        ({"user_id": "1"}, Code.FORBIDDEN),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_refused_order_says_why(
    floor: Floor, connect: Any, changes: dict[str, Any], code: Code
) -> None:
    before = floor.fingerprint()
    socket = await connect(floor.alice.person)
    answer = await socket.ask(type="submit_order", **floor.order(**changes))
    assert answer["code"] == code, answer
    assert floor.fingerprint() == before


async def test_at_most_a_hundred_orders_a_frame(floor: Floor, connect: Any) -> None:
    before = floor.fingerprint()
    socket = await connect(floor.alice.person)
    answer = await socket.ask(type="submit_orders", orders=[floor.order()] * 101)
    assert (answer["type"], answer["code"], answer["limit"]) == ("error", Code.BATCH_TOO_LARGE, "100")
    assert floor.fingerprint() == before


async def test_at_most_two_hundred_subscriptions(floor: Floor, connect: Any) -> None:
    socket = await connect(floor.alice.person)
    answer = await socket.ask(type="subscribe", channels=["orderbook"], instruments=["IF2512"] * 201)
    assert (answer["code"], answer["limit"]) == (Code.TOO_MANY_SUBSCRIPTIONS, "200")

"""No message of /ws sees or touches another's object (S1): every message × four people.
Run by pytest in the app tier; a message without a row fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async

from accounts.rights import ROLE_RIGHTS, Right, RoleName
from engine.core.codes import Code
from tests.support.floor import Floor
from tests.support.people import person
from tests.support.sockets import Socket
from trading.sockets.messages import CHANNELS_PRIVATE, MESSAGES

Body = Callable[[Floor, str], dict[str, Any]]  # of the floor and alice's resting order
LOOKS = Right.ACCOUNTS_READ
STAFF = [role for role in RoleName if LOOKS not in ROLE_RIGHTS[role]]


@dataclass(frozen=True)
class Row:
    """A message about alice's things; `looks`: holders of ACCOUNTS_READ may."""

    type: str
    body: Body
    looks: bool = False


def account(floor: Floor, order_id: str) -> dict[str, Any]:
    return {"account_id": floor.alice.account}


ROWS = [
    Row("submit_order", lambda f, o: f.order() | account(f, o)),
    Row("submit_orders", lambda f, o: {"orders": [f.order()]} | account(f, o)),
    Row("cancel_order", lambda f, o: {"order_id": o} | account(f, o)),
    Row("cancel_order", lambda f, o: {"order_id": o}),
    Row("cancel_orders", lambda f, o: {"order_ids": [o]} | account(f, o)),
    Row("query_order", lambda f, o: {"client_order_id": "hers"} | account(f, o)),
    Row("query_order", lambda f, o: {"order_id": o}, looks=True),
    Row("query_account", account, looks=True),
    Row("query_position", account, looks=True),
    *(
        Row("subscribe", lambda f, o, c=channel: {"channels": [c], "account_ids": [f.alice.account]},  # type: ignore[misc]
            looks=True)
        for channel in CHANNELS_PRIVATE
    ),
]  # fmt: skip
# These touch nothing but the connection that says them.
OWN = {"auth", "unsubscribe", "resync", "ping"}


def test_every_message_has_a_row() -> None:
    assert {row.type for row in ROWS} | OWN == set(MESSAGES)


async def hers(floor: Floor, connect: Any) -> str:
    socket = await connect(floor.alice.person)
    answer = await socket.ask(type="submit_order", **floor.order(client_order_id="hers"))
    assert answer["success"] is True
    return str(answer["order_id"])


async def assert_refused(floor: Floor, socket: Socket, row: Row, order_id: str, codes: set[Code]) -> None:
    """Refused, with nothing changed, and nothing of hers said."""
    before = floor.fingerprint()
    answer = await socket.ask(type=row.type, **row.body(floor, order_id))
    refusals = answer.get("results", [answer])
    assert {each.get("code") or each.get("error", {}).get("code") for each in refusals} <= codes, answer
    assert floor.fingerprint() == before
    assert (await socket.ask(type="ping"))["type"] == "pong"
    assert all("stream" not in message for message in socket.waiting), socket.waiting


async def test_anonymous_is_refused(floor: Floor, connect: Any) -> None:
    order_id = await hers(floor, connect)
    socket = await connect()
    before = floor.fingerprint()
    for row in ROWS:
        answer = await socket.ask(type=row.type, **row.body(floor, order_id))
        assert answer["code"] == Code.UNAUTHENTICATED, row
    assert floor.fingerprint() == before


NOT_THERE = {Code.ACCOUNT_NOT_FOUND, Code.ORDER_NOT_FOUND}


async def test_another_user_is_told_that_nothing_is_there(floor: Floor, connect: Any) -> None:
    order_id = await hers(floor, connect)
    socket = await connect(floor.bob.person)
    for row in ROWS:
        await assert_refused(floor, socket, row, order_id, NOT_THERE)


async def test_staff_without_the_right_is_refused(floor: Floor, connect: Any) -> None:
    order_id = await hers(floor, connect)
    socket = await connect(await sync_to_async(person)("staff", *STAFF))
    for row in ROWS:
        await assert_refused(floor, socket, row, order_id, NOT_THERE | {Code.FORBIDDEN})


async def test_who_may_look_may_not_touch(floor: Floor, connect: Any) -> None:
    order_id = await hers(floor, connect)
    roles = (RoleName.RISK_MANAGER, RoleName.OPERATOR, RoleName.TRADER)
    socket = await connect(await sync_to_async(person)("watching", *roles))
    for row in sorted(ROWS, key=lambda row: row.looks):
        if row.looks:
            answer = await socket.ask(type=row.type, **row.body(floor, order_id))
            assert answer["success"] is True, answer
        else:
            await assert_refused(floor, socket, row, order_id, NOT_THERE)

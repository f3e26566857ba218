"""A socket lives as long as its login session, and only with a client that reads (S3, P12)."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from engine.core.codes import Code
from tests.support.floor import Floor
from tests.support.people import PASSWORD, Person, log_in
from tests.support.waiting import wait_until_async
from trading import metrics
from trading.sockets import connection


async def test_nothing_is_said_before_auth(floor: Floor, connect: Any) -> None:
    before = floor.fingerprint()
    socket = await connect()
    for message in (
        {"type": "submit_order", **floor.order()},
        {"type": "subscribe", "channels": ["account"]},
        {"type": "subscribe", "channels": ["orderbook"], "instruments": ["IF2512"]},
        {"type": "query_account"},
    ):
        answer = await socket.ask(**message)
        assert answer["code"] == Code.UNAUTHENTICATED
    assert floor.fingerprint() == before


async def test_a_bad_token_is_refused_and_a_good_one_may_follow(floor: Floor, connect: Any) -> None:
    socket = await connect()
    bad = await socket.ask(type="auth", token="no.such.token")
    assert (bad["type"], bad["success"], bad["code"]) == ("auth_response", False, Code.UNAUTHENTICATED)
    good = await socket.ask(type="auth", token=floor.alice.person.token)
    assert (good["success"], good["user_id"]) == (True, str(floor.alice.person.user_id))
    assert good["account_ids"] == [floor.alice.account]


async def test_a_socket_without_auth_is_closed(
    floor: Floor, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "AUTH_WITHIN_S", 0.05)
    socket = await connect()
    assert await socket.closed() == connection.CLOSE_UNAUTHENTICATED == 4401


async def test_a_user_has_so_many_sockets_and_others_have_theirs(
    floor: Floor, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SOCKETS_PER_USER_MAX", 2)
    alice = floor.alice.person
    first, _ = await connect(alice), await connect(alice)
    third = await connect()
    third.send(type="auth", token=alice.token)
    assert await third.closed() == connection.CLOSE_THROTTLED == 4429
    assert (await first.ask(type="ping"))["type"] == "pong"
    await connect(floor.bob.person)
    await first.leave()
    await connect(alice)


async def test_logout_ends_the_sessions_sockets_and_no_others(floor: Floor, connect: Any) -> None:
    alice = floor.alice.person
    other_session = Person(alice.user, await sync_to_async(log_in)(alice.user))  # type: ignore[arg-type]
    socket, other, bob = await connect(alice), await connect(other_session), await connect(floor.bob.person)
    assert (await sync_to_async(alice.post)("/api/auth/logout")).body["success"]
    assert await socket.closed() == connection.CLOSE_UNAUTHENTICATED
    assert (await other.ask(type="ping"))["type"] == "pong"
    assert (await bob.ask(type="ping"))["type"] == "pong"


async def test_a_password_change_ends_all_the_users_sockets(floor: Floor, connect: Any) -> None:
    alice = floor.alice.person
    other_session = Person(alice.user, await sync_to_async(log_in)(alice.user))  # type: ignore[arg-type]
    sockets, bob = [await connect(alice), await connect(other_session)], await connect(floor.bob.person)
    body = {"old_password": PASSWORD, "new_password": f"{PASSWORD} 2"}
    assert (await sync_to_async(alice.post)("/api/auth/password/change", body)).body["success"]
    async with asyncio.timeout(1):
        assert [await socket.closed() for socket in sockets] == [4401, 4401]
    assert (await bob.ask(type="ping"))["type"] == "pong"


async def test_the_token_may_be_shown_again_but_not_anothers(floor: Floor, connect: Any) -> None:
    socket = await connect(floor.alice.person)
    assert (await socket.ask(type="auth", token=floor.alice.person.token))["success"] is True
    refused = await socket.ask(type="auth", token=floor.bob.person.token)
    assert refused["code"] == Code.FORBIDDEN
    assert (await socket.ask(type="query_account"))["data"]["account_id"] == floor.alice.account


async def test_a_client_that_reads_nothing_is_closed_and_others_are_not(
    floor: Floor, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SEND_WITHIN_S", 0.2)
    slow, quick = await connect(floor.alice.person), await connect(floor.bob.person)
    for socket in (slow, quick):
        await socket.ask(type="subscribe", channels=["orderbook"], instruments=["IF2512"])
    slow.gate.clear()
    slow.send(type="ping")
    assert (await quick.ask(type="submit_order", **floor.order()))["success"]
    assert (await quick.push("order_book"))["type"] == "order_book"
    await asyncio.wait([slow.task], timeout=5)
    assert slow.task.done()
    assert (await quick.ask(type="ping"))["type"] == "pong"


async def test_a_thousand_private_items_behind_is_too_slow(floor: Floor, connect: Any) -> None:
    slow = await connect(floor.alice.person)
    closed = metrics.sockets_closed.labels(code=str(connection.CLOSE_SLOW))
    before = closed._value.get()
    slow.gate.clear()
    for _ in range(1_100):
        slow.send_raw("{")
    await wait_until_async(lambda: closed._value.get() == before + 1, what="the server gave up")
    slow.gate.set()
    assert await slow.closed() == connection.CLOSE_SLOW == 4408

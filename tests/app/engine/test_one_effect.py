"""P8, P14, P15 at the door: however often a command is sent, it has one effect, and its outcome can be asked for."""

import asyncio
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from engine import replies
from engine.core import commands as c
from engine.core import terms
from engine.core.codes import Code
from engine.core.events import OrderReported, Rejected
from engine.door import names
from engine.door.client import Door
from engine.door.transport import receiving_layer, sending_layer
from engine.replies import Answer, DoorError, Reply
from tests.support.servers import RedisServer
from tests.support.venue import Venue, order
from tests.support.waiting import wait_until

SECOND = 1_000_000_000


class Gateway:
    """A gateway that sends its frames by hand, so that a test decides what is repeated and what is lost."""

    def __init__(self, venue: Venue) -> None:
        self._sending = sending_layer(venue.redis_url, venue.stack_id)
        self._receiving = receiving_layer(venue.redis_url, venue.stack_id)
        self._engine = names.engine_channel(venue.stack_id)
        self.channel = ""

    async def open(self) -> "Gateway":
        self.channel = await self._receiving.new_channel(names.gateway_prefix())
        return self

    async def send(self, *requests: tuple[int, int, c.Command]) -> None:
        wires = [
            (number, not_after, replies.command_encode(command)) for number, not_after, command in requests
        ]
        frame = {"type": "engine.commands", "data": replies.requests_encode(self.channel, wires)}
        await self._sending.send(self._engine, frame)

    async def answers(self) -> list[tuple[int, Answer]]:
        message: dict[str, Any] = await asyncio.wait_for(self._receiving.receive(self.channel), 5)
        return replies.answers_decode(message["data"])[1]


@pytest.fixture
def served(venue: Venue) -> Iterator[Venue]:
    with venue.serving():
        yield venue


async def test_a_request_sent_twice_is_carried_out_once_and_answered_twice(served: Venue) -> None:
    gateway = await Gateway(served).open()
    not_after = time.time_ns() + 5 * SECOND
    seq_before = served.engine.seq
    deposit = c.CashDeposit(
        terms.VENUE, terms.SCOPE_OPERATE, 1, uuid.uuid4().hex, terms.BOOK_FUTURES, "CNY", 100
    )
    await gateway.send((1, not_after, deposit))
    first = await gateway.answers()
    await gateway.send((1, not_after, deposit))
    assert await gateway.answers() == first
    assert served.engine.seq == seq_before + 1
    assert served.leader.figures.repeated == 1


async def test_a_command_past_its_time_is_dropped_before_it_is_sequenced(served: Venue) -> None:
    gateway = await Gateway(served).open()
    seq_before, state_before = served.engine.seq, served.engine.dump()
    await gateway.send((1, time.time_ns() - 1, order(1, terms.BUY, 19_000, 1, "late")))
    assert await gateway.answers() == [(1, Code.EXPIRED_IN_TRANSIT)]
    assert served.engine.seq == seq_before
    assert served.engine.dump() == state_before


async def test_a_late_copy_of_what_was_carried_out_is_not_called_expired(served: Venue) -> None:
    gateway = await Gateway(served).open()
    not_after = time.time_ns() + SECOND // 5
    await gateway.send((1, not_after, order(1, terms.BUY, 19_000, 1, "early")))
    first = await gateway.answers()
    assert isinstance(first[0][1], Reply)
    wait_until(lambda: time.time_ns() > not_after)
    await gateway.send((1, not_after, order(1, terms.BUY, 19_000, 1, "early")))
    assert await gateway.answers() == first


async def test_an_unreadable_command_is_answered_and_the_others_of_its_frame_are_carried_out(
    served: Venue,
) -> None:
    gateway = await Gateway(served).open()
    not_after = time.time_ns() + 5 * SECOND
    bad = replace(order(1, terms.BUY, 19_000, 1, "bad"), price="19000")  # type: ignore[arg-type]
    await gateway.send((1, not_after, bad), (2, not_after, order(1, terms.BUY, 19_000, 1, "good")))
    outcomes = dict(await gateway.answers())
    assert outcomes[1] == Code.INTERNAL
    assert isinstance(outcomes[2], Reply)


def test_twenty_parallel_repeats_of_an_order_are_one_order(served: Venue) -> None:
    outcomes = served.door.call_many_sync([order(1, terms.BUY, 19_000, 3, "same") for _ in range(20)])
    events = [outcome.event for outcome in outcomes if isinstance(outcome, Reply)]
    assert len(events) == 20
    assert len({event.order_id for event in events}) == 1  # type: ignore[union-attr]
    assert sum(isinstance(event, OrderReported) and event.repeated for event in events) == 19
    assert len(served.engine.orders) == 1


def test_an_order_without_a_key_gets_one_from_the_door(served: Venue) -> None:
    reply = served.door.call_sync(order(1, terms.BUY, 19_000, 1))
    (held,) = served.engine.orders.values()
    assert held.order_id == reply.seq
    assert held.client_order_id.startswith("~" + served.door.gateway)


def test_when_the_answer_is_lost_the_outcome_is_unknown_and_can_be_asked_for(
    venue: Venue, redis_empty: RedisServer
) -> None:
    """The leader carries the order out and is gone before it answers; the next one knows the order."""
    venue.serve()
    door = Door(redis_empty.url, venue.stack_id)
    wait_until(lambda: door.is_leader_heard)
    told = venue.leader._publisher.publish

    async def never(*_: Any) -> None:
        await asyncio.Event().wait()

    venue.leader._publisher.publish = never  # type: ignore[method-assign, assignment]
    outcomes = door.call_many_sync([order(1, terms.BUY, 19_000, 2, "lost")], 0.3)
    venue.leader._publisher.publish = told  # type: ignore[method-assign]
    assert isinstance(outcomes[0], DoorError)
    assert outcomes[0].code == Code.OUTCOME_UNKNOWN
    venue.restart()
    reply = door.call_sync(c.OrderQuery(1, terms.SCOPE_TRADE, 1, "lost"), 3)
    assert isinstance(reply.event, OrderReported)
    assert (reply.event.status, reply.event.left) == (terms.LIVE, 2)
    assert len(venue.engine.orders) == 1
    door.close()


def test_a_query_for_an_unknown_id_claims_it_so_that_the_straggler_is_refused(served: Venue) -> None:
    reply = served.door.call_sync(c.OrderQuery(1, terms.SCOPE_TRADE, 1, "straggler"))
    assert isinstance(reply.event, OrderReported)
    assert reply.order_status == terms.UNKNOWN
    late = served.door.call_sync(order(1, terms.BUY, 19_000, 1, "straggler"))
    assert isinstance(late.event, Rejected)
    assert late.code == Code.CLIENT_ORDER_ID_CLAIMED
    assert served.engine.orders == {}


def test_a_change_of_leader_in_the_middle_of_calls_loses_and_doubles_nothing(served: Venue) -> None:
    """Commands keep coming while the leader is replaced twice; each is answered once and there once."""
    served.open_account(3, cash=100_000_000)
    door = served.door
    sent = [order(3, terms.BUY, 18_000 + i % 50, 1, f"c-{i}") for i in range(300)]
    answered: list[Reply] = []
    for i in range(0, 300, 20):
        future = served.run(_started(door, sent[i : i + 20]))
        if i in (100, 200):
            served.restart()
        answered += [outcome for outcome in served.run(_finished(future)) if isinstance(outcome, Reply)]
    assert len(answered) == 300
    assert [reply.code for reply in answered] == [0] * 300
    ids = [held.client_order_id for held in served.engine.orders.values()]
    assert sorted(ids) == sorted(command.client_order_id for command in sent)


async def _started(door: Door, commands: list[c.OrderSubmit]) -> "asyncio.Task[list[Any]]":
    return asyncio.create_task(door.call_many(commands, 10_000))


async def _finished(task: "asyncio.Task[list[Any]]") -> list[Any]:
    return await task


def test_a_gateway_with_too_much_waiting_is_told_busy_and_its_venue_unchanged(venue: Venue) -> None:
    """The leader is heard but takes nothing: what the door has no room for is refused at once."""
    venue.serve()
    door = Door(venue.redis_url, venue.stack_id)
    wait_until(lambda: door.is_leader_heard)
    outcomes = door.call_many_sync([order(1, terms.BUY, 18_000, 1)] * 2_001, 1)
    codes = {outcome.code for outcome in outcomes if isinstance(outcome, DoorError)}
    assert codes == {Code.BUSY}
    assert len(outcomes) == 2_001
    assert venue.engine.orders == {}
    door.close()

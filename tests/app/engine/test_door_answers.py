"""The door over the real Redis: a command goes to the leader and its reply comes back, from any kind of caller."""

import threading
from collections.abc import Iterator

import pytest

from engine.core import terms
from engine.core.codes import Code
from engine.core.events import OrderAccepted, Rejected
from engine.replies import DoorError, Reply
from tests.support.venue import Venue, order


@pytest.fixture
def served(venue: Venue) -> Iterator[Venue]:
    with venue.serving():
        yield venue


def test_a_synchronous_caller_gets_the_reply(served: Venue) -> None:
    seq_before = served.engine.seq
    reply = served.door.call_sync(order(1, terms.BUY, 19_000, 2, "mine"))
    assert reply.ok
    assert (reply.seq, reply.epoch) == (seq_before + 1, served.leader.epoch)
    assert isinstance(reply.event, OrderAccepted)
    assert (reply.event.order_id, reply.event.client_order_id) == (reply.seq, "mine")
    assert (reply.order_status, reply.order_left, reply.trades) == (terms.LIVE, 2, 0)
    assert served.engine.seq == reply.seq


async def test_an_asynchronous_caller_gets_the_replies_in_order(served: Venue) -> None:
    outcomes = await served.door.call_many([
        order(1, terms.BUY, 19_000, 2, "a"),
        order(2, terms.SELL, 19_000, 1, "b"),
        order(2, terms.SELL, 19_000, 0, "c"),
    ])  # fmt: skip
    replies = [outcome for outcome in outcomes if isinstance(outcome, Reply)]
    assert [reply.seq for reply in replies] == [
        served.engine.seq - 2,
        served.engine.seq - 1,
        served.engine.seq,
    ]
    assert [reply.ok for reply in replies] == [True, True, False]
    assert (replies[1].order_status, replies[1].order_left, replies[1].trades) == (terms.FILLED, 0, 1)
    assert isinstance(replies[2].event, Rejected)
    assert replies[2].order_status == terms.REJECTED
    assert served.engine.order_view(replies[0].seq).left == 1


def test_many_threads_are_answered_each_its_own(served: Venue) -> None:
    got: dict[int, Reply] = {}

    def submit(number: int) -> None:
        got[number] = served.door.call_sync(order(1, terms.BUY, 18_000 + number, 1, f"thread-{number}"))

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(20):
        event = got[number].event
        assert isinstance(event, OrderAccepted)
        assert (event.client_order_id, event.price) == (f"thread-{number}", 18_000 + number)


def test_without_a_leader_nothing_is_sent(venue: Venue) -> None:
    seq_before = venue.engine.seq
    with pytest.raises(DoorError) as caught:
        venue.door.call_sync(order(1, terms.BUY, 19_000, 2, "mine"))
    assert caught.value.code == Code.NO_LEADER
    venue.step()
    assert venue.engine.seq == seq_before

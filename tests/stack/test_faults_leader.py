"""P5 and P7: the leader is killed, or paused and woken, between any two of its steps; another takes over.
Real processes on a real journal with fsync, a real Redis and the real door; nothing acknowledged is lost or doubled."""

import secrets
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import redis as redis_package

from engine import messages, replies
from engine.core import commands as c
from engine.core import terms
from engine.door.client import Door
from engine.door.transport import sending_layer
from engine.process.engine_process import EXIT_FENCED, EXIT_STOPPED
from engine.replies import Reply
from tests.support.engines import EngineChild, Engines, engines
from tests.support.servers import redis_server
from tests.support.venue import IF, OPERATOR, TRADING_DAY, order
from tests.support.waiting import wait_until

KILL_POINTS = (
    "journal.before_write", "journal.after_write", "journal.after_sync", "journal.after_epoch_check",
    "journal.after_mark", "leader.after_append", "leader.after_apply", "leader.after_live", "leader.after_events",
    "leader.after_reply",
)  # fmt: skip
PAUSE_POINTS = (
    "journal.before_write", "journal.after_write", "journal.after_sync", "journal.after_epoch_check",
    "leader.after_append", "leader.after_apply", "leader.after_live", "leader.after_events",
)  # fmt: skip
TAKE_OVER_POINTS = ("journal.take_over.after_epoch", "journal.take_over.after_seal")
SNAPSHOT_POINTS = (
    "snapshot.before_write", "snapshot.after_write", "snapshot.after_rename", "snapshot.after_drop",
)  # fmt: skip
ACCOUNTS = (1, 2, 3, 4)
BATCH = 5


@dataclass(slots=True)
class Line:
    """Engine processes that follow one another as leaders, and the orders that were sent through it all."""

    engines: Engines
    door: Door
    sent: list[str] = field(default_factory=list)
    answered: dict[str, Reply] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def lead(self, *, fault: str) -> EngineChild:
        """Start one with a fault and make it the leader; the one before it is killed."""
        child = self.engines.start(f"engine-{next(self.numbers)}", fault=fault)
        for other in self.engines.children:
            if other is not child and other.process.poll() is None:
                other.kill()
        wait_until(lambda: child.role == "leader", what=f"{child.name} leads")
        return child

    def standby(self) -> EngineChild:
        """Start one that takes over when the leader is gone."""
        return self.engines.start(f"engine-{next(self.numbers)}")

    def submit(self, label: str) -> None:
        """A frame of orders through the door; every one must be answered, by whoever leads."""
        ids = [f"{label}-{i}" for i in range(BATCH)]
        commands = [order(ACCOUNTS[i % 4], terms.BUY, 18_500 + i, 1, ids[i]) for i in range(BATCH)]
        self.sent += ids
        outcomes = self.door.call_many_sync(commands, 15.0)
        for client_order_id, outcome in zip(ids, outcomes, strict=True):
            assert isinstance(outcome, Reply), f"{client_order_id}: {outcome}"
            assert outcome.ok, outcome.event
            self.answered[client_order_id] = outcome

    def verify(self) -> None:
        """Every acknowledged order is in the journal exactly once, and nothing else is."""
        replica = self.engines.replay()
        assert replica.engine.check() == []
        held = {order.client_order_id: order.order_id for order in replica.engine.orders.values()}
        assert len(replica.engine.orders) == len(self.sent) == len(held)
        for client_order_id, reply in self.answered.items():
            assert held[client_order_id] == reply.event.order_id  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    data: Path = tmp_path_factory.mktemp("leaders") / "data"
    stack_id = f"faults-{secrets.token_hex(4)}"
    with redis_server() as redis, engines(data, redis.url, stack_id) as processes:
        door = Door(redis.url, stack_id)
        made = Line(processes, door)
        made.lead(fault="")
        wait_until(lambda: door.is_leader_heard)
        opening: list[c.Command] = [
            c.VenueSet(terms.VENUE, OPERATOR, "init_cash_max", 10**12),
            c.DayOpen(terms.VENUE, OPERATOR, TRADING_DAY),
            c.InstrumentList(terms.VENUE, OPERATOR, IF),
            *(c.AccountOpen(terms.VENUE, OPERATOR, account, account, 10**12) for account in ACCOUNTS),
        ]
        for outcome in door.call_many_sync(opening):
            assert isinstance(outcome, Reply)
            assert outcome.ok, outcome.event
        yield made
        door.close()


@pytest.mark.parametrize("point", KILL_POINTS)
def test_a_leader_killed_at_any_point_loses_and_doubles_nothing(line: Line, point: str) -> None:
    leader = line.lead(fault=f"{point}:kill@3")
    line.standby()
    for i in range(6):
        line.submit(f"kill.{point}.{i}")
    assert leader.process.wait(5) == -signal.SIGKILL
    line.verify()


@pytest.mark.parametrize("point", PAUSE_POINTS)
def test_a_paused_leader_says_nothing_after_another_took_over(line: Line, point: str) -> None:
    leader = line.lead(fault=f"{point}:stop@3")
    standby = line.standby()
    with Overheard(line.engines) as overheard:
        for i in range(4):
            line.submit(f"pause.{point}.{i}")
        assert leader.is_paused()
        assert standby.role == "leader"
        epoch = int(standby.said["epoch"])
        overheard.listen_until(lambda: overheard.heads[-1:] == [epoch])
        overheard.words.clear()
        leader.signal(signal.SIGCONT)
        assert leader.ended() == EXIT_FENCED
        line.submit(f"pause.{point}.after")
        overheard.listen_until(lambda: overheard.heads.count(epoch) >= 3)
    assert overheard.words, "the new leader was heard"
    assert {word_epoch for word_epoch, _ in overheard.words} == {epoch}
    assert line.engines.journal().durable().epoch == epoch
    line.verify()


@pytest.mark.parametrize("point", TAKE_OVER_POINTS)
def test_one_killed_while_taking_over_leaves_a_journal_the_next_one_leads(line: Line, point: str) -> None:
    line.lead(fault="")
    line.submit(f"over.{point}.before")
    line.engines.start(f"engine-{next(line.numbers)}", fault=f"{point}:kill")
    line.engines.leader().kill()
    killed = line.engines.children[-1]
    assert killed.process.wait(5) == -signal.SIGKILL
    line.standby()
    line.engines.leader()
    wait_until(lambda: line.door.is_leader_heard)
    line.submit(f"over.{point}.after")
    line.verify()


@pytest.mark.parametrize("point", SNAPSHOT_POINTS)
def test_a_follower_killed_at_any_point_of_a_snapshot_starts_again_with_the_right_state(
    line: Line, point: str
) -> None:
    """P6, and P5 for the follower. The next one leads on from what it restored, so `verify` judges its state."""
    every = ("--snapshot-commands", str(2 * BATCH))
    line.lead(fault="")
    follower = line.engines.start(
        f"engine-{next(line.numbers)}", fault=f"{point}:kill@2", arguments=every, ready=False
    )
    wait_until(lambda: follower.role or follower.process.poll() is not None)
    for i in range(8):
        line.submit(f"snapshot.{point}.{i}")
    assert follower.process.wait(5) == -signal.SIGKILL
    again = line.engines.start(follower.name, arguments=every)
    line.submit(f"snapshot.{point}.again")
    line.engines.leader().kill()
    line.submit(f"snapshot.{point}.after")
    wait_until(lambda: again.role == "leader")
    line.verify()


def test_a_stopped_leader_finishes_answers_and_hands_over(line: Line) -> None:
    leader = line.lead(fault="")
    standby = line.standby()
    line.submit("stop.before")
    leader.signal(signal.SIGTERM)
    line.submit("stop.after")
    assert leader.ended() == EXIT_STOPPED
    wait_until(lambda: standby.role == "leader")
    line.verify()


def test_of_two_followers_one_takes_over_and_the_other_follows_it(line: Line) -> None:
    leader = line.lead(fault="")
    followers = [line.standby(), line.standby()]
    line.submit("race.before")
    leader.kill()
    line.submit("race.after")
    alive = [child for child in followers if child.process.poll() is None]
    assert [child.role for child in alive].count("leader") == 1
    if len(alive) == 1:  # both saw the death in the same millisecond: the journal's epoch decided
        (loser,) = (child for child in followers if child not in alive)
        assert loser.ended() == EXIT_FENCED
    line.verify()


class Overheard:
    """Everything said on the venue's channels: batches, announcements and answers, with the speaker's epoch."""

    def __init__(self, venue: Engines) -> None:
        self._client = redis_package.Redis.from_url(venue.redis_url, socket_timeout=5)
        self._listener: Any = self._client.pubsub()  # type: ignore[no-untyped-call]
        self._listener.psubscribe(f"outcry.{venue.stack_id}*")
        self._layer = sending_layer(venue.redis_url, venue.stack_id)
        self.words: list[tuple[int, str]] = []
        self.heads: list[int] = []

    def __enter__(self) -> "Overheard":
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._client.close()

    def listen_until(self, condition: Any) -> None:
        """Take in what is said until the condition holds."""

        def heard() -> bool:
            while message := self._listener.get_message(ignore_subscribe_messages=True, timeout=0.01):
                self._take(message["data"])
            return bool(condition())

        wait_until(heard, what="the venue says so")

    def _take(self, data: bytes) -> None:
        message = self._layer.deserialize(data)
        kind = message["type"]
        if kind == "engine.head":
            self.heads.append(messages.wire_decode(message["data"])[0])
            self.words.append((self.heads[-1], kind))
        elif kind == "engine.batch":
            self.words.append((messages.wire_decode(message["data"])[1], kind))
        elif kind == "door.answers":
            self.words.append((replies.answers_decode(message["data"])[0], kind))

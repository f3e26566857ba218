"""When the leader must not go on: the clock runs backwards, the core raises, another leads, the disk is full."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from engine import live as live_module
from engine.core import commands as c
from engine.core import engine as engine_module
from engine.core import terms
from engine.core.codes import Code
from engine.journal import JournalFenced
from engine.process.leader import ClockRefused
from engine.process.replica import ApplyFailed
from engine.replies import DoorError
from engine.snapshots import state_hash
from tests.support.servers import RedisServer
from tests.support.venue import Venue, order
from tests.support.waiting import wait_until

SECOND = 1_000_000_000
FULL = "full" * 30  # longer than what `fill` sends last


class Clock:
    """A clock the test sets; ns UTC."""

    def __init__(self) -> None:
        self.now = time.time_ns()

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def clocked(tmp_path: Path, redis_empty: RedisServer, clock: Clock) -> Iterator[Venue]:
    venue = Venue(tmp_path, redis_empty.url, "clocked", clock=clock)
    venue.open_day()
    venue.open_account(1)
    yield venue
    venue.close()


def test_a_clock_set_back_a_little_is_clamped_and_counted(clocked: Venue, clock: Clock) -> None:
    before = clocked.engine.time
    clock.now -= SECOND - 1
    reply = clocked.call(order(1, terms.BUY, 19_000, 1, "a"))
    assert reply.time == before == clocked.engine.time
    assert clocked.leader.figures.clock_clamps == 1
    clock.now += 2 * SECOND
    assert clocked.call(order(1, terms.BUY, 19_000, 1, "b")).time == clock.now


def test_a_clock_set_back_a_second_ends_the_leader_before_anything_is_written(
    clocked: Venue, clock: Clock
) -> None:
    seq = clocked.engine.seq
    clock.now -= SECOND
    with pytest.raises(ClockRefused, match="runs backwards"):
        clocked.call(order(1, terms.BUY, 19_000, 1, "a"))
    assert clocked.journal.durable().seq == seq
    with pytest.raises(ClockRefused):
        clocked.restart()
    clock.now += SECOND
    clocked.restart()
    assert clocked.call(order(1, terms.BUY, 19_000, 1, "a")).ok


def test_a_leader_that_is_over_writes_and_answers_nothing(venue: Venue) -> None:
    successor = venue.journal_open()
    epoch = successor.take_over()
    seq, state = venue.engine.seq, state_hash(venue.engine)
    with pytest.raises(JournalFenced):
        venue.call(order(1, terms.BUY, 19_000, 1, "a"))
    assert state_hash(venue.engine) == state
    assert (successor.durable().seq, epoch) == (seq, venue.leader.epoch + 1)
    successor.close()


def test_of_two_that_take_over_the_later_one_leads(venue: Venue) -> None:
    first, second = venue.journal_open(), venue.journal_open()
    assert first.take_over() < second.take_over()
    with pytest.raises(JournalFenced):
        first.check_epoch()
    second.check_epoch()
    first.close()
    second.close()


class Broken(Exception):
    pass


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect in the core: setting `risk_open_max` raises."""

    def handler(state: Any, command: c.VenueSet) -> None:
        if command.setting == "risk_open_max":
            state.settings["risk_open_max"] = -1
            raise Broken("a defect")
        working(state, command)

    working = engine_module.HANDLERS[c.VenueSet]
    monkeypatch.setitem(engine_module.HANDLERS, c.VenueSet, handler)


def test_a_command_that_breaks_the_core_stops_the_leader_and_can_be_voided(
    venue: Venue, poison: None, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The leader stops before it tells anything and says the sequence; voided, every replay skips it."""
    venue.do(order(1, terms.BUY, 19_000, 1, "before"))
    seq = venue.engine.seq
    bad = c.VenueSet(terms.VENUE, terms.SCOPE_OPERATE, "risk_open_max", 1)
    with pytest.raises(ApplyFailed, match=rf"sequence {seq + 2} .*manage.py journal void {seq + 2}"):
        venue.call_many(
            [order(1, terms.BUY, 19_000, 1, "with it"), bad, order(1, terms.BUY, 19_000, 1, "after")]
        )
    with pytest.raises(ApplyFailed):
        venue.restart()
    settings.JOURNAL_URL = f"file://{venue.folder}/journal"
    venue.journal.close()
    for refused in (seq, seq + 4):
        with pytest.raises(CommandError):
            call_command("journal", "void", str(refused), "--reason", "no")
    call_command("journal", "void", str(seq + 2), "--reason", "breaks the core")
    call_command("journal", "status")
    assert f"voided {seq + 2}: breaks the core" in capsys.readouterr().out
    venue.restart()
    assert venue.engine.seq == seq + 3
    assert venue.engine.state.settings["risk_open_max"] > 0
    ids = [held.client_order_id for held in venue.engine.orders.values()]
    assert ids == ["before", "with it", "after"]
    venue.follower = venue.run(venue._follow(None))
    venue.do(order(1, terms.BUY, 19_000, 1, "later"))
    venue.project()
    assert venue.follower.replica.event_hash == venue.leader.replica.event_hash


def test_on_a_full_disk_nothing_is_sequenced_and_it_recovers_by_itself(venue: Venue) -> None:
    """The system takes no more bytes; the door says JOURNAL_FULL, reads go on, with room the same call works."""
    venue.serve()
    with no_room(venue.folder / "journal"):
        fill(venue)
        seq, state = venue.engine.seq, state_hash(venue.engine)
        for _ in range(2):
            with pytest.raises(DoorError) as caught:
                venue.door.call_sync(order(1, terms.BUY, 19_000, 1, FULL))
            assert caught.value.code == Code.JOURNAL_FULL
        assert (venue.engine.seq, state_hash(venue.engine)) == (seq, state)
        assert venue.leader.figures.journal_full == 1
        assert live_module.live().account(1).value == venue.engine.account_view(1)
    reply = venue.door.call_sync(order(1, terms.BUY, 19_000, 1, FULL))
    assert reply.ok
    assert venue.leader.figures.journal_full == 0
    assert [held.client_order_id for held in venue.engine.orders.values()] == [FULL]
    assert venue.journal.durable().seq == venue.engine.seq


def test_with_room_again_the_leader_finds_out_without_a_command(venue: Venue) -> None:
    venue.serve()
    with no_room(venue.folder / "journal"):
        fill(venue)
        assert venue.leader.figures.journal_full == 1
    wait_until(lambda: not venue.leader.figures.journal_full)


@contextmanager
def no_room(journal: Path) -> Iterator[None]:
    """No file of this process may outgrow the journal's newest segment, zeros written ahead included."""
    segment = max(journal.glob("*.segment"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (segment.stat().st_size + 16, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill(venue: Venue) -> None:
    """Deposits, first many at once, then one by one, until there is no room for one."""
    for count in (100, 1):
        while _deposit(venue, count):
            pass


def _deposit(venue: Venue, count: int) -> bool:
    """False when there was no room; what is refused took no sequence, what is answered did."""
    seq = venue.engine.seq
    deposits = [
        c.CashDeposit(
            terms.VENUE, terms.SCOPE_OPERATE, 1, f"{seq:030}.{i:030}", terms.BOOK_FUTURES, "CNY", 100
        )
        for i in range(count)
    ]
    outcomes = venue.door.call_many_sync(deposits)
    refused = [outcome.code for outcome in outcomes if isinstance(outcome, DoorError)]
    assert venue.engine.seq == seq + count - len(refused)
    assert set(refused) <= {Code.JOURNAL_FULL}
    return not refused

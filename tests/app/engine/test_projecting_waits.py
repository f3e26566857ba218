"""The follower and its projector: rows are made once and in order, whoever holds the right and however long Postgres
is away. The projector here keeps its rows in memory and is broken at will; Postgres' own half is tested beside it."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from engine.core import terms
from engine.core.engine import Engine
from engine.process.figures import Figures
from engine.process.follower import Follower
from engine.process.projecting import ProjectorLost, Record
from engine.process.projection import Projection
from tests.support.venue import Venue, order

T = TypeVar("T")


class Away(Exception):
    """What a database's driver raises."""


@dataclass(slots=True)
class Rows:
    """What was committed, shared by every projector of a test, as Postgres is."""

    seqs: list[int] = field(default_factory=list)
    held_by: "MemoryProjector | None" = None
    is_away: bool = False

    @property
    def applied(self) -> int:
        return self.seqs[-1] if self.seqs else 0


class MemoryProjector:
    """A Projector that commits sequences to `Rows`, with the same promises as the real one."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def acquire(self) -> bool:
        if self.rows.is_away:
            raise Away
        if self.rows.held_by not in (None, self):
            return False
        self.rows.held_by = self
        return True

    def applied_seq(self) -> int:
        return self.rows.applied

    def prepare(self, records: Sequence[Record], engine: Engine) -> Any:
        assert engine.seq == records[-1].batch.last_seq, "the engine stands at the last record"
        first, last = records[0].batch.first_seq, records[-1].batch.last_seq
        return list(range(first, last + 1))

    def commit(self, prepared: Any) -> None:
        if self.rows.held_by is not self:
            raise ProjectorLost("another holds it")
        if self.rows.is_away:
            raise Away
        if prepared[0] != self.rows.applied + 1:
            raise ProjectorLost("progress moved")
        self.rows.seqs += prepared

    def release(self) -> None:
        if self.rows.held_by is self:
            self.rows.held_by = None


class Standing:
    """A follower of a venue, with a projector, stepped by the test."""

    def __init__(self, venue: Venue, rows: Rows, *, events_max: int = 1_000) -> None:
        self._venue = venue
        self.projector = MemoryProjector(rows)
        self.projection = Projection(self.projector, Figures(), events_max=events_max)
        self.follower = Follower(journal=venue.journal, snapshots=venue.snapshots, projection=self.projection)

    def step(self) -> bool:
        """Replay, project, replay what a restart from a snapshot left, project; True when all is committed."""
        self.follower.catch_up()
        if not self.run(self.follower.project()):
            return False
        self.follower.catch_up()
        return self.run(self.follower.project())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._venue.run(coroutine)

    def close(self) -> None:
        self.run(self.projection.close())
        self.follower.close()


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def standing(venue: Venue, rows: Rows) -> Iterator[Standing]:
    made = Standing(venue, rows)
    yield made
    made.close()


def trade(venue: Venue, label: str, count: int = 3) -> None:
    for i in range(count):
        venue.do(order(1, terms.BUY, 18_000, 1, f"{label}-{i}"))


def everything(venue: Venue) -> list[int]:
    return list(range(1, venue.engine.seq + 1))


def test_each_sequence_is_projected_once_and_in_order(venue: Venue, standing: Standing, rows: Rows) -> None:
    assert standing.step()
    trade(venue, "a")
    assert standing.step()
    assert standing.step()
    assert rows.seqs == everything(venue)
    assert not standing.projection.is_waiting


def test_while_postgres_is_away_what_is_replayed_waits(venue: Venue, standing: Standing, rows: Rows) -> None:
    standing.step()
    rows.is_away = True
    trade(venue, "a")
    assert not standing.step()
    trade(venue, "b")
    assert not standing.step()
    assert rows.applied == venue.engine.seq - 6
    rows.is_away = False
    assert standing.step()
    assert rows.seqs == everything(venue)


def test_a_lost_session_is_taken_up_again_with_what_waited(
    venue: Venue, standing: Standing, rows: Rows
) -> None:
    standing.step()
    trade(venue, "a")
    standing.follower.catch_up()
    rows.held_by = None
    assert not standing.run(standing.projection.commit(standing.follower.replica.engine))
    assert not standing.projection.is_held
    trade(venue, "b")
    assert standing.step()
    assert rows.seqs == everything(venue)


def test_too_much_waiting_is_dropped_and_derived_again_from_a_snapshot(
    venue: Venue, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.process.follower.RECENT_EVENTS_MAX", 5)
    standing = Standing(venue, rows, events_max=30)
    standing.step()
    standing.follower.snapshot()
    rows.is_away = True
    trade(venue, "a", 40)
    standing.step()
    standing.step()
    assert not standing.projection.is_held
    trade(venue, "b", 2)
    rows.is_away = False
    for _ in range(10):
        standing.run(standing.follower.project())
        standing.follower.step(10)
    assert rows.seqs == everything(venue)
    assert standing.follower.replica.event_hash == venue.leader.replica.event_hash
    standing.close()


def test_one_projects_and_the_other_goes_on_when_it_is_gone(
    venue: Venue, standing: Standing, rows: Rows
) -> None:
    other = Standing(venue, rows)
    assert standing.step()
    assert not other.step()
    trade(venue, "a")
    assert standing.step()
    standing.run(standing.projection.let_go())
    trade(venue, "b")
    assert other.step()
    assert not standing.step()
    assert rows.seqs == everything(venue)
    other.close()


def test_a_commit_that_happened_though_its_session_was_lost_is_not_repeated(
    venue: Venue, standing: Standing, rows: Rows
) -> None:
    standing.step()
    trade(venue, "a")
    standing.follower.catch_up()
    rows.seqs += range(rows.applied + 1, venue.engine.seq + 1)  # committed, the answer was lost
    assert not standing.run(standing.projection.commit(standing.follower.replica.engine))
    trade(venue, "b")
    assert standing.step()
    assert rows.seqs == everything(venue)


def test_a_projector_behind_every_snapshot_is_served_from_the_first_sequence(
    venue: Venue, rows: Rows
) -> None:
    venue.project()
    venue.follower.snapshot()
    trade(venue, "a")
    standing = Standing(venue, rows)
    assert standing.follower.replica.seq == venue.engine.seq - 3
    assert standing.step()
    assert rows.seqs == everything(venue)
    standing.close()


def test_the_running_follower_projects_by_itself(venue: Venue, standing: Standing, rows: Rows) -> None:
    trade(venue, "a")
    venue.run(_run_until(standing.follower, lambda: rows.applied == venue.engine.seq))
    assert rows.seqs == everything(venue)


async def _run_until(follower: Follower, condition: Any) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(follower.run(stop))
    while not condition():
        await asyncio.sleep(0.005)
    stop.set()
    assert await running is False

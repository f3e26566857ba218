"""Drop the tables, replay, and they are back, equal; whoever was projecting lets go."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.conf import settings

from engine.process.projecting import ProjectorLost
from exchange.projecting import VenueProjector, projected_tables
from exchange.rebuilding import rebuild
from market.models import Progress
from tests.app.projections.recorded import Recorded, day_roll, table_dump, trading, venue_open
from trading.models import Order


def dump() -> dict[str, list[Any]]:
    with psycopg.connect(settings.DATABASE_OWNER_URL) as connection, connection.cursor() as cursor:
        return table_dump(cursor, projected_tables())


def history_make(recorded: Recorded, projector: VenueProjector) -> None:
    """Two days, projected in stretches of many sizes; some begin in the middle of a minute or of a roll."""
    venue_open(recorded)
    for part in range(12):
        trading(recorded, seed=part, batches=3 * part + 1)
        recorded.project(projector)
        if part == 6:
            day_roll(recorded, 20251202)


def test_a_rebuild_is_equal(
    recorded: Recorded, projector: VenueProjector, projector_new: Callable[[], VenueProjector]
) -> None:
    history_make(recorded, projector)
    before = dump()
    assert all(before.values())
    projector.release()
    said: list[int] = []
    reached = rebuild(
        database_url=settings.DATABASE_OWNER_URL,
        journal=recorded.journal,
        projector=projector_new(),
        say=said.append,
    )
    assert reached == recorded.engine.seq == said[-1]
    assert dump() == before


def test_stretches_of_one_batch_make_the_same_rows(
    recorded: Recorded, projector: VenueProjector, projector_new: Callable[[], VenueProjector]
) -> None:
    venue_open(recorded)
    recorded.project(projector)
    for part in range(30):
        trading(recorded, seed=part, batches=1)
        recorded.project(projector)
    day_roll_in_steps(recorded, projector)
    before = dump()
    rebuild(database_url=settings.DATABASE_OWNER_URL, journal=recorded.journal, projector=projector_new())
    assert dump() == before


def day_roll_in_steps(recorded: Recorded, projector: VenueProjector) -> None:
    """Roll the day while projecting after every batch, as a follower beside a slow roll does."""
    run = recorded.run

    def run_and_project(*batch: Any, after_ns: int = 10**9) -> Any:
        record = run(*batch, after_ns=after_ns)
        recorded.project(projector)
        return record

    recorded.run = run_and_project  # type: ignore[method-assign]
    day_roll(recorded, 20251202)
    recorded.run = run  # type: ignore[method-assign]


def test_tampered_and_lost_rows_come_back(
    recorded: Recorded, projector: VenueProjector, projector_new: Callable[[], VenueProjector]
) -> None:
    history_make(recorded, projector)
    before = dump()
    with psycopg.connect(settings.DATABASE_OWNER_URL) as connection:
        connection.execute("DELETE FROM trading_order WHERE side = 1")
        connection.execute("UPDATE accounts_accountstate SET deposit = 0")
        connection.execute("UPDATE market_progress SET seq = 5")
    rebuild(database_url=settings.DATABASE_OWNER_URL, journal=recorded.journal, projector=projector_new())
    assert dump() == before


def test_the_running_projector_lets_go_and_goes_on_afterwards(
    recorded: Recorded, projector: VenueProjector, projector_new: Callable[[], VenueProjector]
) -> None:
    history_make(recorded, projector)
    rebuild(database_url=settings.DATABASE_OWNER_URL, journal=recorded.journal, projector=projector_new())
    trading(recorded, seed=50, batches=10)
    records = recorded.take()
    with pytest.raises(ProjectorLost):
        projector.commit(projector.prepare(records, recorded.engine))
    assert projector.acquire()
    assert projector.applied_seq() == records[0].batch.first_seq - 1
    projector.commit(projector.prepare(records, recorded.engine))
    assert Progress.objects.get().seq == recorded.engine.seq
    assert Order.objects.filter(order_id__gt=records[0].batch.first_seq - 1).exists()

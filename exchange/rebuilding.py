"""Drops every projected row and makes it again from the journal; trading goes on meanwhile.
Called by `manage.py rebuild` and tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from engine.core.engine import Engine
from engine.journal import Journal
from engine.process.projecting import Record
from engine.process.replica import Replica
from exchange.projecting import LOCK_KEY, VenueProjector, connect

EVENTS_A_TRANSACTION: Final = 20_000
LOCK_WAIT_S: Final = 30.0


class RebuildRefused(Exception):
    """Nothing was dropped; the text says why."""


def rebuild(
    *,
    database_url: str,
    journal: Journal,
    projector: VenueProjector,
    say: Callable[[int], None] = lambda seq: None,
) -> int:
    """Rebuild up to the journal's durable mark as it is now; the sequence reached. `say` is told of each transaction.

    Raises RebuildRefused before anything is dropped; ReplayDiffers, JournalError, psycopg.Error later leave
    rows up to a sequence that progress names, from which a projector goes on."""
    _journal_check(journal)
    _lock_take(database_url, projector)
    try:
        projector.reset()
        return _replay(journal, projector, say)
    finally:
        projector.release()


def _journal_check(journal: Journal) -> None:
    first = next(iter(journal.read(1)), None)
    if first is not None and first.first_seq != 1:
        raise RebuildRefused(f"the journal begins at sequence {first.first_seq}: restore its archive first")


def _lock_take(database_url: str, projector: VenueProjector) -> None:
    """Take the right from whoever projects: his session is ended, which he takes as a lost connection."""
    deadline = time.monotonic() + LOCK_WAIT_S
    with connect(database_url) as asking:
        while not projector.acquire():
            if time.monotonic() > deadline:
                raise RebuildRefused(f"another process kept projecting for {LOCK_WAIT_S:g} s")
            asking.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                " AND (classid::bigint << 32) + objid::bigint = %s AND objsubid = 1",
                (LOCK_KEY,),
            )


def _replay(journal: Journal, projector: VenueProjector, say: Callable[[int], None]) -> int:
    """One pass over what is durable now; what comes later is for whoever projects next."""
    replica = Replica(Engine())
    voided = journal.voided()
    waiting: list[Record] = []
    events = 0
    for batch in journal.read(1):
        waiting.append(replica.replay(batch, voided))
        events += len(waiting[-1].applied.events)
        if events >= EVENTS_A_TRANSACTION:
            _commit(projector, replica, waiting, say)
            waiting, events = [], 0
    if waiting:
        _commit(projector, replica, waiting, say)
    return replica.seq


def _commit(
    projector: VenueProjector, replica: Replica, records: list[Record], say: Callable[[int], None]
) -> None:
    projector.commit(projector.prepare(records, replica.engine))
    say(replica.seq)

"""A projector in a process of its own, to be killed at a named point: replays a journal in small stretches.
Started by test_projector_crashes.py as `python -m tests.app.projections.crash FOLDER DATABASE REDIS STACK`."""

from __future__ import annotations

import sys
from pathlib import Path

import django

STRETCH = 7  # batches


def main(folder: str, database_url: str, redis_url: str, stack_id: str) -> None:
    django.setup()
    from engine.core.engine import Engine
    from engine.journal import FileJournal
    from engine.process.projecting import Record
    from engine.process.replica import Replica
    from exchange.projecting import RedisAnnouncer, VenueProjector

    projector = VenueProjector(database_url, RedisAnnouncer(redis_url, stack_id))
    if not projector.acquire():
        sys.exit(3)
    applied = projector.applied_seq()
    journal = FileJournal(Path(folder), clock=lambda: 0)
    replica = Replica(Engine())
    waiting: list[Record] = []
    for batch in journal.read(1):
        record = replica.replay(batch, {})
        if batch.last_seq > applied:
            waiting.append(record)
        if len(waiting) == STRETCH:
            projector.commit(projector.prepare(waiting, replica.engine))
            waiting = []
    if waiting:
        projector.commit(projector.prepare(waiting, replica.engine))
    projector.release()
    journal.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

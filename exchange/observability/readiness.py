"""What must work before this web process can serve: database, migrations, Redis, a leader, the projector.
Called by the /ready view; every question has its own short time limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import redis
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from accounts.redis_clients import RedisAway, redis_client
from engine.door import door
from engine.live import LiveRebuilding, live
from market.models import Progress

LEADER_WAIT_S: Final = 1.2
POLL_S: Final = 0.05
PROJECTOR_LAG_MAX_S: Final = 5.0

_migrated: list[bool] = []


@dataclass(frozen=True, slots=True)
class Part:
    """One part's state: whether it works, and what there is to say."""

    ok: bool
    detail: str


def parts(now: Callable[[], int] = time.time_ns) -> dict[str, Part]:
    """Every part by name, each asked on its own."""
    return {
        "database": _asked(_database),
        "migrations": _asked(_migrations),
        "redis": _asked(_redis),
        "leader": _asked(_leader),
        "live": _asked(_live),
        "projector": _asked(lambda: _projector(now())),
    }


def _asked(question: Callable[[], str]) -> Part:
    try:
        return Part(True, question())
    except _NotReady as error:
        return Part(False, str(error))
    except DatabaseError:
        return Part(False, "PostgreSQL does not answer")
    except (*RedisAway, redis.RedisError):
        return Part(False, "Redis does not answer")
    except LiveRebuilding:
        return Part(False, "live state is being rebuilt")


class _NotReady(Exception):
    """A part answers, and what it says is not good enough."""


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "answers"


def _migrations() -> str:
    """Looked up until all are applied; a process does not lose migrations afterwards."""
    if not _migrated:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if waiting:
            raise _NotReady(f"{len(waiting)} not applied")
        _migrated.append(True)
    return "applied"


def _redis() -> str:
    redis_client().ping()
    return "answers"


def _leader() -> str:
    """Heard within the last second; a door that was just opened has to listen first."""
    deadline = time.monotonic() + LEADER_WAIT_S
    while not door().is_leader_heard:
        if time.monotonic() >= deadline:
            raise _NotReady("no leader was heard for a second")
        time.sleep(POLL_S)
    return "heard"


def _live() -> str:
    return f"at {live().head().seq}"


def _projector(now: int) -> str:
    progress = Progress.objects.filter(partition=0).first()
    head = live().head().seq
    reached, at = (0, 0) if progress is None else (progress.seq, progress.time)
    behind_s = (now - at) / 1e9
    if reached < head and behind_s > PROJECTOR_LAG_MAX_S:
        raise _NotReady(f"{head - reached} commands behind")
    return f"at {reached}, {max(0, head - reached)} behind"


def plain(found: dict[str, Part]) -> dict[str, Any]:
    """The answer of /ready."""
    ready = all(part.ok for part in found.values())
    return {
        "status": "ready" if ready else "not ready",
        "parts": {name: {"ok": part.ok, "detail": part.detail} for name, part in found.items()},
    }

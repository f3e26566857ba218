"""P6 for the projections: killed between any two steps, the next projector goes on, and nothing is there twice."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
import redis as redis_package
from django.conf import settings

from exchange.projecting import VenueProjector
from exchange.reconcile import reconcile
from market.models import Progress
from tests.app.projections.recorded import Recorded, day_roll, trading, venue_open
from tests.support.servers import RedisServer


def project_in_a_process(recorded: Recorded, fault: str = "") -> int:
    """The exit code; negative: killed by that signal."""
    environment = {**os.environ, "OUTCRY_FAULTS_ALLOWED": "1", "OUTCRY_FAULT": fault}
    done = subprocess.run(
        [
            sys.executable, "-m", "tests.app.projections.crash", str(recorded.folder / "journal"),
            settings.DATABASE_OWNER_URL, settings.REDIS_URL, settings.OUTCRY_STACK_ID,
        ],
        env=environment, timeout=60, check=False, cwd=settings.BASE_DIR,
    )  # fmt: skip
    return done.returncode


def is_clean(recorded: Recorded) -> bool:
    report = reconcile(
        database_url=settings.DATABASE_OWNER_URL, journal=recorded.journal, snapshots=None, reader=None
    )
    return report.is_clean


@pytest.mark.parametrize("point", ["before_commit", "in_transaction", "after_commit"])
def test_killed_it_goes_on_where_it_was(
    recorded: Recorded, projector_new: Callable[[], VenueProjector], redis_empty: RedisServer, point: str
) -> None:
    venue_open(recorded)
    trading(recorded, seed=1, batches=30)
    day_roll(recorded, 20251202)
    trading(recorded, seed=2, batches=30)
    assert project_in_a_process(recorded, f"projector.{point}:kill@4") == -signal.SIGKILL
    reached = Progress.objects.get().seq
    assert 0 < reached < recorded.engine.seq
    assert is_clean(recorded)
    with redis_package.Redis.from_url(settings.REDIS_URL) as client:
        told = int(client.get(f"projected:{settings.OUTCRY_STACK_ID}:0") or 0)
    # Redis is told after the commit: it may be behind, never ahead.
    assert told < reached if point == "after_commit" else told == reached

    assert project_in_a_process(recorded) == 0
    assert Progress.objects.get().seq == recorded.engine.seq
    assert is_clean(recorded)

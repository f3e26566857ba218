"""A served venue beside an empty Redis and a database whose commits are real.
Called by pytest."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.support.servers import RedisServer
from tests.support.venue import Venue


@pytest.fixture
def served_venue(transactional_db: None, redis_empty: RedisServer, tmp_path: Path) -> Iterator[Venue]:
    """The real engine on a journal of its own, answering at the real door."""
    venue = Venue(tmp_path, settings.REDIS_URL, settings.OUTCRY_STACK_ID)
    try:
        venue.open_day()
        venue.serve()
        yield venue
    finally:
        venue.close()

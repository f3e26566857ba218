"""Every test here has an empty Redis and a database whose commits are real.
Called by pytest."""

import pytest

from tests.support.servers import RedisServer


@pytest.fixture(autouse=True)
def _clean(transactional_db: None, redis_empty: RedisServer) -> None:
    """Commits happen, so what follows a commit is tested too."""

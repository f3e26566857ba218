"""A Redis that tests of live state may wipe, kill and start again, and a venue name of each test's own.
Called by pytest."""

import secrets
from collections.abc import AsyncIterator, Iterator

import pytest
import redis

from engine.live import LiveReader, LiveWriter
from tests.support.servers import RedisServer, redis_server


@pytest.fixture(scope="session")
def own_redis() -> Iterator[RedisServer]:
    """A Redis nobody else uses."""
    with redis_server() as server:
        yield server


@pytest.fixture
def stack_id() -> str:
    return f"t{secrets.token_hex(4)}"


@pytest.fixture
def raw(own_redis: RedisServer) -> Iterator[redis.Redis]:
    """A plain client to look at the keys and to do harm."""
    with redis.Redis.from_url(own_redis.url) as client:
        yield client


@pytest.fixture
async def writer(own_redis: RedisServer, stack_id: str) -> AsyncIterator[LiveWriter]:
    found = LiveWriter(own_redis.url, stack_id)
    yield found
    await found.close()


@pytest.fixture
def reader(own_redis: RedisServer, stack_id: str) -> Iterator[LiveReader]:
    found = LiveReader(own_redis.url, stack_id)
    yield found
    found.close()

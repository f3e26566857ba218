"""Connections to the venue's Redis for short questions: one for threads, one for each event loop.
Called by accounts/sessions.py and accounts/throttles.py."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings

# A question that Redis does not answer in this time counts as "Redis is away".
TIMEOUT_S: Final = 1.0
CONNECTIONS_MAX: Final = 32

RedisAway = (redis.ConnectionError, redis.TimeoutError, redis.ResponseError, OSError)

_sync_clients: dict[str, Any] = {}
_async_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[str, Any]] = WeakKeyDictionary()


def redis_client() -> Any:
    """The client of this process for threads; it connects when first used."""
    url: str = settings.REDIS_URL
    if url not in _sync_clients:
        _sync_clients[url] = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            max_connections=CONNECTIONS_MAX,
        )
    return _sync_clients[url]


def redis_client_async() -> Any:
    """The client of the running event loop; it connects when first used."""
    loop = asyncio.get_running_loop()
    url: str = settings.REDIS_URL
    held = _async_clients.get(loop)
    if held is None or held[0] != url:
        pool: Any = redis.asyncio.BlockingConnectionPool.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            max_connections=CONNECTIONS_MAX,
            timeout=TIMEOUT_S,
        )
        held = (url, redis.asyncio.Redis(connection_pool=pool))
        _async_clients[loop] = held
    return held[1]


def redis_key(name: str) -> str:
    """The full key of `name` in this venue."""
    return f"outcry.{settings.OUTCRY_STACK_ID}.{name}"

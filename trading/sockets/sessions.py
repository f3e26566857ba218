"""Ends sockets whose login session ended: at once when it is announced, else at the next look.
Called by the connections; one channel and one receive task a process, never cancelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakKeyDictionary

import redis
from channels.layers import get_channel_layer
from django.db import Error as DatabaseError

from accounts.sessions import SessionRecord, session_group, session_read_async

logger = logging.getLogger(__name__)

# An announcement can be lost while Redis is away; the sessions are looked up this often as well.
LOOK_S: Final = 10.0
RETRY_S: Final = 0.25
Told = Callable[[SessionRecord | None], None]


class SessionWatch:
    """Tells owners what became of their session: None when it ended, else its record as it is now."""

    def __init__(self) -> None:
        self._owners: dict[str, dict[object, Told]] = {}
        self._layer: Any = get_channel_layer()
        self._channel = ""
        self._receiving: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    async def add(self, session_id: str, owner: object, told: Told) -> None:
        """Watch the session for `owner`."""
        self._owners.setdefault(session_id, {})[owner] = told
        if self._receiving is None:
            self._receiving = asyncio.create_task(self._receive(), name="session watch")
            self._looking = asyncio.create_task(self._look(), name="session look")
        try:
            await self._join(session_id)
        except (redis.RedisError, OSError):
            logger.warning("session watch: Redis is away, looking every %s s", LOOK_S)

    async def remove(self, session_id: str, owner: object) -> None:
        """The reverse of add."""
        owners = self._owners.get(session_id)
        if owners is None:
            return
        owners.pop(owner, None)
        if not owners:
            del self._owners[session_id]
            try:
                await self._layer.group_discard(session_group(session_id), self._channel)
            except (redis.RedisError, OSError):
                logger.warning("session watch: Redis is away, group not left")

    async def _join(self, session_id: str) -> None:
        self._channel = self._channel or await self._layer.new_channel("sessions")
        await self._layer.group_add(session_group(session_id), self._channel)

    async def _receive(self) -> None:
        while True:
            if not self._channel:
                await asyncio.sleep(RETRY_S / 10)
                continue
            message = await self._layer.receive(self._channel)
            self._tell(message.get("session_id", ""), None)

    async def _look(self) -> None:
        """Read every watched session again, so that ended ones end here and new accounts are known."""
        while True:
            await asyncio.sleep(LOOK_S)
            for session_id in list(self._owners):
                try:
                    record = await session_read_async(session_id)
                except (redis.RedisError, OSError, DatabaseError):
                    continue  # nobody knows: the session lives until somebody says otherwise
                self._tell(session_id, record)

    def _tell(self, session_id: str, record: SessionRecord | None) -> None:
        for told in list(self._owners.get(session_id, {}).values()):
            told(record)


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, SessionWatch] = WeakKeyDictionary()


def session_watch() -> SessionWatch:
    """The running event loop's watch."""
    loop = asyncio.get_running_loop()
    found = _watches.get(loop)
    if found is None:
        found = _watches[loop] = SessionWatch()
    return found

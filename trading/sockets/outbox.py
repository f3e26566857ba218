"""What waits to be sent on one socket: ready frames in order, and streams with something new, conflated.
Filled by the connection and the fan-out, emptied by the connection's one writer task."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from engine.border import json_dumps
from trading.sockets.streams import Market, Stream

# Frames and private items that may wait; beyond it the client is too slow and is told so.
PRIVATE_MAX: Final = 1_000
# A conflated stream is sent at most this often, so that a fast market leaves the process time for orders.
PACE_S: Final = 0.02
# Streams that are sent at once; all others show a state that the newest one replaces.
IMMEDIATE: Final = frozenset({"order", "trade"})


class Outbox:
    """`is_full` once the client fell too far behind; nothing is dropped before that."""

    def __init__(self) -> None:
        self._ready: deque[str] = deque()
        self._immediate: dict[Stream, None] = {}
        self._conflated: dict[Stream, None] = {}
        self._conflated_at = 0.0
        self._news = asyncio.Event()
        self.is_full = False

    def put(self, message: dict[str, Any]) -> None:
        """Queue one message as a frame."""
        self._ready.append(json_dumps(message).decode())
        self._wake()

    def mark(self, stream: Stream) -> None:
        """The stream has something new; it is rendered when the writer comes to it."""
        queue = self._immediate if stream.channel in IMMEDIATE else self._conflated
        queue[stream] = None
        self._wake()

    def drop(self, stream: Stream) -> None:
        """The stream was unsubscribed."""
        self._immediate.pop(stream, None)
        self._conflated.pop(stream, None)

    def next(self, market: Market, now: float) -> str | None:
        """The next frame; None when nothing may be sent at `now` (monotonic seconds)."""
        while not self._ready:
            stream = self._due(now)
            if stream is None:
                return None
            self._render([stream], market)
        return self._ready.popleft()

    async def wait(self, now: float) -> None:
        """Until there is something to send."""
        pause = self._conflated_at + PACE_S - now if self._conflated else None
        if pause is not None and pause <= 0:
            return
        self._news.clear()
        try:
            async with asyncio.timeout(pause):
                await self._news.wait()
        except TimeoutError:
            return

    def _due(self, now: float) -> Stream | None:
        if self._immediate:
            return _first(self._immediate)
        if self._conflated and now >= self._conflated_at + PACE_S:
            # All of them leave now, one after the other: move them where they are due.
            self._conflated_at = now
            self._immediate, self._conflated = self._conflated, {}
            return _first(self._immediate)
        return None

    def _render(self, streams: Iterable[Stream], market: Market) -> None:
        for stream in streams:
            self._ready.extend(json_dumps(push).decode() for push in stream.render(market))

    def _wake(self) -> None:
        if len(self._ready) + sum(stream.pending for stream in self._immediate) > PRIVATE_MAX:
            self.is_full = True
        self._news.set()


def _first(streams: dict[Stream, None]) -> Stream:
    stream = next(iter(streams))
    del streams[stream]
    return stream

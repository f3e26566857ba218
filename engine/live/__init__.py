"""Live state in Redis: what the engine's accounts, orders, instruments and books are right now.
Written by the leader (LiveWriter), read by `live()` in threads and by `live_async()` in event loops."""

from __future__ import annotations

from engine.live.errors import LiveAway, LiveError, LiveFenced, LiveHeadMismatch, LiveRebuilding
from engine.live.funds import LiveFunds, LiveWallet
from engine.live.keys import Head
from engine.live.reader import AsyncLiveReader, Live, LiveMarket, LivePrivate, LiveReader
from engine.live.writer import LiveWriter

__all__ = [
    "AsyncLiveReader",
    "Head",
    "Live",
    "LiveAway",
    "LiveError",
    "LiveFenced",
    "LiveFunds",
    "LiveHeadMismatch",
    "LiveMarket",
    "LivePrivate",
    "LiveReader",
    "LiveRebuilding",
    "LiveWallet",
    "LiveWriter",
    "configure",
    "live",
    "live_async",
]

_readers: tuple[LiveReader, AsyncLiveReader] | None = None


def configure(redis_url: str, stack_id: str) -> None:
    """Say once a process where live state stands; saying it again (tests) points the readers elsewhere."""
    global _readers
    _readers = (LiveReader(redis_url, stack_id), AsyncLiveReader(redis_url, stack_id))


def live() -> LiveReader:
    """The process's reader for threads."""
    return _both()[0]


def live_async() -> AsyncLiveReader:
    """The process's reader for event loops; the same reads, awaited."""
    return _both()[1]


def _both() -> tuple[LiveReader, AsyncLiveReader]:
    if _readers is None:
        # Django's processes need not say what their settings say already.
        from django.conf import settings

        configure(settings.REDIS_URL, settings.OUTCRY_STACK_ID)
    assert _readers is not None
    return _readers

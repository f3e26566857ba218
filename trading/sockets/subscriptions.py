"""The streams of one connection: which it has, how they begin, and how they begin anew after a gap.
Called by trading/sockets/handlers.py."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Final

from accounts.http.envelope import ApiError
from engine.core.codes import Code
from engine.live import LiveRebuilding, live_async
from market.directory import directory
from trading.sockets.fanout import Fanout
from trading.sockets.messages import CHANNELS_PRIVATE, CHANNELS_PUBLIC, DEPTH_MAX
from trading.sockets.outbox import Outbox
from trading.sockets.streams import (
    AccountStream,
    OrderBookStream,
    OrderStream,
    PositionStream,
    PrivateStream,
    Stream,
    TapeStream,
    TickerStream,
    TradeStream,
)

logger = logging.getLogger(__name__)

SUBSCRIPTIONS_MAX: Final = 200
RETRY_S: Final = 0.05
_PRIVATE: Final[dict[str, type[PrivateStream]]] = {
    "account": AccountStream,
    "position": PositionStream,
    "order": OrderStream,
    "trade": TradeStream,
}


class Subscriptions:
    """`outbox` is told of every stream with something new; `fanout` feeds the streams."""

    def __init__(self, outbox: Outbox, fanout: Fanout) -> None:
        self._outbox = outbox
        self._fanout = fanout
        self._streams: dict[str, Stream] = {}
        self._loads: dict[int, asyncio.Task[None]] = {}
        fanout.watch(self, self._gap)

    async def add(
        self,
        *,
        channels: Sequence[str],
        instruments: Sequence[str],
        account_ids: Sequence[int],
        depth: int,
        is_grouped: bool,
    ) -> list[str]:
        """Begin the streams of every channel; all or none. Their names; those already there start anew.

        ApiError: FIELD_INVALID, INSTRUMENT_NOT_FOUND, INSTRUMENT_AMBIGUOUS, TOO_MANY_SUBSCRIPTIONS."""
        public, private = channels_check(channels)
        if not 1 <= depth <= DEPTH_MAX:
            raise ApiError(Code.FIELD_INVALID, field="depth", limit=f"1..{DEPTH_MAX}")
        if public and not instruments:
            raise ApiError(Code.FIELD_REQUIRED, field="instruments")
        if len(instruments) > SUBSCRIPTIONS_MAX:
            raise ApiError(Code.TOO_MANY_SUBSCRIPTIONS, field="instruments", limit=SUBSCRIPTIONS_MAX)
        found = [(await directory().find(name)).spec.instrument for name in instruments]
        streams = [self._public(channel, name, depth) for channel in public for name in dict.fromkeys(found)]
        streams += [_PRIVATE[channel](channel, a, is_grouped) for channel in private for a in account_ids]
        names = {stream.name for stream in streams}
        if len(names | self._streams.keys()) > SUBSCRIPTIONS_MAX:
            raise ApiError(Code.TOO_MANY_SUBSCRIPTIONS, field="channels", limit=SUBSCRIPTIONS_MAX)
        for stream in streams:
            self._begin(stream)
        self._load(stream for stream in streams if isinstance(stream, PrivateStream))
        return [stream.name for stream in streams]

    def remove(self, names: Iterable[str]) -> list[str]:
        """End these streams; the names of those that were there."""
        ended = [name for name in names if name in self._streams]
        for name in ended:
            self._end(self._streams[name])
        return ended

    def names(self, channels: Sequence[str], targets: Sequence[str] | None) -> list[str]:
        """The names of the streams of these channels, of these instruments or accounts (None: of all)."""
        streams = [stream for stream in self._streams.values() if stream.channel in channels]
        return [stream.name for stream in streams if targets is None or stream.target in targets]

    def resync(self, names: Sequence[str], reason: str = "asked") -> None:
        """Send these streams as snapshots again; FIELD_INVALID for one that is not subscribed."""
        for name in names:
            if name not in self._streams:
                raise ApiError(Code.FIELD_INVALID, field="streams", limit="subscribed streams")
        self._restart([self._streams[name] for name in dict.fromkeys(names)], reason)

    def close(self) -> None:
        """End everything."""
        self._fanout.unwatch(self)
        for stream in list(self._streams.values()):
            self._end(stream)
        for task in self._loads.values():
            task.cancel()

    def _public(self, channel: str, instrument: str, depth: int) -> Stream:
        if channel == "orderbook":
            return OrderBookStream(channel, instrument, depth)
        if channel == "ticker":
            return TickerStream(channel, instrument)
        return TapeStream(channel, instrument, self._fanout.recent)

    def _begin(self, stream: Stream) -> None:
        if stream.name in self._streams:
            self._end(self._streams[stream.name])
        self._streams[stream.name] = stream
        self._fanout.add(stream, self._outbox.mark)
        if not stream.is_private:
            self._outbox.mark(stream)

    def _end(self, stream: Stream) -> None:
        del self._streams[stream.name]
        self._fanout.remove(stream)
        self._outbox.drop(stream)

    def _gap(self, reason: str) -> None:
        self._restart(list(self._streams.values()), reason)

    def _restart(self, streams: Sequence[Stream], reason: str) -> None:
        for stream in streams:
            stream.restart(reason)
            if not stream.is_private:
                self._outbox.mark(stream)
        self._load(stream for stream in streams if isinstance(stream, PrivateStream))

    def _load(self, streams: Iterable[PrivateStream]) -> None:
        for account_id in dict.fromkeys(stream.account_id for stream in streams):
            if account_id not in self._loads:
                task = asyncio.create_task(self._account_load(account_id), name=f"load {account_id}")
                self._loads[account_id] = task

    async def _account_load(self, account_id: int) -> None:
        """Give the account's waiting streams live state; the streams have been taking batches meanwhile."""
        try:
            while waiting := self._waiting(account_id):
                try:
                    live = await live_async().private(account_id)
                except LiveRebuilding:
                    await asyncio.sleep(RETRY_S)
                    continue
                while self._fanout.market.held < (live.epoch, live.seq):
                    # Live state is ahead of the batches heard: the marks must not be older than the account.
                    await asyncio.sleep(RETRY_S / 10)
                if live.value is None:
                    return
                for stream in waiting:
                    if self._streams.get(stream.name) is stream:
                        stream.load(live.value, (live.epoch, live.seq))
                        self._outbox.mark(stream)
        finally:
            self._loads.pop(account_id, None)

    def _waiting(self, account_id: int) -> list[PrivateStream]:
        return [
            stream
            for stream in self._streams.values()
            if isinstance(stream, PrivateStream) and stream.account_id == account_id and not stream.is_loaded
        ]


def channels_check(channels: Sequence[str]) -> tuple[list[str], list[str]]:
    """The public and the private ones among them; FIELD_INVALID for an unknown one or none at all."""
    for channel in channels:
        if channel not in CHANNELS_PUBLIC and channel not in CHANNELS_PRIVATE:
            raise ApiError(
                Code.FIELD_INVALID, field="channels", limit="|".join(CHANNELS_PUBLIC + CHANNELS_PRIVATE)
            )
    if not channels:
        raise ApiError(Code.FIELD_REQUIRED, field="channels")
    unique = dict.fromkeys(channels)
    public = [channel for channel in unique if channel in CHANNELS_PUBLIC]
    return public, [channel for channel in unique if channel in CHANNELS_PRIVATE]

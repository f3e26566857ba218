"""One process' fan-out: each journal batch is looked at once and handed to the streams it concerns.
Listens to engine.hub; connections add and remove their streams. Belongs to one event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final
from weakref import WeakKeyDictionary

from engine.core.events import Trade
from engine.hub import BatchSeen, Hub, Lost, hub
from trading.sockets.batches import Batch
from trading.sockets.streams import TAPE_SNAPSHOT, AccountStream, PrivateStream, PublicStream, Stream

Changed = Callable[[Stream], None]
Gap = Callable[[str], None]

GAP: Final = "gap"


class Fanout:
    """`add` says whom to tell when a stream has something to send; `watch` whom to tell of a gap."""

    def __init__(self, market: Hub) -> None:
        self.market = market
        self._by_instrument: dict[str, dict[Stream, Changed]] = {}
        self._by_account: dict[int, dict[Stream, Changed]] = {}
        self._marked: dict[Stream, Changed] = {}
        self._gaps: dict[object, Gap] = {}
        self._tapes: dict[str, deque[tuple[Trade, int]]] = {}
        market.subscribe(self._hear)

    def add(self, stream: Stream, changed: Changed) -> None:
        """Give `stream` every batch that concerns it from now on."""
        if isinstance(stream, PublicStream):
            self._by_instrument.setdefault(stream.instrument, {})[stream] = changed
        elif isinstance(stream, PrivateStream):
            self._by_account.setdefault(stream.account_id, {})[stream] = changed
            if isinstance(stream, AccountStream):
                self._marked[stream] = changed

    def remove(self, stream: Stream) -> None:
        """The reverse of add."""
        if isinstance(stream, PublicStream):
            _discard(self._by_instrument, stream.instrument, stream)
        elif isinstance(stream, PrivateStream):
            _discard(self._by_account, stream.account_id, stream)
            self._marked.pop(stream, None)

    def watch(self, owner: object, gap: Gap) -> None:
        """Tell `owner` when batches were missed: its streams need snapshots."""
        self._gaps[owner] = gap

    def unwatch(self, owner: object) -> None:
        """The reverse of watch."""
        self._gaps.pop(owner, None)

    def recent(self, instrument: str) -> Iterable[tuple[Trade, int]]:
        """The newest public trades this process has seen, oldest first, with their times."""
        return self._tapes.get(instrument, ())

    def _hear(self, seen: BatchSeen | Lost) -> None:
        if isinstance(seen, Lost):
            self._tapes.clear()
            for gap in list(self._gaps.values()):
                gap(GAP)
            return
        batch = Batch(seen)
        told: set[Stream] = set()
        for instrument in batch.instruments:
            self._remember(instrument, batch)
            _tell(self._by_instrument.get(instrument), batch, told)
        for account_id in batch.accounts & self._by_account.keys():
            _tell(self._by_account.get(account_id), batch, told)
        if batch.marked or batch.is_venue_changed:
            _tell(self._marked, batch, told)

    def _remember(self, instrument: str, batch: Batch) -> None:
        trades = batch.trades_of(instrument)
        if trades:
            tape = self._tapes.setdefault(instrument, deque(maxlen=TAPE_SNAPSHOT))
            tape.extend((trade, batch.time) for trade in trades)


def _tell(streams: dict[Stream, Changed] | None, batch: Batch, told: set[Stream]) -> None:
    for stream, changed in list(streams.items()) if streams else ():
        if stream not in told:
            told.add(stream)
            if stream.take(batch):
                changed(stream)


def _discard(index: dict[Any, dict[Stream, Changed]], key: object, stream: Stream) -> None:
    streams = index.get(key, {})
    streams.pop(stream, None)
    if not streams:
        index.pop(key, None)


_fanouts: WeakKeyDictionary[asyncio.AbstractEventLoop, Fanout] = WeakKeyDictionary()


def fanout() -> Fanout:
    """The running event loop's fan-out, on its hub."""
    loop = asyncio.get_running_loop()
    market = hub()
    found = _fanouts.get(loop)
    if found is None or found.market is not market:
        found = _fanouts[loop] = Fanout(market)
    return found

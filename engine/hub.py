"""A web process's ear: hears each journal batch once, checks that they join, hands them to its sockets.
Called by the sockets' consumers (subscribe), by market views (newest instruments and depths), and by the
leader for the form of the messages (batch_encode, head_encode)."""

from __future__ import annotations

import asyncio
import logging
import time as clocks
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

import redis

from engine.changes import Changes, changes_pack, changes_unpack
from engine.core.events import Event
from engine.core.views import DepthView, InstrumentView
from engine.door import names
from engine.door.transport import receiving_layer
from engine.live.errors import LiveRebuilding
from engine.live.reader import AsyncLiveReader
from engine.messages import WIRE_VERSION, WireRefused, event_pack, event_unpack, wire_decode, wire_encode

logger = logging.getLogger(__name__)

BATCH: Final = "engine.batch"
HEAD: Final = "engine.head"
WAITING_MAX: Final = 1_000
RETRY_S: Final = 0.1


@dataclass(slots=True, frozen=True)
class BatchSeen:
    """One journal batch: `prev` is the last sequence before it, `events` each with its command's sequence."""

    epoch: int
    prev: int
    first_seq: int
    last_seq: int
    time: int
    events: list[tuple[int, Event]]
    changes: Changes


@dataclass(slots=True, frozen=True)
class Lost:
    """Batches were missed. The hub stands at (epoch, seq) again: what a listener shows must be read anew."""

    epoch: int
    seq: int
    reason: str


@dataclass(slots=True, frozen=True)
class HeadHeard:
    """The leader's last announcement and its age."""

    epoch: int
    seq: int
    age_s: float


Listener = Callable[[BatchSeen | Lost], None]


def batch_encode(
    *,
    epoch: int,
    prev_seq: int,
    first_seq: int,
    last_seq: int,
    time: int,
    ends: Sequence[int],
    events: Sequence[Event],
    changes: Changes,
) -> bytes:
    """The data of an `engine.batch` message."""
    packed = [event_pack(event) for event in events]
    frame = [epoch, prev_seq, first_seq, last_seq, time, list(ends), packed, changes_pack(changes)]
    return wire_encode([WIRE_VERSION, *frame])


def batch_decode(data: bytes) -> BatchSeen:
    """The reverse of batch_encode; raises WireRefused."""
    wire = wire_decode(data)
    if not isinstance(wire, list) or len(wire) != 9 or wire[0] != WIRE_VERSION:
        raise WireRefused(f"not an event message of wire version {WIRE_VERSION}")
    epoch, prev, first_seq, last_seq, time, ends, packed, changes = wire[1:]
    events: list[tuple[int, Event]] = []
    begin = 0
    for place, end in enumerate(ends):
        events.extend((first_seq + place, event_unpack(event)) for event in packed[begin:end])
        begin = end
    return BatchSeen(epoch, prev, first_seq, last_seq, time, events, changes_unpack(changes))


def head_encode(epoch: int, seq: int, time: int) -> bytes:
    """The data of an `engine.head` message."""
    return wire_encode([epoch, seq, time])


def head_decode(data: bytes) -> tuple[int, int, int]:
    """(epoch, seq, time) of head_encode; raises WireRefused."""
    wire = wire_decode(data)
    if not isinstance(wire, list) or len(wire) != 3 or not all(type(value) is int for value in wire):
        raise WireRefused(f"no announcement: {wire!r:.80}")
    epoch, seq, time = wire
    return epoch, seq, time


class Hub:
    """Belongs to one event loop. Listeners are called in it, in order, with every batch or with Lost."""

    def __init__(
        self,
        redis_url: str,
        stack_id: str,
        reader: AsyncLiveReader | None = None,
        clock: Callable[[], float] = clocks.monotonic,
    ) -> None:
        self._layer = receiving_layer(redis_url, stack_id)
        self._group = names.events_group(stack_id)
        self._reader = reader if reader is not None else AsyncLiveReader(redis_url, stack_id)
        self._clock = clock
        self._listeners: dict[int, Listener] = {}
        self._listener_no = 0
        self._instruments: dict[str, InstrumentView] = {}
        self._depths: dict[str, DepthView] = {}
        self._venue: dict[str, int] = {}
        self._epoch = 0
        self._seq = 0
        self._loaded = asyncio.Event()
        self._newest = (0, 0)  # (epoch, seq) of the newest batch heard, joined or not
        self._suspected = 0
        self._announced: tuple[int, int, float] | None = None
        self._waiting: deque[BatchSeen] = deque(maxlen=WAITING_MAX)
        self._receiving: asyncio.Task[None] | None = None
        self._loading: asyncio.Task[None] | None = None
        self.losses = 0

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every batch from now on; the answer takes it off again."""
        self.start()
        self._listener_no += 1
        number = self._listener_no
        self._listeners[number] = listener

        def unsubscribe() -> None:
            self._listeners.pop(number, None)

        return unsubscribe

    def start(self) -> None:
        """Begin to listen, in the running loop; harmless when it listens already."""
        if self._receiving is None:
            self._receiving = asyncio.create_task(self._receive(), name="hub")

    async def ready(self) -> None:
        """Wait until the hub knows the market (it does not while live state is being rebuilt)."""
        self.start()
        await self._loaded.wait()

    @property
    def is_ready(self) -> bool:
        return self._loaded.is_set()

    @property
    def held(self) -> tuple[int, int]:
        """(epoch, seq) at which the instruments and depths here are true."""
        return self._epoch, self._seq

    def head(self) -> HeadHeard | None:
        """What the leader last announced; None before the first time."""
        if self._announced is None:
            return None
        epoch, seq, at = self._announced
        return HeadHeard(epoch, seq, self._clock() - at)

    def instrument(self, instrument: str) -> InstrumentView | None:
        return self._instruments.get(instrument)

    def instruments(self) -> list[InstrumentView]:
        """All instruments as they are at `held`, by id."""
        return [self._instruments[name] for name in sorted(self._instruments)]

    def venue(self) -> dict[str, int]:
        """The venue's settings by name, with trading_day and step, as they are at `held`."""
        return self._venue

    def depth(self, instrument: str) -> DepthView | None:
        return self._depths.get(instrument)

    async def close(self) -> None:
        """Stop listening for good (a process or a test ends)."""
        for task in (self._receiving, self._loading):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self._reader.close()
        await self._layer.flush()

    async def _receive(self) -> None:
        """The one receive task: a cancelled receive would lose its queue, so nothing ever cancels it."""
        channel = await self._listen()
        self._lose("start")
        while True:
            self.hear(await self._layer.receive(channel))

    async def _listen(self) -> str:
        channel = ""
        while True:
            try:
                channel = channel or await self._layer.new_channel()
                await self._layer.group_add(self._group, channel)
                return channel
            except (redis.RedisError, OSError) as error:
                logger.warning("hub: Redis does not answer: %s", error)
            await asyncio.sleep(RETRY_S)

    def hear(self, message: dict[str, Any]) -> None:
        """Take one message of the events group. Called by the receive task."""
        try:
            if message.get("type") == BATCH:
                self._hear_batch(batch_decode(message["data"]))
            elif message.get("type") == HEAD:
                epoch, seq, _ = head_decode(message["data"])
                self._hear_head(epoch, seq)
        except WireRefused as error:
            self._lose(f"a message that cannot be read: {error}")

    def _hear_batch(self, batch: BatchSeen) -> None:
        self._newest = max(self._newest, (batch.epoch, batch.last_seq))
        if not self._loaded.is_set():
            self._waiting.append(batch)
        elif not self._take(batch):
            self._waiting.append(batch)
            self._lose(f"batch {batch.first_seq} follows {batch.prev}, held is {self._seq}")

    def _hear_head(self, epoch: int, seq: int) -> None:
        """An announcement may overtake the batch it speaks of, but not by two announcements."""
        self._announced = (epoch, seq, self._clock())
        if seq == self._seq and epoch > self._epoch and self._loaded.is_set():
            self._epoch = epoch  # a new leader that has not yet sequenced anything
        if not self._loaded.is_set() or seq <= self._seq:
            self._suspected = 0
        elif self._suspected and self._seq < self._suspected:
            self._newest = max(self._newest, (epoch, self._suspected))
            self._lose(f"sequence {self._suspected} was announced, held is {self._seq}")
        else:
            self._suspected = seq

    def _take(self, batch: BatchSeen) -> bool:
        """Deliver a batch that joins; pass over one already known. False: there is a gap."""
        if batch.epoch < self._epoch or batch.last_seq <= self._seq:
            return True
        if batch.prev != self._seq:
            return False
        self._epoch, self._seq = batch.epoch, batch.last_seq
        for instrument in batch.changes.instruments:
            self._instruments[instrument.spec.instrument] = instrument
        for depth in batch.changes.depths:
            self._depths[depth.instrument] = depth
        if batch.changes.settings:
            self._venue = {**self._venue, **batch.changes.settings}
        self._deliver(batch)
        return True

    def _deliver(self, seen: BatchSeen | Lost) -> None:
        for listener in list(self._listeners.values()):
            try:
                listener(seen)
            except Exception:
                # One socket's defect must not silence the others.
                logger.exception("hub: a listener failed")

    def _lose(self, reason: str) -> None:
        """Stand still until the market was read again from live state."""
        if self._loading is not None and not self._loading.done():
            return
        self.losses += 1
        self._loaded.clear()
        self._suspected = 0
        self._loading = asyncio.create_task(self._load(reason), name="hub reload")

    async def _load(self, reason: str) -> None:
        while True:
            try:
                market = await self._reader.market()
            except (LiveRebuilding, WireRefused) as error:
                logger.debug("hub: %s", error)
                await asyncio.sleep(RETRY_S)
                continue
            if market.epoch <= self._newest[0] and market.seq < self._newest[1]:
                await asyncio.sleep(RETRY_S)  # an older copy than what was already heard of
                continue
            self._epoch, self._seq = market.epoch, market.seq
            self._instruments = {view.spec.instrument: view for view in market.value.instruments}
            self._depths = {view.instrument: view for view in market.value.depths}
            self._venue = market.value.venue
            self._loaded.set()
            self._deliver(Lost(self._epoch, self._seq, reason))
            if self._take_waiting():
                return
            self._loaded.clear()
            self.losses += 1

    def _take_waiting(self) -> bool:
        """Deliver what was heard meanwhile; False at a gap, with the rest left waiting."""
        while self._waiting:
            if not self._take(self._waiting[0]):
                return False
            self._waiting.popleft()
        return True


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()
_place: tuple[str, str] | None = None


def configure(redis_url: str, stack_id: str) -> None:
    """Say once a process which venue to follow; without it Django's settings say."""
    global _place
    _place = (redis_url, stack_id)
    _hubs.clear()


def hub() -> Hub:
    """The running event loop's hub: one a web process."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None:
        found = _hubs[loop] = Hub(*_where())
    return found


def _where() -> tuple[str, str]:
    if _place is not None:
        return _place
    from django.conf import settings

    return settings.REDIS_URL, settings.OUTCRY_STACK_ID

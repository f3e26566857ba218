"""Feeds a Projector what a follower replays: buffers while Postgres is away, commits in a thread, one at a time.
Used by the follower; the projector itself comes from the composition root."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from engine.core.engine import Engine
from engine.process.figures import Figures
from engine.process.projecting import Projector, ProjectorLost, Record

logger = logging.getLogger(__name__)

EVENTS_MAX = 1_000_000
T = TypeVar("T")


class Projection:
    """Holds the right to project, or not; `records` are those replayed and not yet committed."""

    def __init__(self, projector: Projector, figures: Figures, *, events_max: int = EVENTS_MAX) -> None:
        self._projector = projector
        self._figures = figures
        self._events_max = events_max
        self._thread = ThreadPoolExecutor(1, "projector")
        self._records: list[Record] = []
        self._prepared: tuple[int, Any] | None = None  # (last sequence, what the projector made of it)
        self._is_overrun = False
        self.is_held = False
        self.applied_seq = 0

    @property
    def is_waiting(self) -> bool:
        """True when something replayed is not committed yet."""
        return bool(self._records) or self._prepared is not None

    async def acquire(self) -> bool:
        """Try to become the one who projects; then `applied_seq` is where to go on from."""
        try:
            if not await self._in_thread(self._projector.acquire):
                return False
            self.applied_seq = await self._in_thread(self._projector.applied_seq)
        except Exception as error:  # whatever the database's driver raises: try again later
            logger.warning("cannot acquire the projections: %s", error)
            await self._release()
            return False
        self.is_held = True
        self._figures.projecting, self._figures.projected_seq = 1, self.applied_seq
        return True

    def offer(self, records: Sequence[Record]) -> None:
        """Take replayed records in; those that are committed already are passed over."""
        if not self.is_held or self._is_overrun:
            return
        self._records += [record for record in records if record.batch.last_seq > self.applied_seq]
        events = sum(len(record.applied.events) for record in self._records)
        self._figures.projection_waiting = events
        if events > self._events_max:
            logger.warning("%d events wait for Postgres: they will be derived again from a snapshot", events)
            self._is_overrun = True
            self._records = []

    async def commit(self, engine: Engine) -> bool:
        """Write what waits in one transaction. True: done; False: Postgres is away, or the right was lost.

        The rows are prepared before anything is awaited, so `engine` stands at the last record.
        """
        if self._prepared is None and self._records:
            seq = self._records[-1].batch.last_seq
            self._prepared = (seq, self._projector.prepare(self._records, engine))
            self._records = []
        if self._prepared is None:
            return True
        seq, prepared = self._prepared
        try:
            await self._in_thread(lambda: self._projector.commit(prepared))
        except ProjectorLost as lost:
            logger.warning("another projects now: %s", lost)
            await self.let_go()
            return False
        except Exception as error:  # Postgres away, a deadlock, …: the same rows again
            logger.warning("projecting up to %d waits: %s", seq, error)
            if self._is_overrun:
                await self.let_go()
            return False
        self._prepared = None
        self.applied_seq = self._figures.projected_seq = seq
        self._figures.projection_waiting = sum(len(record.applied.events) for record in self._records)
        if self._is_overrun:
            await self.let_go()
        return True

    async def let_go(self) -> None:
        """Give the right back and forget what waits; whoever acquires it goes on from what is committed."""
        self.is_held = self._is_overrun = False
        self._records, self._prepared = [], None
        self._figures.projecting = self._figures.projection_waiting = 0
        await self._release()

    async def close(self) -> None:
        """Let go and end the thread."""
        await self.let_go()
        self._thread.shutdown(wait=False)

    async def _release(self) -> None:
        try:
            await self._in_thread(self._projector.release)
        except Exception as error:  # its connection is gone, and the right with it
            logger.warning("releasing the projections: %s", error)

    async def _in_thread(self, act: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

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
PRESSED_EVENTS = 20_000
CLOSE_S = 2.0
T = TypeVar("T")


class Projection:
    """Holds the right to project, or not, and the records that were replayed and not yet committed.

    Once it has held the right it goes on collecting without it (Postgres may only be away), until there are more
    than `events_max` events; those are then derived again, from a snapshot.
    """

    def __init__(self, projector: Projector, figures: Figures, *, events_max: int = EVENTS_MAX) -> None:
        self._projector = projector
        self._figures = figures
        self._events_max = events_max
        self._thread = ThreadPoolExecutor(1, "projector")
        self._records: list[Record] = []
        self._events = 0
        self._committing: list[Record] = []
        self._prepared: Any = None
        self._is_collecting = False
        self._is_flowing = False  # the last commit worked
        self.is_held = False
        self.applied_seq = 0

    @property
    def is_waiting(self) -> bool:
        """True when something replayed is not committed yet."""
        return bool(self._records or self._committing)

    @property
    def is_pressed(self) -> bool:
        """True when Postgres works but is behind: replaying faster than it takes would only fill the memory."""
        return self.is_held and self._is_flowing and self._events > PRESSED_EVENTS

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
        self._records_set(self._committing + self._records)
        self._committing, self._prepared = [], None
        self.is_held = self._is_flowing = True
        self._figures.projecting, self._figures.projected_seq = 1, self.applied_seq
        return True

    def resume(self, seq: int) -> bool:
        """True when what was collected joins `applied_seq` and reaches `seq`; else it is forgotten."""
        later = [record for record in self._records if record.batch.last_seq > self.applied_seq]
        is_joined = bool(later) and later[0].batch.first_seq == self.applied_seq + 1
        if self.applied_seq == seq or (is_joined and later[-1].batch.last_seq == seq):
            self._records_set(later)
            self._is_collecting = True
            return True
        self._records_set([])
        self._is_collecting = False
        return False

    def begin(self, records: Sequence[Record]) -> None:
        """Collect from here on, beginning with these."""
        self._is_collecting = True
        self._records_set([])
        self.offer(records)

    def offer(self, records: Sequence[Record]) -> None:
        """Take replayed records in; those that are committed already are passed over."""
        if not self._is_collecting:
            return
        new = [record for record in records if record.batch.last_seq > self.applied_seq]
        self._records += new
        self._events += sum(len(record.applied.events) for record in new)
        self._figures.projection_waiting = self._events
        if self._events > self._events_max:
            logger.warning("%d events wait for Postgres: they are derived again later", self._events)
            self._forget()

    def _forget(self) -> None:
        """Too much waits. Without the right: acquire again, from what is committed."""
        self._records_set([])
        self._is_collecting = False
        self.is_held = False
        self._figures.projecting = 0

    async def commit(self, engine: Engine) -> bool:
        """Write what waits in one transaction. True: done; False: Postgres is away, or the right was lost.

        The rows are prepared before anything is awaited, so `engine` stands at the last record.
        """
        if not self._committing and self._records:
            self._prepared = self._projector.prepare(self._records, engine)
            self._committing = self._records
            self._records_set([])
        if not self._committing:
            return True
        prepared = self._prepared
        try:
            await self._in_thread(lambda: self._projector.commit(prepared))
        except ProjectorLost as lost:
            logger.warning("the right to project is lost: %s", lost)
            await self._lose()
            return False
        except Exception as error:  # a deadlock, a full disk, …: the same rows again
            logger.warning("projecting waits: %s", error)
            self._is_flowing = False
            return False
        self._is_flowing = True
        if self._committing:
            self.applied_seq = self._figures.projected_seq = self._committing[-1].batch.last_seq
        self._committing, self._prepared = [], None
        self._figures.projection_waiting = self._events
        return True

    async def _lose(self) -> None:
        """The right is gone; keep what is not committed for when it comes back."""
        uncommitted = self._committing + self._records
        self._committing, self._prepared = [], None
        self._records_set(uncommitted if self._is_collecting else [])
        self.is_held = self._is_flowing = False
        self._figures.projecting = 0
        await self._release()

    async def let_go(self) -> None:
        """Give the right back and forget what waits; whoever acquires it goes on from what is committed."""
        self._forget()
        self._committing, self._prepared = [], None
        await self._release()

    async def close(self) -> None:
        """Let go and end the thread; a Postgres that does not answer is not waited for."""
        try:
            await asyncio.wait_for(self.let_go(), CLOSE_S)
        except TimeoutError:
            logger.warning("the projections' session does not answer; it ends with this process")
        self._thread.shutdown(wait=False)

    def _records_set(self, records: list[Record]) -> None:
        self._records = records
        self._events = sum(len(record.applied.events) for record in records)
        self._figures.projection_waiting = self._events

    async def _release(self) -> None:
        try:
            await self._in_thread(self._projector.release)
        except Exception as error:  # its connection is gone, and the right with it
            logger.warning("releasing the projections: %s", error)

    async def _in_thread(self, act: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

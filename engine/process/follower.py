"""The follower: replays the journal up to the durable mark, checks it, projects, takes snapshots, stands by.
Run by engine.process.engine_process; stepped by tests through tests/support/venue.py."""

import asyncio
import logging
import time as time_module
from collections import deque
from collections.abc import Callable
from pathlib import Path

from engine.changes import Changes, changes_make, changes_of
from engine.core.engine import Applied
from engine.endings import tasks_end
from engine.journal import HEARTBEAT_STALE_NS, Batch, Journal, Tail
from engine.process.figures import Figures
from engine.process.projecting import Record
from engine.process.projection import Projection
from engine.process.replica import Replica
from engine.snapshots import SnapshotStore

logger = logging.getLogger(__name__)

STEP_COMMANDS = 5_000  # replayed in one go, before the loop looks around
RECENT_EVENTS_MAX = 50_000  # kept for a take-over, and for beginning to project where another stopped
POLL_S = 0.005
DEAD_CHECK_S = 0.05
ACQUIRE_S = 1.0
COMMIT_RETRY_S = 0.25
SNAPSHOT_COMMANDS = 50_000
SNAPSHOT_S = 300.0


class Follower:
    """Holds a replica that is as new as the journal's mark, give or take a poll."""

    def __init__(
        self,
        *,
        journal: Journal,
        snapshots: SnapshotStore,
        projection: Projection | None = None,
        figures: Figures | None = None,
        clock: Callable[[], int] = time_module.time_ns,
        snapshot_commands: int = SNAPSHOT_COMMANDS,
        snapshot_s: float = SNAPSHOT_S,
    ) -> None:
        self.projection = projection
        self.figures = figures or Figures()
        self._journal = journal
        self._snapshots = snapshots
        self._clock = clock
        self._snapshot_commands = snapshot_commands
        self._snapshot_s = snapshot_s
        self._voided = journal.voided()
        self._unread: deque[Batch] = deque()
        self._recent: deque[Record] = deque()
        self._recent_events = 0
        self._recent_from = 0  # every record after this sequence is in _recent
        self._tail: Tail | None = None
        self.replica: Replica
        self._restore(None)

    # Replaying ------------------------------------------------------------------------------------------

    def _restore(self, seq_max: int | None) -> None:
        """Begin anew from the newest snapshot (at or below `seq_max`), or from the first sequence."""
        snapshot = self._snapshots.newest(seq_max)
        self.replica = Replica.restored(snapshot)
        if self._tail is not None:
            self._tail.close()
        self._tail = self._journal.follow(self.replica.seq + 1)
        self._unread.clear()
        self._recent.clear()
        self._recent_events, self._recent_from = 0, self.replica.seq
        self._snapshot_seq = self.figures.snapshot_seq = snapshot.seq if snapshot else 0
        self._snapshot_at = time_module.monotonic()

    def step(self, commands_max: int = STEP_COMMANDS) -> int:
        """Replay what is new, at most about `commands_max` commands; returns how many.

        Raises ReplayDiffers, ApplyFailed, JournalDamaged: this state must not be used.
        """
        if not self._unread:
            assert self._tail is not None
            self._unread.extend(self._tail.poll())
        done = 0
        records = []
        while self._unread and done < commands_max:
            batch = self._unread.popleft()
            records.append(self.replica.replay(batch, self._voided))
            done += batch.count
        if records:
            self._keep(records)
            self.figures.seq, self.figures.time = self.replica.seq, self.replica.engine.time
            self.figures.commands += done
        return done

    def catch_up(self) -> None:
        """Step until nothing is new."""
        while self.step():
            pass

    def _keep(self, records: list[Record]) -> None:
        if self.projection is not None:
            self.projection.offer(records)
        self._recent.extend(records)
        self._recent_events += sum(len(record.applied.events) for record in records)
        while self._recent_events > RECENT_EVENTS_MAX and len(self._recent) > 1:
            oldest = self._recent.popleft()
            self._recent_events -= len(oldest.applied.events)
            self._recent_from = oldest.batch.last_seq

    def changes_since(self, seq: int) -> Changes | None:
        """What changed after `seq`, as it is now; None when that is too long ago."""
        if seq == self.replica.seq:
            return changes_make()
        records = [record for record in self._recent if record.batch.last_seq > seq]
        if not records or records[0].batch.first_seq != seq + 1:
            return None
        events = [event for record in records for event in record.applied.events]
        finished = [order for record in records for order in record.applied.finished]
        return changes_of(self.replica.engine, Applied(events, [len(events)], finished))

    # Projecting -----------------------------------------------------------------------------------------

    async def project_begin(self) -> bool:
        """Try to get the right to project, and the records to begin with; False when another has it."""
        projection = self.projection
        if projection is None or projection.is_held:
            return projection is not None
        if not await projection.acquire():
            return False
        if not projection.resume(self.replica.seq):
            if projection.applied_seq < self._recent_from:
                self._restore(projection.applied_seq)
            projection.begin(list(self._recent))
        return True

    async def project(self) -> bool:
        """Commit all that was replayed; False when Postgres is away or another projects."""
        if not await self.project_begin():
            return False
        projection = self.projection
        assert projection is not None
        while projection.is_waiting:
            if not await projection.commit(self.replica.engine):
                return False
        return True

    # Snapshots ------------------------------------------------------------------------------------------

    def snapshot(self) -> Path:
        """Take one now."""
        snapshot = self.replica.snapshot()
        path = self._snapshots.write(snapshot)
        self._snapshot_seq = self.figures.snapshot_seq = snapshot.seq
        self._snapshot_at = time_module.monotonic()
        return path

    def _snapshot_is_due(self) -> bool:
        behind = self.replica.seq - self._snapshot_seq
        if behind >= self._snapshot_commands:
            return True
        return behind > 0 and time_module.monotonic() - self._snapshot_at >= self._snapshot_s

    # Following ------------------------------------------------------------------------------------------

    def leader_is_gone(self) -> bool:
        """True when nobody leads: the writer is dead, or has given no sign of life for two seconds."""
        return (
            self._journal.writer_is_dead() or self._journal.heartbeat_age(self._clock()) > HEARTBEAT_STALE_NS
        )

    async def run(self, stop: asyncio.Event, on_ready: Callable[[], None] = lambda: None) -> bool:
        """Follow until `stop` (False) or until this process should lead (True). Raises what `step` does."""
        projecting = asyncio.create_task(self._projecting()) if self.projection is not None else None
        is_ready, is_gone, looked_at = False, False, 0.0
        try:
            while not stop.is_set():
                if time_module.monotonic() - looked_at >= DEAD_CHECK_S:
                    looked_at = time_module.monotonic()
                    is_gone = self.leader_is_gone()
                is_near = self._may_wait(is_gone) or self.step() < STEP_COMMANDS
                if is_near and not is_ready:
                    is_ready = True
                    on_ready()
                if is_near and is_gone:
                    return True
                self._snapshot_when_due()
                if projecting is not None and projecting.done():
                    projecting.result()
                await asyncio.sleep(POLL_S if is_near else 0)
            return False
        finally:
            if projecting is not None:
                await tasks_end([projecting])

    def _may_wait(self, is_gone: bool) -> bool:
        """True while the projector is behind and nobody needs this follower to be at the mark."""
        return not is_gone and self.projection is not None and self.projection.is_pressed

    def _snapshot_when_due(self) -> None:
        if not self._snapshot_is_due():
            return
        try:
            self.snapshot()
        except OSError as error:
            logger.warning("no snapshot could be written: %s", error)
            self._snapshot_at = time_module.monotonic()
            self._snapshot_seq = self.replica.seq  # the next try is one interval away

    async def _projecting(self) -> None:
        """Beside the replay: commit what waits, or try to get the right to."""
        projection = self.projection
        assert projection is not None
        while True:
            if not projection.is_held:
                if not await self.project_begin():
                    await asyncio.sleep(ACQUIRE_S)
            elif not projection.is_waiting:
                await asyncio.sleep(POLL_S)
            elif not await projection.commit(self.replica.engine):
                await asyncio.sleep(COMMIT_RETRY_S)

    def close(self) -> None:
        """Close the tail; the journal stays its owner's."""
        if self._tail is not None:
            self._tail.close()
            self._tail = None

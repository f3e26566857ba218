"""One engine process: starts as follower, leads when the journal says so, ends with a code that says why.
Started by `manage.py engine`; the supervisor starts it again."""

import asyncio
import json
import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from engine.endings import tasks_end
from engine.journal import Journal, JournalError, JournalFenced, open_journal
from engine.live import LiveFenced
from engine.messages import WireRefused
from engine.process.collector import Collector
from engine.process.figures import Figures, figures_write
from engine.process.follower import SNAPSHOT_COMMANDS, SNAPSHOT_S, Follower
from engine.process.leader import FIGURES_S, ClockRefused, Leader
from engine.process.projecting import Projector
from engine.process.projection import Projection
from engine.process.replica import ApplyFailed, ReplayDiffers
from engine.snapshots import SnapshotStore

logger = logging.getLogger(__name__)

EXIT_STOPPED = 0
EXIT_FENCED = 4
EXIT_APPLY_FAILED = 5
EXIT_REPLAY_DIFFERS = 6
EXIT_CLOCK = 7
EXIT_JOURNAL = 8


@dataclass(slots=True, frozen=True)
class EngineSettings:
    """Where the venue is. data: its folder, for snapshots and the ready file · name: of this process ·
    snapshot_commands, snapshot_s: a follower takes one after so many commands, or so many seconds.
    """

    name: str
    data: Path
    journal_url: str
    redis_url: str
    stack_id: str
    snapshot_commands: int = SNAPSHOT_COMMANDS
    snapshot_s: float = SNAPSHOT_S


class EngineProcess:
    """Follower, then perhaps leader, in one process."""

    def __init__(
        self,
        settings: EngineSettings,
        projector: Projector | None = None,
        *,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._settings = settings
        self._projector = projector
        self._clock = clock
        self._figures = Figures()
        self._stop: asyncio.Event
        self._ready_path = settings.data / "run" / f"{settings.name}.ready"

    async def run(self) -> int:
        """Run until SIGTERM, SIGINT or the end of what it can do; the exit code says which."""
        self._stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        try:
            await self._follow_and_lead()
        except (JournalFenced, LiveFenced) as error:
            logger.warning("another process leads: %s", error)
            return EXIT_FENCED
        except ApplyFailed as error:
            logger.critical("%s", error, exc_info=error.__cause__)
            return EXIT_APPLY_FAILED
        except (ReplayDiffers, WireRefused) as error:
            logger.critical("%s", error)
            return EXIT_REPLAY_DIFFERS
        except ClockRefused as error:
            logger.critical("%s", error)
            return EXIT_CLOCK
        except JournalError as error:
            logger.critical("%s", error)
            return EXIT_JOURNAL
        finally:
            self._ready_path.unlink(missing_ok=True)
        return EXIT_STOPPED

    async def _follow_and_lead(self) -> None:
        settings = self._settings
        journal = open_journal(settings.journal_url, clock=self._clock)
        projection = Projection(self._projector, self._figures) if self._projector else None
        follower = Follower(
            journal=journal,
            snapshots=SnapshotStore(settings.data / "snapshots"),
            projection=projection,
            figures=self._figures,
            clock=self._clock,
            snapshot_commands=settings.snapshot_commands,
            snapshot_s=settings.snapshot_s,
        )
        figures = asyncio.create_task(self._figures_loop())
        try:
            while await follower.run(self._stop, lambda: self._say("follower")):
                epoch = await self._take_over(follower, journal)
                if epoch:
                    await tasks_end([figures])
                    releasing = asyncio.create_task(projection.close()) if projection else None
                    await self._lead(follower, journal, epoch)
                    if releasing is not None:
                        await releasing
                    return
        finally:
            await tasks_end([figures])
            if projection is not None and self._figures.role == "follower":
                await projection.close()
            follower.close()
            journal.close()

    async def _take_over(self, follower: Follower, journal: Journal) -> int:
        """The new epoch; 0 when another was faster: the journal decides, the loser goes on following."""
        try:
            epoch = await asyncio.to_thread(journal.take_over)
            follower.catch_up()
            journal.check_epoch()
        except JournalFenced as fenced:
            logger.info("another took over: %s", fenced)
            return 0
        return epoch

    async def _lead(self, follower: Follower, journal: Journal, epoch: int) -> None:
        settings = self._settings
        leader = Leader(
            journal=journal,
            replica=follower.replica,
            epoch=epoch,
            redis_url=settings.redis_url,
            stack_id=settings.stack_id,
            name=settings.name,
            clock=self._clock,
            figures=self._figures,
        )
        logger.info("%s leads epoch %d from sequence %d", settings.name, epoch, leader.replica.seq)
        try:
            await leader.run(
                self._stop,
                changes_since=follower.changes_since,
                on_open=lambda: self._say("leader"),
                collector=Collector(),
            )
        finally:
            await leader.close()

    def _say(self, role: str) -> None:
        """Write the ready file, whole or not at all."""
        self._ready_path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._ready_path.with_name(f".{self._ready_path.name}.{os.getpid()}")
        said = {"pid": os.getpid(), "role": role, "epoch": self._figures.epoch, "seq": self._figures.seq}
        draft.write_text(json.dumps(said), encoding="utf-8")
        draft.rename(self._ready_path)

    async def _figures_loop(self) -> None:
        """A follower's figures; a leader writes its own."""
        client = Redis.from_url(self._settings.redis_url, socket_timeout=2)
        try:
            while True:
                try:
                    await figures_write(client, self._settings.stack_id, self._settings.name, self._figures)
                    self._figures.redis_away = 0
                except (RedisError, OSError):
                    self._figures.redis_away = 1
                await asyncio.sleep(FIGURES_S)
        finally:
            await client.aclose()

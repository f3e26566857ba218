"""Everything the leader tells the world about a batch, in this order: live state, the event message, the answers.
Used by the leader; before each word it looks whether it still leads."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError

from engine import replies
from engine.changes import Changes
from engine.core.engine import Applied, Engine
from engine.door import names
from engine.door.transport import sending_layer
from engine.hub import BATCH, HEAD, batch_encode, head_encode
from engine.journal.faults import reach
from engine.live import LiveAway, LiveHeadMismatch, LiveWriter
from engine.process.figures import Figures
from engine.replies import Answer

logger = logging.getLogger(__name__)

RETRY_S = 0.1
LOCAL = ""  # the gateway of commands that came from inside the leader's own process

Answers = Mapping[str, Sequence[tuple[int, Answer]]]


@dataclass(slots=True)
class Publication:
    """A durable, applied batch on its way out. prev_seq: the last sequence before it."""

    prev_seq: int
    first_seq: int
    last_seq: int
    time: int
    applied: Applied
    changes: Changes
    answers: Answers


class Publisher:
    """Speaks for the leader of one epoch. `check_epoch` raises JournalFenced when that is over."""

    def __init__(
        self,
        *,
        redis_url: str,
        stack_id: str,
        epoch: int,
        instance: str,
        check_epoch: Callable[[], None],
        answer_local: Callable[[Sequence[tuple[int, Answer]]], None],
        figures: Figures,
    ) -> None:
        self._stack_id = stack_id
        self._epoch = epoch
        self._instance = instance
        self._check_epoch = check_epoch
        self._answer_local = answer_local
        self._figures = figures
        self._layer = sending_layer(redis_url, stack_id)
        self._live = LiveWriter(redis_url, stack_id)
        self.is_stopping = False

    async def publish(self, publication: Publication, engine: Engine) -> None:
        """Live state, events, answers. Raises JournalFenced, LiveFenced; waits as long as Redis is away."""
        self._check_epoch()
        await self._until_done(lambda: self._live_write(publication, engine))
        reach("leader.after_live")
        self._check_epoch()
        data = self._batch_encode(publication)
        await self._until_done(lambda: self._group_send(names.events_group, BATCH, data))
        reach("leader.after_events")
        await self.answers_send(publication.answers)
        reach("leader.after_reply")

    async def answers_send(self, answers: Answers) -> None:
        """One message a gateway. Raises JournalFenced: who no longer leads does not even refuse."""
        self._check_epoch()
        for gateway, of_gateway in answers.items():
            if gateway == LOCAL:
                self._answer_local(of_gateway)
                continue
            data = replies.answers_encode(self._epoch, of_gateway)
            await self._until_done(lambda: self._send(gateway, "door.answers", data))  # noqa: B023

    async def announce(self, seq: int, time: int) -> None:
        """Say who leads and how far, to all doors and all who follow the market.

        Raises RedisError, OSError, JournalFenced.
        """
        data = head_encode(self._epoch, seq, time)
        await self._group_send(names.heads_group, HEAD, data)
        await self._group_send(names.events_group, HEAD, data)

    async def live_takeover(self, engine: Engine, changes_since: Callable[[int], Changes | None]) -> None:
        """A new leader's first word: write what lies between the head and its state, or everything."""
        self._check_epoch()
        await self._until_done(
            lambda: self._live.takeover(engine, self._epoch, self._instance, changes_since)
        )

    async def live_check(self, engine: Engine) -> None:
        """Compare the head with the state and repair it; when nothing else is being published."""
        self._check_epoch()
        await self._live.check(engine, self._epoch, self._instance)
        self._figures.live_rebuilds = self._live.rebuilds

    async def close(self) -> None:
        await self._layer.flush()
        await self._live.close()

    async def _live_write(self, publication: Publication, engine: Engine) -> None:
        try:
            await self._live.write(
                self._epoch, publication.prev_seq, publication.last_seq, self._instance, publication.changes
            )
        except LiveHeadMismatch as mismatch:
            logger.warning("%s: rebuilding live state", mismatch)
            await self._live.rebuild(engine, self._epoch, self._instance)
        self._figures.live_rebuilds = self._live.rebuilds

    def _batch_encode(self, publication: Publication) -> bytes:
        return batch_encode(
            epoch=self._epoch,
            prev_seq=publication.prev_seq,
            first_seq=publication.first_seq,
            last_seq=publication.last_seq,
            time=publication.time,
            ends=publication.applied.ends,
            events=publication.applied.events,
            changes=publication.changes,
        )

    async def _group_send(self, group: Callable[[str], str], kind: str, data: bytes) -> None:
        self._check_epoch()  # before every single word: a pause may lie between any two
        await self._layer.group_send(group(self._stack_id), {"type": kind, "data": data})

    async def _send(self, channel: str, kind: str, data: bytes) -> None:
        self._check_epoch()
        await self._layer.send(channel, {"type": kind, "data": data})

    async def _until_done(self, act: Callable[[], Awaitable[Any]]) -> Any:
        """Do it, again and again while Redis is away: every step here may be repeated harmlessly."""
        while True:
            try:
                done = await act()
            except (RedisError, OSError, LiveAway, LiveHeadMismatch) as error:
                if not self._figures.redis_away:
                    logger.warning("Redis is away (%s); the leader keeps its state and waits", error)
                self._figures.redis_away = 1
                if self.is_stopping:
                    return None
                await asyncio.sleep(RETRY_S)
                self._check_epoch()
            else:
                self._figures.redis_away = 0
                return done

"""The leader: takes commands from gateways, orders them, makes them durable, applies them, and only then tells.
Run by engine.process.engine_process; stepped by tests through tests/support/venue.py."""

import asyncio
import logging
import time as time_module
import uuid
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from engine import messages, replies
from engine.changes import Changes, changes_of
from engine.core import commands as c
from engine.core.codes import Code
from engine.core.engine import Applied
from engine.door import names
from engine.door.transport import receiving_layer
from engine.endings import tasks_end
from engine.journal import Batch, Journal, JournalFull
from engine.journal.faults import reach
from engine.live import LiveAway, LiveHeadMismatch
from engine.process.collector import Collector
from engine.process.figures import Figures, figures_write
from engine.process.intake import AnswerTable, Intake, Key
from engine.process.publisher import LOCAL, Publication, Publisher
from engine.process.replica import Replica
from engine.replies import Answer, Request

logger = logging.getLogger(__name__)

BATCH_COMMANDS_MAX = 500  # of the door's largest command they still fit into one journal batch
ANNOUNCE_S = 0.2
HEARTBEAT_S = 0.2
LIVE_CHECK_S = 0.25
FIGURES_S = 1.0
CLOCK_BACK_MAX_NS = 1_000_000_000
LOCAL_NOT_AFTER_NS = 30_000_000_000


class ClockRefused(Exception):
    """The clock stands more than a second before the journal's last time: this process must not lead."""

    def __init__(self, now: int, last: int) -> None:
        super().__init__(
            f"the clock runs backwards: it says {now} ns, the journal's last batch is of {last} ns "
            f"({(last - now) / 1e9:.3f} s later); set the clock right and start again"
        )


def clock_check(now: int, last: int) -> None:
    """Raises ClockRefused when the clock lies a second or more before `last` (ns UTC)."""
    if last - now >= CLOCK_BACK_MAX_NS:
        raise ClockRefused(now, last)


class Leader:
    """Leads one epoch. A batch is appended while the one before it is told; everything else is in order.

    The header of a batch holds the hash of all events before it, so a batch is written only once the one before
    it is applied; and nothing is applied while something is told, so that what is told is the state it tells of.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        replica: Replica,
        epoch: int,
        redis_url: str,
        stack_id: str,
        name: str = "engine",
        clock: Callable[[], int] = time_module.time_ns,
        figures: Figures | None = None,
    ) -> None:
        clock_check(clock(), replica.engine.time)
        self.replica = replica
        self.epoch = epoch
        self.figures = figures or Figures()
        self._journal = journal
        self._redis_url = redis_url
        self._stack_id = stack_id
        self._name = name
        self._clock = clock
        self._intake = Intake()
        self._answers = AnswerTable()
        self._aside: dict[str, list[tuple[int, Answer]]] = {}
        self._local: dict[int, asyncio.Future[Answer]] = {}
        self._local_id = 0
        self._writer = ThreadPoolExecutor(1, "journal")
        self._publishing: asyncio.Task[None] | None = None
        self._publisher = Publisher(
            redis_url=redis_url,
            stack_id=stack_id,
            epoch=epoch,
            instance=uuid.uuid4().hex,
            check_epoch=journal.check_epoch,
            answer_local=self._answer_local,
            figures=self.figures,
        )
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_stopping = False
        self.figures.role, self.figures.epoch, self.figures.seq = "leader", epoch, replica.seq

    # Getting commands ---------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take a gateway's frame: new commands wait to be sequenced, known ones are answered as before."""
        try:
            gateway, requests, refused = replies.requests_decode(data)
        except messages.WireRefused as error:
            logger.warning("a gateway's frame was not understood: %s", error)
            return
        now = self._clock()
        for request in requests:
            self._take(request, now)
        for request_id in refused:
            self._answer_aside(gateway, request_id, Code.INTERNAL)

    def _take(self, request: Request, now: int) -> None:
        key = (request.gateway, request.request_id)
        if key in self._answers:
            self.figures.repeated += 1
            answer = self._answers.answer(key)
            if answer is not None:  # else it is being sequenced and will be answered
                self._answer_aside(*key, answer)
        elif request.not_after < now:
            self.figures.expired += 1
            self._answer_aside(*key, Code.EXPIRED_IN_TRANSIT)
        elif not self._answers.begin(key, request.not_after, now) or not self._intake.put(request):
            self._answers.forget([key])
            self.figures.refused_busy += 1
            self._answer_aside(*key, Code.BUSY)

    async def submit(self, commands: Sequence[c.Command]) -> list[Answer]:
        """The answers to commands from inside this process; `step` or `run` must be going on."""
        futures = self.submit_soon(commands)
        return list(await asyncio.gather(*futures))

    def submit_soon(self, commands: Sequence[c.Command]) -> "list[asyncio.Future[Answer]]":
        """Put the commands in; their answers come with the following steps."""
        loop = asyncio.get_running_loop()
        futures, now = [], self._clock()
        for command in commands:
            self._local_id += 1
            future: asyncio.Future[Answer] = loop.create_future()
            self._local[self._local_id] = future
            self._take(Request(LOCAL, self._local_id, now + LOCAL_NOT_AFTER_NS, command), now)
            futures.append(future)
        return futures

    def _answer_local(self, answers: Sequence[tuple[int, Answer]]) -> None:
        for request_id, answer in answers:
            future = self._local.pop(request_id, None)
            if future is not None and not future.done():
                future.set_result(answer)

    def _answer_aside(self, gateway: str, request_id: int, answer: Answer) -> None:
        """Answer what takes no sequence now."""
        self._aside.setdefault(gateway, []).append((request_id, answer))
        self._intake.wake()

    # One batch ----------------------------------------------------------------------------------------

    async def step(self) -> bool:
        """Sequence what waits, make it durable, apply it and tell it to the end; False when nothing waited.

        Raises JournalFenced, JournalDamaged, ApplyFailed, ClockRefused: this leader is over.
        """
        did = await self._turn()
        await self._told()
        return did

    async def _turn(self) -> bool:
        requests = self._unexpired(self._intake.take(BATCH_COMMANDS_MAX))
        if not requests:
            return await self._aside_turn()
        started = time_module.monotonic_ns()
        try:
            batch = await self._append(requests)
        except JournalFull as full:
            await self._refuse_full(requests, full)
            return True
        reach("leader.after_append")
        await self._told()
        prev_seq = self.replica.seq
        applied = self._apply(requests, batch)
        reach("leader.after_apply")
        publication = self._publication(requests, batch, prev_seq, applied)
        self._tell(self._publish(publication, started))
        return True

    def _unexpired(self, requests: list[Request]) -> list[Request]:
        now = self._clock()
        late = [request for request in requests if request.not_after < now]
        if not late:
            return requests
        self.figures.expired += len(late)
        self._answers.forget((request.gateway, request.request_id) for request in late)
        for request in late:
            self._answer_aside(request.gateway, request.request_id, Code.EXPIRED_IN_TRANSIT)
        return [request for request in requests if request.not_after >= now]

    async def _aside_turn(self) -> bool:
        if not self._aside:
            return False
        await self._told()
        self._tell(self._publisher.answers_send(self._aside_take()))
        return True

    def _aside_take(self) -> dict[str, list[tuple[int, Answer]]]:
        aside, self._aside = self._aside, {}
        return aside

    async def _append(self, requests: Sequence[Request]) -> Batch:
        """The batch, durable under our epoch; a thread waits for the disk while this loop collects the next."""
        batch = Batch(
            epoch=self.epoch,
            first_seq=self.replica.seq + 1,
            count=len(requests),
            time=self._time_next(),
            event_hash=self.replica.event_hash,
            payload=messages.commands_encode(request.command for request in requests),
        )
        started = time_module.monotonic_ns()
        await asyncio.get_running_loop().run_in_executor(self._writer, self._journal.append, batch)
        self.figures.append.add(time_module.monotonic_ns() - started)
        self.figures.journal_full = 0
        return batch

    def _time_next(self) -> int:
        """The time of the next batch: the clock's, or the last batch's where the clock was set back a little."""
        now, last = self._clock(), self.replica.engine.time
        if now >= last:
            return now
        clock_check(now, last)
        self.figures.clock_clamps += 1
        return last

    def _apply(self, requests: Sequence[Request], batch: Batch) -> Applied:
        started = time_module.monotonic_ns()
        commands = [request.command for request in requests]
        applied = self.replica.apply(commands, batch.first_seq, batch.time)
        figures = self.figures
        figures.apply.add(time_module.monotonic_ns() - started)
        figures.seq, figures.time = batch.last_seq, batch.time
        figures.batches += 1
        figures.commands += batch.count
        figures.orders += sum(type(command) is c.OrderSubmit for command in commands)
        return applied

    def _publication(
        self, requests: Sequence[Request], batch: Batch, prev_seq: int, applied: Applied
    ) -> Publication:
        answers = self._aside_take()
        noted: list[tuple[Key, Answer]] = []
        start = 0
        for i, (request, end) in enumerate(zip(requests, applied.ends, strict=True)):
            events = applied.events[start:end]
            reply = replies.reply_of(
                request.command, events, seq=batch.first_seq + i, epoch=self.epoch, time=batch.time
            )
            answers.setdefault(request.gateway, []).append((request.request_id, reply))
            noted.append(((request.gateway, request.request_id), reply))
            start = end
        changes = changes_of(self.replica.engine, applied)
        publication = Publication(
            prev_seq, batch.first_seq, batch.last_seq, batch.time, applied, changes, answers
        )
        # Known as answered from here on: a copy that comes now must not be sequenced again.
        self._answers.finish(noted)
        return publication

    async def _publish(self, publication: Publication, started: int) -> None:
        await self._publisher.publish(publication, self.replica.engine)
        self.figures.answer.add(time_module.monotonic_ns() - started)

    async def _refuse_full(self, requests: Sequence[Request], full: JournalFull) -> None:
        """No room: nothing was sequenced, the requests may be sent again as if for the first time."""
        if not self.figures.journal_full:
            logger.error("%s: commands are refused until there is room", full)
        self.figures.journal_full = 1
        self._answers.forget((request.gateway, request.request_id) for request in requests)
        for request in requests:
            self._answer_aside(request.gateway, request.request_id, Code.JOURNAL_FULL)
        await self._aside_turn()

    def _tell(self, telling: Coroutine[Any, Any, None]) -> None:
        """Let it go on beside the next append; the caller waited for the one before."""
        self._publishing = asyncio.get_running_loop().create_task(telling)
        self._publishing.add_done_callback(self._told_callback)

    def _told_callback(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._failure.done():
            self._failure.set_exception(error)

    async def _told(self) -> None:
        """Wait for what is being told. Raises what ended it."""
        while self._publishing is not None and not self._publishing.done():
            await asyncio.wait([self._publishing])
        if self._publishing is not None:
            self._publishing.result()

    # Leading ------------------------------------------------------------------------------------------

    async def open(self, changes_since: Callable[[int], Changes | None] = lambda seq: None) -> None:
        """Bring live state to where this leader stands, then announce it.

        `changes_since(seq)`: what changed after that sequence; None: not known any more.
        """
        await self._publisher.live_takeover(self.replica.engine, changes_since)
        await self._announce()

    async def run(
        self,
        stop: asyncio.Event,
        *,
        changes_since: Callable[[int], Changes | None] = lambda seq: None,
        on_open: Callable[[], None] = lambda: None,
        collector: Collector | None = None,
    ) -> None:
        """Lead until `stop`, then finish and answer what waits. Raises what ends a leader (see `step`).

        It gives signs of life to the journal from the start, and takes commands once live state is right.
        `collector`: None leaves the garbage collector as it is.
        """
        tasks = [self._spawn(self._heartbeats()), self._spawn(self._receiving())]
        stopping = self._spawn(stop.wait())
        try:
            opening = self._spawn(self.open(changes_since))
            tasks.append(opening)
            if not await self._first_of(opening, stopping, *tasks):
                return
            on_open()
            with collector or nullcontext():
                turns = self._spawn(self._turns())
                loops = (self._announcements(), self._live_checks(), self._figures_loop())
                tasks += [turns, self._spawn(self._tidying(collector)), *map(self._spawn, loops)]
                await self._first_of(stopping, *(task for task in tasks if task is not opening))
                await self._finish(turns)
        finally:
            await tasks_end([*tasks, stopping])

    @staticmethod
    def _spawn(coroutine: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        return asyncio.get_running_loop().create_task(coroutine)

    async def _first_of(self, wanted: "asyncio.Task[Any]", *others: "asyncio.Task[Any]") -> bool:
        """Wait for any of them, or for the failure of what is being told; True when it is `wanted`. Raises."""
        waited: set[asyncio.Future[Any]] = {wanted, *others, self._failure}
        done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        for ended in done:
            ended.result()
        return wanted in done

    async def _finish(self, turns: "asyncio.Task[Any]") -> None:
        self._is_stopping = self._publisher.is_stopping = True
        self._intake.wake()
        await turns
        await self._told()

    async def close(self) -> None:
        """Close the connections; the journal stays its owner's."""
        if self._publishing is not None:
            await tasks_end([self._publishing])
        if self._failure.done():
            self._failure.exception()
        self._writer.shutdown()
        await self._publisher.close()

    async def _receiving(self) -> None:
        """The one receive task of this process."""
        layer = receiving_layer(self._redis_url, self._stack_id)
        channel = names.engine_channel(self._stack_id)
        try:
            while True:
                message = await layer.receive(channel)
                self.receive(message["data"])
        finally:
            await layer.flush()

    async def _turns(self) -> None:
        while True:
            await self._intake.arrived()
            did = await self._turn()
            if not did and self._is_stopping:
                return
            if not did:
                self._intake.take(0)  # woken for nothing: lets `arrived` wait again

    async def _heartbeats(self) -> None:
        while True:
            self._journal.heartbeat(self._clock())
            await asyncio.sleep(HEARTBEAT_S)

    async def _announcements(self) -> None:
        while True:
            await self._announce()
            await asyncio.sleep(ANNOUNCE_S)

    async def _announce(self) -> None:
        try:
            await self._publisher.announce(self.replica.seq, self.replica.engine.time)
        except (RedisError, OSError):
            self.figures.redis_away = 1

    async def _live_checks(self) -> None:
        while True:
            await asyncio.sleep(LIVE_CHECK_S)
            if self._publishing is None or self._publishing.done():
                self._tell(self._live_check())

    async def _live_check(self) -> None:
        try:
            await self._publisher.live_check(self.replica.engine)
        except (LiveAway, LiveHeadMismatch):
            self.figures.redis_away = 1
        else:
            self.figures.redis_away = 0

    async def _tidying(self, collector: Collector | None) -> None:
        """Once a second: forget old answers; when idle collect; when the disk was full try it."""
        while True:
            await asyncio.sleep(FIGURES_S)
            self._answers.forget_old(self._clock())
            if self.figures.journal_full:
                self.submit_soon([c.AdvanceTime()])
            if collector is not None and not len(self._intake):
                collector.idle()

    async def _figures_loop(self) -> None:
        client = Redis.from_url(self._redis_url, socket_timeout=2)
        try:
            while True:
                self.figures.queue_depth = len(self._intake)
                try:
                    await figures_write(client, self._stack_id, self._name, self.figures)
                except (RedisError, OSError):
                    self.figures.redis_away = 1
                await asyncio.sleep(FIGURES_S)
        finally:
            await client.aclose()

"""The door itself: one background event loop a process that carries commands to the leader and answers back.
Called through engine.door by services, from any thread and any event loop."""

import asyncio
import concurrent.futures
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from redis.exceptions import RedisError

from engine import messages, replies
from engine.core import commands as c
from engine.core.codes import Code
from engine.door import names
from engine.door.flight import COMMAND_BYTES_MAX, Call, Flights
from engine.door.transport import receiving_layer, sending_layer
from engine.endings import tasks_end
from engine.replies import Answer, DoorError, Reply

logger = logging.getLogger(__name__)

NOT_AFTER_MS = 2_000
NOT_AFTER_MS_MAX = 30_000
TICK_S = 0.05
# call_sync gives the background loop this long after its own deadline; only a broken process needs it.
SYNC_SLACK_S = 5.0

Outcome = Reply | DoorError
Deliver = Callable[[Outcome], None]


class Door:
    """Carries commands to whoever leads. Made by engine.door.door(); `close` ends its thread."""

    def __init__(
        self, redis_url: str, stack_id: str, *, wall_clock: Callable[[], int] = time.time_ns
    ) -> None:
        self._redis_url = redis_url
        self._stack_id = stack_id
        self._wall_clock = wall_clock
        self.gateway = uuid.uuid4().hex
        self._last_id = 0
        self._id_lock = threading.Lock()
        self._inbox: deque[list[Call]] = deque()
        self._flights = Flights(time.monotonic_ns())
        self._frames: asyncio.Queue[list[Call]] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="door", daemon=True)
        self._thread.start()

    # What callers use ---------------------------------------------------------------------------------

    async def call(self, command: c.Command, not_after_ms: int = NOT_AFTER_MS) -> Reply:
        """The reply to one command. Raises DoorError."""
        (outcome,) = await self.call_many([command], not_after_ms)
        if isinstance(outcome, DoorError):
            raise outcome
        return outcome

    async def call_many(
        self, commands: Sequence[c.Command], not_after_ms: int = NOT_AFTER_MS
    ) -> list[Outcome]:
        """The outcome of each, in order: its Reply, or the DoorError that says why there is none."""
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Outcome]] = [loop.create_future() for _ in commands]
        outcomes = _LoopOutcomes(loop)
        delivers = [outcomes.deliver_to(future) for future in futures]
        self._submit(commands, not_after_ms, delivers)
        return list(await asyncio.gather(*futures))

    def call_sync(self, command: c.Command, timeout: float = NOT_AFTER_MS / 1000) -> Reply:
        """The reply, for a caller without an event loop; `timeout` in seconds. Raises DoorError."""
        (outcome,) = self.call_many_sync([command], timeout)
        if isinstance(outcome, DoorError):
            raise outcome
        return outcome

    def call_many_sync(
        self, commands: Sequence[c.Command], timeout: float = NOT_AFTER_MS / 1000
    ) -> list[Outcome]:
        """As call_many, blocking this thread."""
        futures: list[concurrent.futures.Future[Outcome]] = [concurrent.futures.Future() for _ in commands]
        self._submit(commands, int(timeout * 1000), [future.set_result for future in futures])
        end = time.monotonic() + timeout + SYNC_SLACK_S
        outcomes: list[Outcome] = []
        for future, command in zip(futures, commands, strict=True):
            try:
                outcomes.append(future.result(max(0.0, end - time.monotonic())))
            except concurrent.futures.TimeoutError:
                outcomes.append(DoorError(Code.OUTCOME_UNKNOWN, command))
        return outcomes

    @property
    def is_leader_heard(self) -> bool:
        """True when a leader spoke within the last second."""
        return bool(self._flights.epoch) and not self._flights.is_silent(time.monotonic_ns())

    @property
    def in_flight(self) -> int:
        """Frames under way; for figures."""
        return self._flights.in_flight

    def close(self) -> None:
        """End the background loop; commands still under way get OUTCOME_UNKNOWN."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop)
            self._thread.join()

    # From any thread into the background loop -------------------------------------------------------------

    def _submit(self, commands: Sequence[c.Command], not_after_ms: int, delivers: Sequence[Deliver]) -> None:
        calls = []
        now, wall = time.monotonic_ns(), self._wall_clock()
        lasting = min(not_after_ms, NOT_AFTER_MS_MAX) * 1_000_000
        for command, deliver in zip(commands, delivers, strict=True):
            call = self._call_make(command, wall + lasting, now + lasting, deliver)
            if call is None:
                deliver(DoorError(Code.BUSY, command))
            else:
                calls.append(call)
        if not calls:
            return
        self._inbox.append(calls)
        try:
            self._loop.call_soon_threadsafe(self._admit)
        except RuntimeError:  # the loop is closed: this process is going down
            self._inbox.clear()
            for call in calls:
                call.answer(Code.NO_LEADER)

    def _call_make(self, command: c.Command, not_after: int, deadline: int, deliver: Deliver) -> Call | None:
        """None for what no frame has room for; gateways bound their fields, so it never gets here."""
        with self._id_lock:
            self._last_id += 1
            request_id = self._last_id
        command = keyed(command, f"~{self.gateway}{request_id:x}")
        data = replies.command_encode(command)
        if len(data) > COMMAND_BYTES_MAX:
            return None

        def answer(answer: Answer) -> None:
            deliver(DoorError(answer, command) if isinstance(answer, Code) else answer)

        return Call(request_id, command, data, not_after, deadline, answer)

    # In the background loop -----------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        for coroutine in (self._converse(), self._tick()):
            self._start(coroutine)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.critical("the door's loop lost a task", exc_info=task.exception())

    def _admit(self) -> None:
        now = time.monotonic_ns()
        while self._inbox:
            calls = self._inbox.popleft()
            refusal = self._flights.admit(calls, now)
            if refusal is not None:
                for call in calls:
                    call.answer(refusal)
        self._depart(now)

    def _depart(self, now: int) -> None:
        for frame in self._flights.departures(now):
            self._frames.put_nowait(frame)

    async def _converse(self) -> None:
        """Open a channel, then receive on it for ever: a cancelled `receive` would lose its queue."""
        layer = receiving_layer(self._redis_url, self._stack_id)
        channel = await layer.new_channel(names.gateway_prefix())
        await layer.group_add(names.heads_group(self._stack_id), channel)
        self._start(self._send(channel))
        while True:
            message = await layer.receive(channel)
            try:
                self._take(message)
            except messages.WireRefused as error:
                logger.warning("an answer was not understood: %s", error)

    async def _send(self, gateway: str) -> None:
        """The one sender, so that frames leave in order; what fails is sent again by the tick."""
        layer = sending_layer(self._redis_url, self._stack_id)
        channel = names.engine_channel(self._stack_id)
        while True:
            frame = await self._frames.get()
            wires = [(call.request_id, call.not_after, call.data) for call in frame]
            data = replies.requests_encode(gateway, wires)
            try:
                await layer.send(channel, {"type": "engine.commands", "data": data})
            except (RedisError, OSError) as error:
                logger.warning("commands did not leave: %s", error)

    def _take(self, message: dict[str, Any]) -> None:
        now = time.monotonic_ns()
        if message["type"] == "engine.head":
            epoch = messages.wire_decode(message["data"])[0]
            if self._flights.heard(epoch, now):
                self._resend(now, all_open=True)
        elif message["type"] == "door.answers":
            epoch, answers = replies.answers_decode(message["data"])
            self._flights.heard(epoch, now)
            self._deliver(self._flights.answered(epoch, answers))
        self._depart(now)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            if self._flights.is_idle:
                continue
            now = time.monotonic_ns()
            self._deliver(self._flights.overdue(now))
            self._resend(now)
            self._depart(now)

    def _resend(self, now: int, *, all_open: bool = False) -> None:
        for frame in self._flights.resends(now, all_open=all_open):
            self._frames.put_nowait(frame)

    def _deliver(self, ended: Sequence[tuple[Call, Answer]]) -> None:
        for call, answer in ended:
            call.answer(answer)

    def _stop(self) -> None:
        far = time.monotonic_ns() + 2 * NOT_AFTER_MS_MAX * 1_000_000
        self._deliver(self._flights.overdue(far))
        self._loop.create_task(self._end())

    async def _end(self) -> None:
        await tasks_end(list(self._tasks))
        self._loop.stop()


class _LoopOutcomes:
    """Hands outcomes over to a caller's loop, waking it once for all that came together."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._is_woken = False
        self._ready: deque[tuple[asyncio.Future[Outcome], Outcome]] = deque()

    def deliver_to(self, future: "asyncio.Future[Outcome]") -> Deliver:
        def deliver(outcome: Outcome) -> None:
            self._ready.append((future, outcome))
            if not self._is_woken:
                self._is_woken = True
                self._wake()

        return deliver

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._hand_over)
        except RuntimeError:  # the caller's loop is gone, and the caller with it
            self._ready.clear()

    def _hand_over(self) -> None:
        self._is_woken = False  # before the queue is read: what comes during it wakes again
        while self._ready:
            future, outcome = self._ready.popleft()
            if not future.done():
                future.set_result(outcome)


def keyed(command: c.Command, key: str) -> c.Command:
    """The command with an idempotency key: a resend across a change of leader must have one effect."""
    if isinstance(command, c.OrderSubmit) and not command.client_order_id:
        return replace(command, client_order_id=key)
    return command

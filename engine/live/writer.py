"""Writing live state: one atomic script a batch, a new key generation when the head does not fit.
Called by the leader only; what redis-py raises becomes LiveAway before it leaves."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import redis
import redis.asyncio
from redis.backoff import NoBackoff

from engine.changes import DEPTH_LEVELS, Changes, changes_all, changes_make
from engine.live import scripts
from engine.live.errors import LiveAway, LiveFenced, LiveHeadMismatch
from engine.live.keys import (
    HEAD_FIELDS,
    Head,
    generation_prefix,
    head_key,
    head_parse,
    projected_key,
)
from engine.live.scripts import Script

if TYPE_CHECKING:
    from engine.core.engine import Engine

# Connecting anew must not cost the leader more than the second it has.
TIMEOUT_S: Final = 1.0
CHUNK: Final = 500
ENDED_MAX: Final = 100_000
SWEEP_KEYS: Final = 500
# More than this is not written in one script: Redis would stand still for longer than anyone waits.
DELTA_MAX: Final = 20_000

Argument = int | str | bytes
Entry = tuple[Argument, ...]


class Ended(NamedTuple):
    """A finished order as it was written, kept so that a wiped Redis gets it back."""

    seq: int
    entry: Entry


class LiveWriter:
    """The leader's hand on live state. One instance a process; its calls exclude each other."""

    def __init__(
        self, redis_url: str, stack_id: str, *, ended_max: int = ENDED_MAX, depth_levels: int = DEPTH_LEVELS
    ) -> None:
        """`ended_max`: finished orders kept, the oldest unprojected go first (then the history must wait)."""
        self._head_key = head_key(stack_id)
        self._projected_key = projected_key(stack_id)
        self._prefix = generation_prefix(stack_id)
        self._ended_max = ended_max
        self._depth_levels = depth_levels
        self._ended: deque[Ended] = deque()
        self._ended_from: int | None = None  # finished orders after this seq are all in _ended
        self._building = ""
        self._sweeping: asyncio.Task[int] | None = None
        self._lock = asyncio.Lock()
        pool: Any = redis.asyncio.BlockingConnectionPool.from_url(
            redis_url,
            max_connections=4,
            timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            # Every script may be repeated: once, at once, for a connection that died with its server.
            retry=redis.asyncio.retry.Retry(NoBackoff(), 1),
        )
        self._client: Any = redis.asyncio.Redis(connection_pool=pool)
        self.rebuilds = 0

    async def head(self) -> Head | None:
        """What stands in Redis; raises LiveAway."""
        return head_parse(await self._command("HMGET", self._head_key, *HEAD_FIELDS))

    async def projected(self) -> int | None:
        """The projector's applied sequence as it last said; raises LiveAway."""
        value = await self._command("GET", self._projected_key)
        return None if value is None else int(value)

    async def write(self, epoch: int, prev_seq: int, seq: int, instance: str, changes: Changes) -> None:
        """Write one batch under the head prev_seq → seq; repeating a write that was done is harmless.

        Raises LiveHeadMismatch (nothing written: rebuild), LiveFenced (another leads), LiveAway."""
        async with self._lock:
            self._remember(changes, prev_seq, seq)
            entries = chain.from_iterable(_entries(changes, seq))
            found = await self._script(
                scripts.WRITE,
                (self._head_key, self._projected_key),
                (self._prefix, epoch, prev_seq, seq, instance, self._ended_max, *entries),
            )
            _outcome_check(found)
            if found[1] is not None:
                self._forget(int(found[1]))

    async def takeover(
        self, engine: Engine, epoch: int, instance: str, changes_since: Callable[[int], Changes | None]
    ) -> bool:
        """Begin to lead: write what lies between the head and the engine (True), or everything (False).

        `changes_since(seq)` gives what happened after seq (None: not known any more).
        Raises LiveFenced, LiveAway."""
        found = await self.head()
        if found is not None and found.epoch > epoch:
            raise LiveFenced(found)
        changes = None
        if found is not None and found.seq <= engine.seq:
            changes = changes_since(found.seq) if found.seq < engine.seq else changes_make()
        if found is not None and changes is not None and len(changes) <= DELTA_MAX:
            try:
                await self.write(epoch, found.seq, engine.seq, instance, changes)
            except LiveHeadMismatch:
                pass  # the head moved or went meanwhile: everything is written below
            else:
                self._sweep_later()
                return True
        await self.rebuild(engine, epoch, instance)
        return False

    async def check(self, engine: Engine, epoch: int, instance: str) -> bool:
        """Compare the head with the engine and rebuild if it is another; True if it had to.

        Called when idle, every 250 ms. An engine that went on meanwhile is left to the next write, which
        looks at the head too. Raises LiveFenced, LiveAway."""
        async with self._lock:
            seq = engine.seq
            found = await self.head()
            if found is not None:
                if found.epoch > epoch:
                    raise LiveFenced(found)
                is_ours = (found.epoch, found.instance) == (epoch, instance)
                if is_ours and (found.seq == seq or engine.seq != seq):
                    return False
            await self._rebuild(engine, epoch, instance)
            return True

    async def rebuild(self, engine: Engine, epoch: int, instance: str) -> None:
        """Write all of the engine's state as a new generation and switch to it at the end.

        Raises LiveFenced, LiveAway, LiveHeadMismatch (Redis was wiped in the middle: call again)."""
        async with self._lock:
            await self._rebuild(engine, epoch, instance)

    async def prune(self, seq: int) -> int:
        """Drop finished orders whose end was projected (≤ seq); returns how many. `write` does it too,
        by the projector's key. Raises LiveAway."""
        self._forget(seq)
        dropped = 0
        while True:
            count = int(await self._script(scripts.PRUNE, (self._head_key,), (self._prefix, seq)))
            dropped += count
            if count < scripts.DROP_MAX:
                return dropped

    async def sweep(self) -> int:
        """Delete the keys of generations that were never switched to or are over; returns how many."""
        found = await self.head()
        if found is None:
            return 0
        epoch, current = found.epoch, found.generation
        deleted, cursor = 0, 0
        while True:
            scan = ("SCAN", cursor, "MATCH", f"{self._prefix}*", "COUNT", SWEEP_KEYS)
            cursor, names = await self._command(*scan)
            over = [name for name in names if self._is_over(bytes(name).decode(), epoch, current)]
            if over:
                deleted += int(await self._command("UNLINK", *over))
            cursor = int(cursor)
            if cursor == 0:
                return deleted

    async def close(self) -> None:
        """Stop sweeping and close the connections."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
            self._sweeping = None
        await self._client.aclose()
        await self._client.connection_pool.disconnect()

    async def _rebuild(self, engine: Engine, epoch: int, instance: str) -> None:
        self.rebuilds += 1
        if self._ended_from is None:
            self._ended_from = engine.seq
        if not await self._generation_write(engine, epoch, instance, at_once=False):
            # The engine goes on meanwhile: gather everything in one go, at one sequence.
            await self._generation_write(engine, epoch, instance, at_once=True)
        self._sweep_later()

    async def _generation_write(self, engine: Engine, epoch: int, instance: str, *, at_once: bool) -> bool:
        """Write a generation and switch to it; False if the engine moved while it was read piece by piece."""
        seq, generation = engine.seq, f"{epoch}.{secrets.token_hex(6)}"
        entries = iter(list(self._everything(engine))) if at_once else self._everything(engine)
        self._building = generation
        try:
            await self._answered(scripts.BEGIN, self._prefix, epoch, seq, generation)
            chunks = 0
            while chunk := list(islice(entries, CHUNK)):
                if engine.seq != seq and not at_once:
                    return False
                await self._answered(
                    scripts.CHUNK, self._prefix, generation, chunks, *chain.from_iterable(chunk)
                )
                chunks += 1
            history_seq = self._ended_from or 0
            await self._answered(
                scripts.SWITCH, self._prefix, generation, chunks, epoch, seq, instance, history_seq
            )
        finally:
            self._building = ""
        return True

    def _everything(self, engine: Engine) -> Iterator[Entry]:
        for changes in changes_all(engine, self._depth_levels):
            yield from _entries(changes, engine.seq)
        for ended in self._ended:
            yield ended.entry

    def _remember(self, changes: Changes, prev_seq: int, seq: int) -> None:
        """Keep the batch's finished orders, once, and no more than the limit."""
        if self._ended_from is None:
            self._ended_from = prev_seq
        if self._ended and self._ended[-1].seq >= seq:
            return  # the same batch again
        for order_id, account_id, blob in changes.entries[2]:
            self._ended.append(Ended(seq, ("e", order_id, account_id, blob, seq)))
        while len(self._ended) > self._ended_max:
            self._ended_from = self._ended.popleft().seq

    def _forget(self, projected: int) -> None:
        while self._ended and self._ended[0].seq <= projected:
            self._ended.popleft()

    def _is_over(self, name: str, epoch: int, current: str) -> bool:
        """A key of a generation that is neither the head's, nor being built here, nor of a later epoch."""
        generation = name[len(self._prefix) :].split(":", 1)[0]
        number = generation.split(".", 1)[0]
        if not number.isdecimal() or int(number) > epoch:
            return False
        return generation not in (current, self._building)

    def _sweep_later(self) -> None:
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = asyncio.create_task(self._sweep_quietly(), name="live sweep")

    async def _sweep_quietly(self) -> int:
        try:
            return await self.sweep()
        except LiveAway:
            return 0  # what is left goes with the next sweep

    async def _answered(self, script: Script, *arguments: Argument) -> None:
        _outcome_check(await self._script(script, (self._head_key,), arguments))

    async def _script(self, script: Script, keys: tuple[str, ...], arguments: Iterable[Argument]) -> Any:
        flat = (len(keys), *keys, *arguments)
        try:
            try:
                return await self._client.evalsha(script.sha, *flat)
            except redis.exceptions.NoScriptError:
                return await self._client.eval(script.text, *flat)
        except (redis.RedisError, OSError) as error:
            raise LiveAway(f"Redis does not answer: {error}") from error

    async def _command(self, *parts: Argument) -> Any:
        try:
            return await self._client.execute_command(*parts)
        except (redis.RedisError, OSError) as error:
            raise LiveAway(f"Redis does not answer: {error}") from error


def _entries(changes: Changes, seq: int) -> Iterator[Entry]:
    """What the scripts' `put` takes, one tuple a key."""
    accounts, orders, ended, instruments, depths = changes.entries
    for account_id, blob in accounts:
        yield "a", account_id, blob
    for order_id, account_id, blob in orders:
        yield "o", order_id, account_id, blob
    for order_id, account_id, blob in ended:
        yield "e", order_id, account_id, blob, seq
    for instrument, mark, blob in instruments:
        yield "i", instrument, blob, mark
    for instrument, blob in depths:
        yield "d", instrument, blob
    for setting, value in changes.settings.items():
        yield "s", setting, value


def _outcome_check(found: list[Any]) -> None:
    """Raise what a script that changed nothing said."""
    outcome = bytes(found[0])
    if outcome == b"ok":
        return
    head = head_parse(found[1:]) if len(found) > 1 else None
    if outcome == b"fenced" and head is not None:
        raise LiveFenced(head)
    raise LiveHeadMismatch(head)

"""Redis wiped, killed or restarted: readers are told LIVE_REBUILDING, never nothing, and then see the truth.
Run by pytest on a real Redis of its own."""

import threading
from decimal import Decimal

import pytest
import redis

from engine.core import commands as c
from engine.core import terms
from engine.core.codes import Code
from engine.core.engine import Engine
from engine.live import (
    AsyncLiveReader,
    LiveAway,
    LiveHeadMismatch,
    LiveReader,
    LiveRebuilding,
    LiveWriter,
    configure,
    live,
    live_async,
)
from engine.live.keys import generation_prefix, head_key
from tests.app.live.contents import contents, generations, state_only
from tests.app.live.streams import Stream
from tests.model.market import FIRST_DAY, OPERATE
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until_async

ACCOUNTS = range(1, 61)


def reads(reader: LiveReader) -> list[object]:
    """Every kind of read, each as a call."""
    return [
        reader.head, reader.instruments, reader.depths, reader.market, reader.venue,
        lambda: reader.account(1), lambda: reader.account_funds(1), lambda: reader.private(1),
        lambda: reader.orders(1), lambda: reader.order(1),
        lambda: reader.instrument("SHFE.rb2601"), lambda: reader.depth("SHFE.rb2601"),
    ]  # fmt: skip


def all_say_rebuilding(reader: LiveReader) -> None:
    for read in reads(reader):
        with pytest.raises(LiveRebuilding) as refused:
            read()  # type: ignore[operator]
        assert refused.value.code == Code.LIVE_REBUILDING


async def test_without_a_head_every_read_says_so(
    raw: redis.Redis, stack_id: str, writer: LiveWriter, reader: LiveReader
) -> None:
    all_say_rebuilding(reader)
    stream = Stream(61)
    stream.begin()
    await writer.rebuild(stream.engine, 1, "engine-1")
    assert reader.head().seq == stream.engine.seq
    raw.delete(head_key(stack_id))
    all_say_rebuilding(reader)


async def test_a_wiped_redis_is_written_again(
    raw: redis.Redis, stack_id: str, writer: LiveWriter, reader: LiveReader
) -> None:
    stream = Stream(62)
    stream.begin()
    await writer.rebuild(stream.engine, 1, "engine-1")
    prev = stream.engine.seq
    for changes in stream.run(200):
        await writer.write(1, prev, stream.engine.seq, "engine-1", changes)
        prev = stream.engine.seq
    wanted = contents(raw, stack_id)
    raw.flushall()
    all_say_rebuilding(reader)
    # The next batch is refused, so nothing of it stands alone in an empty Redis …
    for changes in stream.run(1):
        with pytest.raises(LiveHeadMismatch):
            await writer.write(1, prev, stream.engine.seq, "engine-1", changes)
    assert raw.keys(f"{generation_prefix(stack_id)}*") == []
    # … and a rebuild, here by the idle check, gives back all, finished orders included.
    assert await writer.check(stream.engine, 1, "engine-1")
    assert not await writer.check(stream.engine, 1, "engine-1")
    found = contents(raw, stack_id)
    assert found["head"]["seq"] == str(stream.engine.seq)
    assert {k for k in found if k.startswith("ended:")} >= {k for k in wanted if k.startswith("ended:")}


async def test_a_redis_wiped_in_the_middle_of_a_rebuild_shows_no_half(
    raw: redis.Redis, stack_id: str, writer: LiveWriter, reader: LiveReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream(63)
    stream.begin()
    for _ in stream.run(200):
        pass
    monkeypatch.setattr("engine.live.writer.CHUNK", 10)
    asked, calls = writer._answered, 0

    async def wiped(*arguments: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 4:
            raw.flushall()
        await asked(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(writer, "_answered", wiped)
    with pytest.raises(LiveHeadMismatch):
        await writer.rebuild(stream.engine, 1, "engine-1")
    all_say_rebuilding(reader)
    await writer.rebuild(stream.engine, 1, "engine-1")
    found = state_only(contents(raw, stack_id))
    assert len(found["accounts"]) == len(stream.engine.accounts)
    assert len(found["orders"]) == len(stream.engine.orders)
    assert len(generations(raw, stack_id)) == 1


async def test_a_killed_redis_is_used_again_as_soon_as_it_is_back(
    own_redis: RedisServer, stack_id: str, writer: LiveWriter, reader: LiveReader
) -> None:
    stream = Stream(64)
    stream.begin()
    await writer.rebuild(stream.engine, 1, "engine-1")
    other = AsyncLiveReader(own_redis.url, stack_id)
    assert (await other.head()).seq == stream.engine.seq
    own_redis.kill()
    try:
        with pytest.raises(LiveAway):
            await writer.check(stream.engine, 1, "engine-1")
        with pytest.raises(LiveAway):
            await writer.rebuild(stream.engine, 1, "engine-1")
        all_say_rebuilding(reader)
        with pytest.raises(LiveRebuilding):
            await other.account_funds(1)
    finally:
        own_redis.start()
    assert await writer.check(stream.engine, 1, "engine-1")
    assert reader.head() == await other.head()
    assert reader.head().seq == stream.engine.seq
    await other.close()


def deposits(engine: Engine) -> None:
    """One batch that credits every account with 1.00, so that money tells the sequence."""
    number = engine.seq
    batch: list[c.Command] = [
        c.CashDeposit(0, OPERATE, n, f"d{number}-{n}", terms.BOOK_FUTURES, "CNY", 10_000) for n in ACCOUNTS
    ]
    engine.apply(batch, number + 1, 1)


async def test_a_reader_never_mixes_two_generations(
    own_redis: RedisServer, stack_id: str, writer: LiveWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While generations are written and switched, each read is of the one sequence its head says."""
    engine = Engine()
    engine.apply([c.DayOpen(0, OPERATE, FIRST_DAY)], 1, 1)
    engine.apply([c.AccountOpen(0, OPERATE, n, n) for n in ACCOUNTS], 2, 1)
    monkeypatch.setattr("engine.live.writer.CHUNK", 7)
    expected = {engine.seq: Decimal(0)}
    await writer.rebuild(engine, 1, "engine-1")
    wrong: list[str] = []
    seen: set[int] = set()
    stop = threading.Event()

    def read() -> None:
        reader = LiveReader(own_redis.url, stack_id)
        turn = 0
        while not stop.is_set():
            turn += 1
            found = reader.private(ACCOUNTS[turn % len(ACCOUNTS)])
            seen.add(found.seq)
            held = None if found.value is None else found.value.funds.deposit
            if held != expected[found.seq]:
                wrong.append(f"at {found.seq}: {held}, not {expected[found.seq]}")
        reader.close()

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for turn in range(1, 41):
            deposits(engine)
            expected[engine.seq] = Decimal(turn)
            await writer.rebuild(engine, 1, "engine-1")
        await wait_until_async(lambda: engine.seq in seen)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert len(seen) > 10


async def test_a_process_reads_where_it_was_told(
    own_redis: RedisServer, stack_id: str, writer: LiveWriter
) -> None:
    stream = Stream(65)
    stream.begin()
    await writer.rebuild(stream.engine, 2, "engine-1")
    configure(own_redis.url, stack_id)
    try:
        assert live().head().seq == stream.engine.seq
        assert await live_async().head() == live().head()
    finally:
        await live_async().close()
        live().close()
        from django.conf import settings

        configure(settings.REDIS_URL, settings.OUTCRY_STACK_ID)

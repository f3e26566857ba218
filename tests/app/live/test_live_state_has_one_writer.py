"""The head guards live state: an older epoch, a gap and another's head are refused with nothing written.
Run by pytest on a real Redis."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import redis

from engine.changes import Changes, changes_make
from engine.core.engine import Engine
from engine.core.views import OrderView
from engine.live import LiveFenced, LiveHeadMismatch, LiveReader, LiveWriter
from engine.live.keys import generation_prefix, head_key, projected_key
from engine.live.scripts import ENDED_READ_MAX
from tests.app.live.contents import contents, generations, state_only
from tests.app.live.streams import Stream
from tests.support.servers import RedisServer


@contextmanager
def nothing_changes(raw: redis.Redis, stack_id: str) -> Iterator[None]:
    """Every key of the venue is the same afterwards."""
    before = contents(raw, stack_id)
    yield
    assert contents(raw, stack_id) == before


async def begun(writer: LiveWriter, seed: int = 51, epoch: int = 3) -> Stream:
    """A venue whose live state was written by engine-1 at `epoch`."""
    stream = Stream(seed)
    stream.begin()
    await writer.rebuild(stream.engine, epoch, "engine-1")
    return stream


def one_batch(stream: Stream) -> tuple[int, int, Changes]:
    """(prev, seq, changes) of the stream's next batch that changes something."""
    prev = stream.engine.seq
    changes = changes_make()
    for changes in stream.run(200):
        if changes.ended and changes.orders:
            break
        prev = stream.engine.seq
    return prev, stream.engine.seq, changes


async def test_without_a_head_nothing_is_written(raw: redis.Redis, stack_id: str, writer: LiveWriter) -> None:
    stream = Stream(51)
    changes = stream.begin()
    with nothing_changes(raw, stack_id), pytest.raises(LiveHeadMismatch) as refused:
        await writer.write(1, 0, stream.engine.seq, "engine-1", changes)
    assert refused.value.found is None
    assert generations(raw, stack_id) == set()


async def test_a_head_that_does_not_precede_is_refused(
    raw: redis.Redis, stack_id: str, writer: LiveWriter
) -> None:
    stream = await begun(writer)
    held = stream.engine.seq
    _, seq, changes = one_batch(stream)
    for prev in (held - 1, held + 1, 0):
        with nothing_changes(raw, stack_id), pytest.raises(LiveHeadMismatch) as refused:
            await writer.write(3, prev, seq, "engine-1", changes)
        assert refused.value.found is not None
        assert refused.value.found.seq == held


async def test_an_older_epoch_is_refused(
    own_redis: RedisServer, raw: redis.Redis, stack_id: str, writer: LiveWriter
) -> None:
    """A leader that was paused comes back: whatever it tries, the new leader's state stands."""
    stream = await begun(writer)
    old = LiveWriter(own_redis.url, stack_id)
    held = stream.engine.seq
    _, seq, changes = one_batch(stream)
    behind = Engine()
    with nothing_changes(raw, stack_id):
        with pytest.raises(LiveFenced):
            await old.write(2, held, seq, "engine-0", changes)
        with pytest.raises(LiveFenced):
            await old.rebuild(stream.engine, 2, "engine-0")
        with pytest.raises(LiveFenced):
            await old.check(behind, 2, "engine-0")
        with pytest.raises(LiveFenced):
            await old.takeover(stream.engine, 2, "engine-0", lambda seq: changes)
    await old.close()


async def test_the_same_epoch_from_another_process_is_refused(
    raw: redis.Redis, stack_id: str, writer: LiveWriter
) -> None:
    stream = await begun(writer)
    held = stream.engine.seq
    _, seq, changes = one_batch(stream)
    with nothing_changes(raw, stack_id), pytest.raises(LiveHeadMismatch):
        await writer.write(3, held, seq, "engine-2", changes)


async def test_a_write_repeated_after_a_lost_answer_is_harmless(
    raw: redis.Redis, stack_id: str, writer: LiveWriter
) -> None:
    stream = Stream(52)
    stream.begin()
    await writer.rebuild(stream.engine, 3, "engine-1")
    prev = stream.engine.seq
    for changes in stream.run(100):
        await writer.write(3, prev, stream.engine.seq, "engine-1", changes)
        with nothing_changes(raw, stack_id):
            await writer.write(3, prev, stream.engine.seq, "engine-1", changes)
        prev = stream.engine.seq


async def test_a_batch_applied_before_a_rebuild_is_not_written_twice(
    raw: redis.Redis, stack_id: str, writer: LiveWriter, reader: LiveReader
) -> None:
    """A leader applies while it publishes: a rebuild holds batches whose own write comes after it."""
    stream = Stream(57)
    stream.begin()
    await writer.rebuild(stream.engine, 3, "engine-1")
    prev, waiting = stream.engine.seq, []
    for changes in stream.run(150):
        waiting.append((prev, stream.engine.seq, changes))
        prev = stream.engine.seq
    await writer.rebuild(stream.engine, 3, "engine-1")
    wanted = state_only(contents(raw, stack_id))
    for before, seq, changes in waiting:
        await writer.write(3, before, seq, "engine-1", changes)
    assert state_only(contents(raw, stack_id)) == wanted
    assert writer.rebuilds == 2
    ended = [order for _, _, changes in waiting for order in changes.ended]
    assert ended
    assert [reader.order(order.order_id).value for order in ended] == ended


async def test_the_idle_check_leaves_an_engine_that_goes_on_to_the_next_write(
    writer: LiveWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = await begun(writer, seed=58)
    prev = stream.engine.seq
    asked, waiting = writer.head, []

    async def moving() -> object:
        waiting.append(next(stream.run(1)))
        return await asked()

    monkeypatch.setattr(writer, "head", moving)
    assert not await writer.check(stream.engine, 3, "engine-1")
    monkeypatch.undo()
    await writer.write(3, prev, stream.engine.seq, "engine-1", waiting[0])
    assert not await writer.check(stream.engine, 3, "engine-1")
    assert writer.rebuilds == 1


async def test_a_new_leader_writes_only_what_lies_between(
    own_redis: RedisServer, raw: redis.Redis, stack_id: str, writer: LiveWriter
) -> None:
    stream = await begun(writer)
    head, name = stream.engine.seq, raw.hget(head_key(stack_id), "generation")
    union: list[Changes] = []
    for changes in stream.run(120):
        union.append(changes)
    asked: list[int] = []

    def since(seq: int) -> Changes:
        asked.append(seq)
        return united(stream.engine, union)

    new = LiveWriter(own_redis.url, stack_id)
    assert await new.takeover(stream.engine, 4, "engine-2", since)
    assert asked == [head]
    assert raw.hget(head_key(stack_id), "generation") == name
    written = state_only(contents(raw, stack_id))
    assert written["head"] == {"epoch": "4", "seq": str(stream.engine.seq), "instance": "engine-2"}
    await new.rebuild(stream.engine, 4, "engine-2")
    assert state_only(contents(raw, stack_id)) == written
    assert new.rebuilds == 1
    await new.close()


def united(engine: Engine, batches: list[Changes]) -> Changes:
    """What several batches changed, as it is after the last."""
    ended = {order.order_id: order for changes in batches for order in changes.ended}
    orders = {order.order_id for changes in batches for order in changes.orders} - ended.keys()
    return changes_make(
        accounts=[engine.account_view(n) for n in {a.account_id for c in batches for a in c.accounts}],
        orders=[engine.order_view(order_id) for order_id in orders],
        ended=ended.values(),
        instruments=[
            engine.instrument_view(n) for n in {i.spec.instrument for c in batches for i in c.instruments}
        ],
        depths=[engine.depth_view(n, 20) for n in {d.instrument for c in batches for d in c.depths}],
        settings={name: value for changes in batches for name, value in changes.settings.items()},
    )


async def test_a_new_leader_without_a_usable_head_writes_everything(
    own_redis: RedisServer, raw: redis.Redis, stack_id: str
) -> None:
    stream = Stream(53)
    stream.begin()
    new = LiveWriter(own_redis.url, stack_id)
    assert not await new.takeover(stream.engine, 1, "engine-1", lambda seq: None)
    wanted = state_only(contents(raw, stack_id))
    assert wanted["head"]["seq"] == str(stream.engine.seq)
    # The head says a sequence the follower does not know any more.
    for _ in stream.run(30):
        pass
    assert not await new.takeover(stream.engine, 2, "engine-2", lambda seq: None)
    # The head is ahead of the journal: the state of another world.
    raw.hset(head_key(stack_id), "seq", stream.engine.seq + 1_000)
    assert not await new.takeover(stream.engine, 3, "engine-2", lambda seq: changes_make())
    assert state_only(contents(raw, stack_id))["head"]["seq"] == str(stream.engine.seq)
    # The head is exactly ours already: one write of nothing.
    assert await new.takeover(stream.engine, 4, "engine-1", lambda seq: None)
    assert new.rebuilds == 3
    await new.close()


async def test_an_engine_that_goes_on_meanwhile_is_read_at_one_sequence(
    raw: redis.Redis, stack_id: str, writer: LiveWriter, reader: LiveReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream(54)
    stream.begin()
    batches = stream.run(400)
    for _ in range(12):
        next(batches)
    asked = writer._answered  # the engine moves between two round trips, as a pipelined leader's does

    async def moving(*arguments: object) -> None:
        next(batches)
        await asked(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(writer, "_answered", moving)
    monkeypatch.setattr("engine.live.writer.CHUNK", 5)
    await writer.rebuild(stream.engine, 1, "engine-1")
    monkeypatch.undo()
    seq = reader.head().seq
    assert seq < stream.engine.seq
    written = state_only(contents(raw, stack_id))
    again = Stream(54)
    again.begin()
    batches = again.run(400)
    while again.engine.seq < seq:
        next(batches)
    assert again.engine.seq == seq
    await writer.rebuild(again.engine, 1, "engine-1")
    assert state_only(contents(raw, stack_id)) == written


async def test_finished_orders_go_when_they_are_projected(
    raw: redis.Redis, stack_id: str, writer: LiveWriter, reader: LiveReader
) -> None:
    stream = await begun(writer, seed=55)
    prev, ends = stream.engine.seq, []
    for changes in stream.run(300):
        await writer.write(3, prev, stream.engine.seq, "engine-1", changes)
        prev = stream.engine.seq
        ends += [(prev, order) for order in changes.ended]
    middle = ends[len(ends) // 2][0]
    kept = {order.order_id for seq, order in ends if seq > middle}
    assert await writer.prune(middle) == len(ends) - len(kept)
    for seq, order in ends:
        found = reader.order(order.order_id).value
        assert found == (order if seq > middle else None)
    # The projector's own word does it with the next batch; a rebuild does not bring them back.
    raw.set(projected_key(stack_id), prev)
    _, seq, changes = one_batch(stream)
    await writer.write(3, prev, seq, "engine-1", changes)
    assert [reader.order(order_id).value for order_id in kept] == [None] * len(kept)
    await writer.rebuild(stream.engine, 3, "engine-1")
    assert [reader.order(order_id).value for order_id in kept] == [None] * len(kept)
    assert await writer.projected() == prev
    # An open order is never pruned.
    live = [reader.order(order_id).value for order_id in stream.engine.orders]
    assert live == [stream.engine.order_view(order_id) for order_id in stream.engine.orders]


async def test_more_finished_orders_than_are_kept_count_as_history(
    own_redis: RedisServer, raw: redis.Redis, stack_id: str, reader: LiveReader
) -> None:
    """While Postgres is away they pile up: the oldest go, and readers are told from where on all are here."""
    writer = LiveWriter(own_redis.url, stack_id, ended_max=30)
    stream = await begun(writer, seed=56)
    began = stream.engine.seq
    assert reader.head().history_seq == began
    prev, ends = began, []
    for changes in stream.run(600):
        await writer.write(3, prev, stream.engine.seq, "engine-1", changes)
        prev = stream.engine.seq
        ends += [(prev, order.order_id) for order in changes.ended]
    head = reader.head()
    there = {order_id for _, order_id in ends if reader.order(order_id).value is not None}
    assert len(there) == 30
    assert head.history_seq == ends[-31][0]
    surely = {order_id for seq, order_id in ends if seq > head.history_seq}
    assert surely <= there <= {order_id for seq, order_id in ends if seq >= head.history_seq}
    assert reader.orders(1).history_seq == head.history_seq
    await writer.rebuild(stream.engine, 3, "engine-1")
    assert reader.head().history_seq == head.history_seq
    assert surely <= {order_id for _, order_id in ends if reader.order(order_id).value is not None}
    await writer.close()


async def test_a_reader_is_given_so_many_finished_orders_and_told_from_where_on(
    writer: LiveWriter, reader: LiveReader
) -> None:
    stream = await begun(writer, seed=59)
    prev = stream.engine.seq
    order = OrderView(0, 1, "SHFE.rb2601", 1, 0, 0, 0, 3_500, 1, 0, "", False, 0, 1, 0, 1, 0, 0, 1)
    for number in range(ENDED_READ_MAX + 25):
        ended = [replace(order, order_id=prev + 1)]
        await writer.write(3, prev, prev + 1, "engine-1", changes_make(ended=ended))
        if number == ENDED_READ_MAX - 1:
            assert reader.orders(1).history_seq == stream.engine.seq
            assert len(reader.orders(1).value) == ENDED_READ_MAX
        prev += 1
    found = reader.orders(1)
    assert [o.order_id for o in found.value] == list(range(prev - ENDED_READ_MAX + 1, prev + 1))
    assert found.history_seq == prev - ENDED_READ_MAX
    assert reader.head().history_seq == stream.engine.seq


async def test_keys_of_failed_generations_are_swept(
    raw: redis.Redis, stack_id: str, writer: LiveWriter
) -> None:
    stream = await begun(writer)
    head = await writer.head()
    assert head is not None
    current = head.generation
    for name in ("1.dead", "3.beef", "9.later", "stray"):
        raw.hset(f"{generation_prefix(stack_id)}{name}:accounts", "1", "x")
    assert await writer.sweep() == 2
    # A later epoch's is being built by another; what has no epoch is not ours.
    assert generations(raw, stack_id) == {current, "9.later", "stray"}
    assert (await writer.check(stream.engine, 3, "engine-1")) is False

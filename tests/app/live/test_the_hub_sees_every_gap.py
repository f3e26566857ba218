"""Promise P12 in a web process: batches join or the market is read anew; nobody is shown a state with a hole.
Run by pytest on a real Redis of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import redis

from engine import hub as hubs
from engine.changes import changes_of, venue_settings
from engine.core.engine import Engine
from engine.core.events import Event, TimeAdvanced
from engine.door import names
from engine.door.transport import sending_layer
from engine.hub import BatchSeen, Hub, Lost, batch_decode, batch_encode, head_encode
from engine.live import LiveWriter
from engine.messages import WireRefused, fields_pack
from tests.app.live.streams import DEPTH_LEVELS, Stream
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until_async

Message = dict[str, Any]


class Leader:
    """Publishes a stream's batches as the leader does: live state first, then the event message."""

    def __init__(self, server: RedisServer, stack_id: str, writer: LiveWriter, seed: int) -> None:
        self.stream = Stream(seed)
        self.writer = writer
        self.epoch = 1
        self._layer = sending_layer(server.url, stack_id)
        self._group = names.events_group(stack_id)
        self._batches = self.stream.batches(100_000)

    @property
    def engine(self) -> Engine:
        return self.stream.engine

    async def begin(self) -> None:
        self.stream.begin()
        await self.writer.rebuild(self.engine, self.epoch, "engine-1")

    async def batch(self) -> Message:
        """Apply and write the next batch; the message is the caller's to send."""
        commands, time = next(self._batches)
        prev = self.engine.seq
        applied = self.stream.applied(commands, time)
        changes = changes_of(self.engine, applied)
        await self.writer.write(self.epoch, prev, self.engine.seq, "engine-1", changes)
        data = batch_encode(
            epoch=self.epoch, prev_seq=prev, first_seq=prev + 1, last_seq=self.engine.seq, time=time,
            ends=applied.ends, events=applied.events, changes=changes,
        )  # fmt: skip
        return {"type": hubs.BATCH, "data": data}

    def skip(self) -> None:
        """Apply the next batch and tell nobody."""
        commands, time = next(self._batches)
        self.stream.applied(commands, time)

    def head(self) -> Message:
        return {"type": hubs.HEAD, "data": head_encode(self.epoch, self.engine.seq, self.engine.time)}

    async def send(self, message: Message) -> None:
        await self._layer.group_send(self._group, message)

    async def publish(self, count: int) -> None:
        for _ in range(count):
            await self.send(await self.batch())

    async def close(self) -> None:
        await self._layer.flush()


class Watcher:
    """A listener that keeps what it was told, and a market of its own made from it."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.told: list[BatchSeen | Lost] = []
        self.depths: dict[str, Any] = {}
        self.seq = 0
        self.reset()
        self.unsubscribe = hub.subscribe(self)

    def reset(self) -> None:
        """A fresh snapshot, here from the hub itself."""
        self.seq = self.hub.held[1]
        found = [self.hub.depth(view.spec.instrument) for view in self.hub.instruments()]
        self.depths = {depth.instrument: fields_pack(depth) for depth in found if depth is not None}

    def __call__(self, seen: BatchSeen | Lost) -> None:
        self.told.append(seen)
        if isinstance(seen, Lost):
            self.reset()
            return
        assert seen.prev == self.seq, "what a listener is given always joins"
        self.seq = seen.last_seq
        self.depths |= {depth.instrument: fields_pack(depth) for depth in seen.changes.depths}

    @property
    def losses(self) -> list[Lost]:
        return [seen for seen in self.told if isinstance(seen, Lost)]

    def events(self) -> list[tuple[int, Event]]:
        return [pair for seen in self.told if isinstance(seen, BatchSeen) for pair in seen.events]


Begin = Callable[[int], Awaitable[tuple[Leader, Hub, Watcher]]]


@pytest.fixture
async def begin(own_redis: RedisServer, stack_id: str, writer: LiveWriter) -> AsyncIterator[Begin]:
    """A leader, a hub that follows it, and a listener."""
    made: list[Leader | Hub] = []

    async def start(seed: int) -> tuple[Leader, Hub, Watcher]:
        leader = Leader(own_redis, stack_id, writer, seed)
        hub = Hub(own_redis.url, stack_id)
        made.extend((leader, hub))
        await leader.begin()
        await hub.ready()
        return leader, hub, Watcher(hub)

    yield start
    for each in made:
        await each.close()


def is_right(leader: Leader, hub: Hub, watcher: Watcher) -> bool:
    """The hub and its listener stand where the engine stands; then every view must be the engine's."""
    engine = leader.engine
    if hub.held != (leader.epoch, engine.seq) or not hub.is_ready:
        return False
    for name in engine.instruments:
        depth = engine.depth_view(name, DEPTH_LEVELS)
        assert hub.instrument(name) == engine.instrument_view(name)
        assert hub.depth(name) == depth
        assert watcher.depths[name] == fields_pack(depth)
    assert hub.venue() == venue_settings(engine)
    assert watcher.seq == engine.seq
    return True


async def test_every_batch_arrives_once_in_order(begin: Begin) -> None:
    leader, hub, watcher = await begin(71)
    first = leader.engine.seq
    await leader.publish(60)
    await wait_until_async(lambda: is_right(leader, hub, watcher))
    assert watcher.losses == []
    # Every command has at least its answer, in sequence.
    seqs = [seq for seq, _ in watcher.events()]
    assert seqs == sorted(seqs)
    assert set(seqs) == set(range(first + 1, leader.engine.seq + 1))
    watcher.unsubscribe()
    await leader.publish(2)
    await wait_until_async(lambda: hub.held[1] == leader.engine.seq)
    assert [seq for seq, _ in watcher.events()] == seqs


async def test_drops_repeats_and_reorders_heal(begin: Begin) -> None:
    """A bad wire between leader and web process: the listener's copy is right again without being asked."""
    leader, hub, watcher = await begin(72)
    await leader.batch()  # dropped
    await leader.publish(3)
    await wait_until_async(lambda: is_right(leader, hub, watcher))
    assert len(watcher.losses) == 1
    repeated = await leader.batch()
    await leader.send(repeated)
    await leader.send(repeated)
    await leader.publish(1)
    await wait_until_async(lambda: is_right(leader, hub, watcher))
    assert len(watcher.losses) == 1
    earlier, later = await leader.batch(), await leader.batch()
    await leader.send(later)
    await leader.send(earlier)
    await leader.publish(4)
    await wait_until_async(lambda: is_right(leader, hub, watcher))
    assert len(watcher.losses) == 2
    # What follows a loss joins where the loss said the market stands.
    for place, seen in enumerate(watcher.told[:-1]):
        after = watcher.told[place + 1]
        if isinstance(seen, Lost) and isinstance(after, BatchSeen):
            assert after.prev == seen.seq


async def test_a_last_batch_that_is_lost_is_seen_by_the_announcements(begin: Begin) -> None:
    leader, hub, watcher = await begin(73)
    await leader.batch()  # dropped, and nothing follows
    await leader.send(leader.head())
    await wait_until_async(lambda: hub.head() is not None)
    # One announcement may overtake its batch; the second says that it was lost.
    assert watcher.losses == []
    heard = hub.head()
    assert heard is not None
    assert (heard.epoch, heard.seq) == (1, leader.engine.seq)
    assert 0 <= heard.age_s < 10
    await leader.send(leader.head())
    await wait_until_async(lambda: is_right(leader, hub, watcher))
    assert len(watcher.losses) == 1


async def test_an_announcement_that_overtakes_its_batch_is_no_gap(begin: Begin) -> None:
    leader, hub, watcher = await begin(74)
    for _ in range(5):
        message = await leader.batch()
        await leader.send(leader.head())
        await leader.send(message)
    await wait_until_async(lambda: is_right(leader, hub, watcher))
    assert watcher.losses == []


async def test_a_new_leader_whose_batches_join_is_no_loss(begin: Begin) -> None:
    leader, hub, watcher = await begin(75)
    await leader.publish(2)
    leader.epoch = 2
    assert await leader.writer.takeover(leader.engine, 2, "engine-1", lambda seq: None)
    await leader.publish(2)
    await wait_until_async(lambda: is_right(leader, hub, watcher))
    assert watcher.losses == []
    assert [seen.epoch for seen in watcher.told if isinstance(seen, BatchSeen)] == [1, 1, 2, 2]


async def test_a_new_leader_is_known_before_its_first_batch(begin: Begin) -> None:
    """Who reads live state at the new epoch must not wait for the market to move."""
    leader, hub, watcher = await begin(82)
    await leader.publish(1)
    leader.epoch = 2
    await leader.writer.takeover(leader.engine, 2, "engine-1", lambda seq: None)
    await leader.send(leader.head())
    await wait_until_async(lambda: is_right(leader, hub, watcher))
    await leader.publish(1)
    await wait_until_async(lambda: is_right(leader, hub, watcher))
    assert watcher.losses == []


async def test_two_web_processes_see_the_same_through_a_leader_change(
    begin: Begin, own_redis: RedisServer, stack_id: str
) -> None:
    """One of them misses a batch, and then a leader change; both end where the engine is."""
    leader, hub, watcher = await begin(83)
    other = Hub(own_redis.url, stack_id)
    await other.ready()
    second = Watcher(other)
    await leader.publish(10)
    await wait_until_async(lambda: is_right(leader, hub, watcher) and is_right(leader, other, second))
    missed = await leader.batch()
    hub.hear(missed)
    leader.epoch = 2
    await leader.writer.takeover(leader.engine, 2, "engine-1", lambda seq: None)
    await leader.publish(10)
    await wait_until_async(lambda: is_right(leader, hub, watcher) and is_right(leader, other, second))
    assert (len(watcher.losses), len(second.losses)) == (0, 1)
    assert watcher.depths == second.depths
    await other.close()


async def test_a_new_leader_after_a_gap_is_a_loss(begin: Begin) -> None:
    leader, hub, watcher = await begin(76)
    await leader.publish(1)
    await leader.batch()  # the old leader died before it published
    leader.epoch = 2
    await leader.writer.takeover(leader.engine, 2, "engine-1", lambda seq: None)
    await leader.publish(1)
    await wait_until_async(lambda: is_right(leader, hub, watcher))
    assert [loss.epoch for loss in watcher.losses] == [2]


async def test_while_live_state_is_rebuilt_the_hub_waits(begin: Begin, raw: redis.Redis) -> None:
    leader, hub, watcher = await begin(77)
    raw.flushall()
    await leader.send({"type": hubs.BATCH, "data": b"\xc1 no message"})
    await wait_until_async(lambda: not hub.is_ready)
    assert watcher.told == []
    await leader.writer.rebuild(leader.engine, 1, "engine-1")
    await leader.publish(3)
    await wait_until_async(lambda: is_right(leader, hub, watcher))
    assert len(watcher.losses) == 1


async def test_a_killed_redis_costs_a_reload_and_nothing_else(begin: Begin, own_redis: RedisServer) -> None:
    leader, hub, watcher = await begin(78)
    await leader.publish(2)
    await wait_until_async(lambda: is_right(leader, hub, watcher))
    own_redis.kill()
    leader.skip()  # applied while Redis was away: nobody was told
    own_redis.start()
    await leader.writer.rebuild(leader.engine, 1, "engine-1")

    await leader.publish(1)

    async def right_again() -> bool:
        await leader.send(leader.head())  # as the leader does every 200 ms
        return is_right(leader, hub, watcher)

    await wait_until_async(right_again)
    assert len(watcher.losses) >= 1


async def test_a_listener_that_fails_does_not_silence_the_others(begin: Begin) -> None:
    leader, hub, watcher = await begin(79)

    def broken(seen: BatchSeen | Lost) -> None:
        raise RuntimeError("a defect")

    hub.subscribe(broken)
    other = Watcher(hub)
    await leader.publish(3)
    await wait_until_async(lambda: is_right(leader, hub, watcher) and is_right(leader, hub, other))


async def test_one_hub_an_event_loop(own_redis: RedisServer, stack_id: str, writer: LiveWriter) -> None:
    stream = Stream(80)
    stream.begin()
    await writer.rebuild(stream.engine, 1, "engine-1")
    hubs.configure(own_redis.url, stack_id)
    found = hubs.hub()
    assert hubs.hub() is found
    await found.ready()
    assert found.held == (1, stream.engine.seq)
    await found.close()


def test_the_event_message_comes_back_as_it_was() -> None:
    stream = Stream(81)
    stream.begin()
    commands, time = next(stream.batches(50))
    applied = stream.applied(commands, time)
    changes = changes_of(stream.engine, applied)
    data = batch_encode(
        epoch=5, prev_seq=10, first_seq=11, last_seq=10 + len(commands), time=time,
        ends=applied.ends, events=applied.events, changes=changes,
    )  # fmt: skip
    seen = batch_decode(data)
    assert (seen.epoch, seen.prev, seen.first_seq, seen.last_seq) == (5, 10, 11, 10 + len(commands))
    assert [event for _, event in seen.events] == applied.events
    assert seen.changes.accounts == changes.accounts
    by_command = [[event for seq, event in seen.events if seq == 11 + i] for i in range(len(commands))]
    assert by_command == [applied.of(i) for i in range(len(commands))]
    for wrong in (b"", b"\x90", data[:-1], b"\x99" + data[1:]):
        if wrong != data:
            with pytest.raises(WireRefused):
                batch_decode(wrong)


def test_a_batch_of_nothing_is_a_batch() -> None:
    engine = Engine()
    applied = engine.apply([None], 1, 1)
    assert not changes_of(engine, applied)
    assert not isinstance(applied.events[0], TimeAdvanced)

"""DESIGN §8: Redis killed, restarted empty, wiped or frozen. The leader keeps its state, comes back by itself and
rebuilds live state; nobody reads a wrong answer meanwhile, and nothing acknowledged is lost."""

import asyncio
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_package

from engine.core import terms
from engine.core.codes import Code
from engine.core.views import AccountView
from engine.door.client import Door
from engine.live import LiveReader, LiveRebuilding
from engine.replies import DoorError, Reply
from tests.support.servers import RedisServer, redis_server
from tests.support.venue import Venue, order
from tests.support.waiting import wait_until

# The door resends for its whole time, so a command that outlives the outage is answered.
LONG_S = 10.0


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def served(tmp_path: Path, own_redis: RedisServer) -> Iterator[Venue]:
    venue = Venue(tmp_path, own_redis.url, "redis-away")
    venue.open_day()
    venue.open_account(1)
    venue.serve()
    yield venue
    venue.close()


def account_read(reader: LiveReader) -> AccountView | None:
    """Account 1 as live state shows it, or None while there is no right answer."""
    try:
        return reader.account(1).value
    except LiveRebuilding:
        return None


def test_a_killed_redis_comes_back_empty_and_everything_resumes(
    served: Venue, own_redis: RedisServer
) -> None:
    door = served.door
    before = door.call_sync(order(1, terms.BUY, 19_000, 1, "before"))
    seq = served.engine.seq
    own_redis.kill()
    wait_until(lambda: not door.is_leader_heard)
    with pytest.raises(DoorError) as caught:
        door.call_sync(order(1, terms.BUY, 19_000, 1, "meanwhile"))
    assert caught.value.code == Code.NO_LEADER
    assert served.engine.seq == seq
    own_redis.start()
    started = time.monotonic()
    wait_until(lambda: door.is_leader_heard)
    assert time.monotonic() - started < 1.5
    after = door.call_sync(order(1, terms.BUY, 19_000, 1, "after"))
    assert after.seq == before.seq + 1
    reader = LiveReader(own_redis.url, served.stack_id)
    view = wait_until(lambda: account_read(reader), what="live state is back")
    assert view is not None
    assert view.open_orders == 2
    assert view == served.engine.account_view(1)


def test_a_command_under_way_when_redis_dies_has_one_effect(served: Venue, own_redis: RedisServer) -> None:
    """Its answer, or it, is lost with Redis; the door sends it again and it is there once."""
    door = Door(own_redis.url, served.stack_id)
    wait_until(lambda: door.is_leader_heard)
    first = door.call_many_sync([order(1, terms.BUY, 18_000, 1, f"a-{i}") for i in range(10)], LONG_S)
    assert all(isinstance(outcome, Reply) for outcome in first)
    own_redis.process.send_signal(signal.SIGSTOP)
    outcomes = served.run(_kill_while_calling(door, own_redis))
    assert [type(outcome) for outcome in outcomes] == [Reply] * 10
    ids = sorted(held.client_order_id for held in served.engine.orders.values())
    assert ids == sorted([f"a-{i}" for i in range(10)] + [f"b-{i}" for i in range(10)])
    door.close()


async def _kill_while_calling(door: Door, redis: RedisServer) -> list[object]:
    commands = [order(1, terms.BUY, 18_000, 1, f"b-{i}") for i in range(10)]
    calling = asyncio.create_task(door.call_many(commands, int(LONG_S * 1000)))
    await asyncio.sleep(0)
    redis.kill()
    await asyncio.to_thread(redis.start)
    return list(await calling)


def test_a_wiped_redis_is_rebuilt_without_any_trading(served: Venue, own_redis: RedisServer) -> None:
    served.door.call_sync(order(1, terms.BUY, 19_000, 1, "rests"))
    reader = LiveReader(own_redis.url, served.stack_id)
    assert account_read(reader) == served.engine.account_view(1)
    with redis_package.Redis.from_url(own_redis.url) as client:
        client.flushall()
    view = wait_until(lambda: account_read(reader), timeout_s=2, what="live state is back")
    assert view == served.engine.account_view(1)
    assert [held.client_order_id for held in reader.orders(1).value] == ["rests"]


def test_a_frozen_redis_answers_nothing_false_and_goes_on(served: Venue, own_redis: RedisServer) -> None:
    door = served.door
    door.call_sync(order(1, terms.BUY, 19_000, 1, "before"))
    own_redis.process.send_signal(signal.SIGSTOP)
    outcomes = door.call_many_sync([order(1, terms.BUY, 19_000, 1, "frozen")], 0.3)
    assert isinstance(outcomes[0], DoorError)
    assert outcomes[0].code in (Code.OUTCOME_UNKNOWN, Code.NO_LEADER)
    own_redis.process.send_signal(signal.SIGCONT)
    wait_until(lambda: door.is_leader_heard)
    reply = door.call_sync(order(1, terms.BUY, 19_000, 1, "after"), LONG_S)
    assert reply.ok
    reader = LiveReader(own_redis.url, served.stack_id)
    assert wait_until(lambda: account_read(reader)) == served.engine.account_view(1)

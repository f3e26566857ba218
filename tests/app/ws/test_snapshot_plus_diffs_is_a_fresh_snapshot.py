"""Every stream: an old snapshot and the pushes since are a fresh snapshot; a gap is seen and heals (P12)."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from engine.core import commands as c
from engine.core import terms
from engine.hub import hub
from tests.support.floor import Floor, Trader
from tests.support.readers import Readers
from tests.support.sockets import Socket
from tests.support.venue import IF, OPERATOR
from tests.support.waiting import wait_until_async

CHANNELS = ["orderbook", "ticker", "trades", "account", "position", "order", "trade"]
STATEFUL = ("orderbook", "ticker", "account", "position", "order")


async def subscribe(socket: Socket, **fields: Any) -> dict[str, Any]:
    return await socket.ask(type="subscribe", channels=CHANNELS, instruments=["IF2512", "BTC_USDT"], **fields)


async def trade_at_random(floor: Floor, sockets: dict[str, Socket], rng: random.Random, steps: int) -> None:
    """Both traders submit and cancel around 3800, so that much rests, much trades and some is cancelled."""
    mine: dict[str, list[str]] = {name: [] for name in sockets}
    for _ in range(steps):
        name = rng.choice(sorted(sockets))
        if mine[name] and rng.random() < 0.3:
            order_id = mine[name].pop(rng.randrange(len(mine[name])))
            await sockets[name].ask(type="cancel_order", order_id=order_id)
            continue
        fields: dict[str, Any] = {
            "direction": rng.choice(["BUY", "SELL"]),
            "price": f"{3800 + rng.randint(-25, 25) / 5:.1f}",
            "volume": rng.randint(1, 3),
        }
        answer = await sockets[name].ask(type="submit_order", **floor.order(**fields))
        if answer["success"]:
            mine[name].append(answer["order_id"])


async def traders(floor: Floor, connect: Any) -> dict[str, Socket]:
    return {"alice": await connect(floor.alice.person), "bob": await connect(floor.bob.person)}


async def drain(socket: Socket, readers: Readers) -> None:
    """Take everything up to what the engine has done: a ping's answer comes after the snapshots, but pushes
    are paced, so wait for the hub and then until nothing is left."""
    while socket.waiting or not socket._from_server.empty():
        if not readers.take(await socket.next()):
            await socket.ask(type="resync", streams=sorted(set(readers.gaps)))
            readers.gaps.clear()


async def fresh(connect: Any, trader: Trader, **fields: Any) -> Readers:
    """What a reader that begins now holds."""
    socket, readers = await connect(trader.person), Readers()
    answer = await subscribe(socket, **fields)
    await caught_up(socket, readers, len(answer["streams"]))
    return readers


async def caught_up(socket: Socket, readers: Readers, streams: int) -> None:
    """Every stream has begun."""

    async def begun() -> bool:
        await drain(socket, readers)
        return len(readers.streams) == streams

    await wait_until_async(begun, what="every stream has begun")


def state(readers: Readers) -> dict[str, Any]:
    return {name: r.held for name, r in readers.streams.items() if name.split(".")[0] in STATEFUL}


async def assert_equal_in_the_end(
    floor: Floor, connect: Any, trader: Trader, socket: Socket, readers: Readers, **fields: Any
) -> None:
    """The old reader comes to hold what a new one is given."""
    await wait_until_async(lambda: hub().held[1] == floor.engine.seq, 60, what="the hub heard everything")
    wanted = state(await fresh(connect, trader, **fields))

    async def same() -> bool:
        await drain(socket, readers)
        return state(readers) == wanted

    await wait_until_async(same, 60, what="old snapshot + pushes == new snapshot")


@pytest.mark.parametrize("grouped", [False, True])
async def test_old_snapshot_and_pushes_equal_a_new_snapshot(
    floor: Floor, connect: Any, grouped: bool
) -> None:
    sockets = await traders(floor, connect)
    await trade_at_random(floor, sockets, random.Random(1), 40)
    watcher, readers = await connect(floor.alice.person), Readers()
    await subscribe(watcher, grouped=grouped)
    await trade_at_random(floor, sockets, random.Random(2), 120)
    await assert_equal_in_the_end(floor, connect, floor.alice, watcher, readers, grouped=grouped)
    assert readers.gaps == []
    assert len(readers.streams[f"trade.{floor.alice.account}"].held) > 0
    assert len(readers.streams["trades.CFFEX.IF2512"].held) > 0


async def test_the_pushes_say_what_the_engine_holds(floor: Floor, connect: Any) -> None:
    sockets = await traders(floor, connect)
    readers = Readers()
    watcher = await connect(floor.bob.person)
    await subscribe(watcher)
    await trade_at_random(floor, sockets, random.Random(3), 60)
    await assert_equal_in_the_end(floor, connect, floor.bob, watcher, readers)
    depth = floor.engine.depth_view(IF.instrument, 20)
    book = readers.streams["orderbook.CFFEX.IF2512"].held
    assert sorted(volume for (side, _), (volume, _) in book.items() if side == "bids") == sorted(
        level.volume for level in depth.bids
    )
    mine = [o for o in floor.engine.orders.values() if o.account.account_id == floor.bob.account_id]
    assert {str(o.order_id) for o in mine} == set(readers.streams[f"order.{floor.bob.account}"].held)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_lossy_way_is_noticed_and_heals(floor: Floor, connect: Any, seed: int) -> None:
    """A proxy between server and reader drops, repeats and reorders; the reader asks for snapshots at gaps."""
    sockets = await traders(floor, connect)
    watcher, readers = await connect(floor.alice.person), Readers()
    await caught_up(watcher, readers, len((await subscribe(watcher))["streams"]))
    rng = random.Random(seed)
    spoil(watcher, rng)
    await trade_at_random(floor, sockets, rng, 120)
    watcher.spoiled = lambda event: [event]
    await trade_once(floor, sockets)  # a last push on every stream shows what was lost before it
    await assert_equal_in_the_end(floor, connect, floor.alice, watcher, readers)
    assert readers.gap_count > 0


async def trade_once(floor: Floor, sockets: dict[str, Socket]) -> None:
    """One trade and one resting order, at prices that surely do it."""
    await sockets["bob"].ask(type="submit_order", **floor.order(direction="SELL", price="3830.0"))
    await sockets["alice"].ask(
        type="submit_order", **floor.order(price="3830.0", volume=100, time_in_force="IOC")
    )
    await sockets["alice"].ask(type="submit_order", **floor.order(price="3700.0"))


def spoil(socket: Socket, rng: random.Random) -> None:
    held: list[dict[str, Any]] = []

    def spoiled(event: dict[str, Any]) -> list[dict[str, Any]]:
        if '"stream"' not in event.get("text", "") or rng.random() < 0.6:
            out = [event, *held]
            held.clear()
            return out
        what = rng.choice(["drop", "repeat", "later"])
        if what == "later":
            held.append(event)
            return []
        return [] if what == "drop" else [event, event]

    socket.spoiled = spoiled


async def test_a_gap_in_the_pushes_is_seen_by_the_reader(floor: Floor, connect: Any) -> None:
    sockets = await traders(floor, connect)
    watcher, readers = await connect(floor.alice.person), Readers()
    await watcher.ask(type="subscribe", channels=["order"])
    assert readers.take(await watcher.push("order_status"))
    for price in (3790, 3791, 3792):
        await sockets["alice"].ask(type="submit_order", **floor.order(price=price))
    first, lost, third = [await watcher.push("order_status") for _ in range(3)]
    assert readers.take(first)
    assert (lost["prev"], third["prev"]) == (first["seq"], lost["seq"])
    assert not readers.take(third)


async def test_batches_the_process_missed_lead_to_snapshots_that_say_so(floor: Floor, connect: Any) -> None:
    watcher, readers = await connect(floor.alice.person), Readers()
    await subscribe(watcher)
    await caught_up(watcher, readers, 10)
    hub()._lose("a test says so")
    seen: set[str] = set()
    while len(seen) < 10:
        push = await watcher.next()
        if push["snapshot"]:
            assert (push["prev"], push["reason"]) == (None, "gap")
            seen.add(push["stream"])


async def test_a_change_of_leader_keeps_the_streams_whole(floor: Floor, connect: Any) -> None:
    sockets = await traders(floor, connect)
    watcher, readers = await connect(floor.alice.person), Readers()
    await subscribe(watcher)
    await trade_at_random(floor, sockets, random.Random(5), 30)
    await asyncio.to_thread(floor.venue.restart)
    await trade_at_random(floor, sockets, random.Random(6), 30)
    await assert_equal_in_the_end(floor, connect, floor.alice, watcher, readers)
    assert readers.streams["orderbook.CFFEX.IF2512"].held


async def test_an_order_book_push_never_exceeds_the_levels_asked_for(floor: Floor, connect: Any) -> None:
    socket, readers = await connect(floor.alice.person), Readers()
    await socket.ask(type="subscribe", channels=["orderbook"], instruments=["IF2512"], depth=2)
    for price in (3790, 3791, 3792, 3793):
        await socket.ask(type="submit_order", **floor.order(price=price))

    async def two_best() -> bool:
        await drain(socket, readers)
        reader = readers.streams.get("orderbook.CFFEX.IF2512")
        return reader is not None and {key[1] for key in reader.held} == {3793, 3792}

    await wait_until_async(two_best, what="the two best levels")


async def test_a_suspension_reaches_the_ticker(floor: Floor, connect: Any) -> None:
    socket = await connect(floor.alice.person)
    await socket.ask(type="subscribe", channels=["ticker"], instruments=["IF2512"])
    assert (await socket.push("ticker"))["status"] == "trading"
    command = c.InstrumentStateSet(terms.VENUE, OPERATOR, IF.instrument, terms.SUSPENDED)
    await asyncio.to_thread(floor.venue.do, command)
    push = await socket.push("ticker")
    assert (push["status"], push["snapshot"]) == ("suspended", False)


async def test_what_may_be_withdrawn_follows_the_venues_settings_and_day(floor: Floor, connect: Any) -> None:
    sockets = await traders(floor, connect)
    await trade_once(floor, sockets)
    watcher, readers = await connect(floor.alice.person), Readers()
    await watcher.ask(type="subscribe", channels=["account"])
    await caught_up(watcher, readers, 1)
    held_name = f"account.{floor.alice.account}"
    quota = readers.streams[held_name].held["withdraw_quota"]

    async def told(command: c.Command) -> Any:
        await asyncio.to_thread(floor.venue.do, command)
        readers.take(await watcher.push("account_update"))
        held = readers.streams[held_name].held
        assert held == (await fresh(connect, floor.alice)).streams[held_name].held
        return held["withdraw_quota"]

    assert 0 < await told(c.VenueSet(terms.VENUE, OPERATOR, "risk_open_max", 500_000_000)) < quota
    assert await told(c.DayStep(terms.VENUE, OPERATOR, 1, terms.STEP_CLOSED, 0)) == 0

"""Redis is emptied under a running venue: sockets stay open, get snapshots, and trade on (DESIGN.md §8)."""

from typing import Any

import redis as redis_package

from engine.hub import hub
from tests.support.floor import Floor
from tests.support.readers import Readers
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until_async


async def test_sockets_survive_a_wiped_redis(floor: Floor, connect: Any, redis_empty: RedisServer) -> None:
    alice, watcher, readers = await connect(floor.alice.person), await connect(floor.bob.person), Readers()
    await watcher.ask(type="subscribe", channels=["orderbook"], instruments=["IF2512"])
    assert (await alice.ask(type="submit_order", **floor.order(price=3790)))["success"]
    with redis_package.Redis.from_url(redis_empty.url) as client:
        client.flushall()
    assert (await alice.ask(type="submit_order", **floor.order(price=3791)))["success"]
    await wait_until_async(lambda: hub().held[1] == floor.engine.seq, what="the hub heard everything")

    async def both() -> bool:
        while watcher.waiting or not watcher._from_server.empty():
            readers.take(await watcher.next())
        held = readers.streams["orderbook.CFFEX.IF2512"].held if readers.streams else {}
        return {price for _, price in held} == {3790, 3791}

    await wait_until_async(both, what="both orders are in the book")
    fresh, again = await connect(floor.alice.person), Readers()
    await fresh.ask(type="subscribe", channels=["order"])
    assert again.take(await fresh.push("order_status"))
    assert len(again.streams[f"order.{floor.alice.account}"].held) == 2

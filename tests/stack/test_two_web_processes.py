"""Two web processes and a leader that is killed: whoever watches through either comes to hold the same (P12).
Run by pytest, stack tier; the second web process is started beside the shared stack."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from exchange.stack.child import die_with
from exchange.stack.ports import private_port
from tests.support.clients import Watcher, ask, call, logged_in, watcher
from tests.support.stack import BASE_DIR, RunningStack
from tests.support.waiting import wait_until, wait_until_async

CHANNELS = ("orderbook", "ticker", "account", "position", "order")
STEPS = 60


@pytest.fixture
def second_web(stack: RunningStack) -> Iterator[str]:
    """Another web process of the same venue; its address."""
    port = private_port()
    environ = stack.environ | stack.run["environment"] | {"OUTCRY_PROCESS": "web-2"}
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "exchange.asgi:application", "--host", "127.0.0.1",
         "--port", str(port), "--lifespan", "off", "--log-level", "warning"],
        cwd=BASE_DIR, env=environ, stdin=subprocess.DEVNULL, preexec_fn=die_with(os.getpid(), signal.SIGKILL),
    )  # fmt: skip
    web = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(web), 30, "the second web process answers")
        yield web
    finally:
        process.terminate()
        process.wait(20)


def answers(web: str) -> bool:
    try:
        return ask(web, "GET", "/health")[0] == 200
    except OSError:
        return False


def leader_of(stack: RunningStack) -> str:
    """The engine process that leads; "" while none says so."""
    for name in ("engine-1", "engine-2"):
        path = stack.data / "run" / f"{name}.ready"
        if path.exists() and json.loads(path.read_text("utf-8"))["role"] == "leader":
            return name
    return ""


class Trading:
    """Two traders who submit and cancel at random around one price, each through a web process of his own."""

    def __init__(self, people: list[tuple[Watcher, str]], instrument: Any, seed: int) -> None:
        self._people = people
        self._instrument = instrument["instrument_id"]
        self._tick = instrument["tick_size"]
        self._price = instrument["pre_settlement"]
        self._random = random.Random(seed)
        self._mine: dict[int, list[str]] = {0: [], 1: []}
        self.accepted = 0

    async def step(self) -> None:
        who = self._random.randrange(2)
        socket, account_id = self._people[who]
        if self._mine[who] and self._random.random() < 0.3:
            order_id = self._mine[who].pop(self._random.randrange(len(self._mine[who])))
            await socket.ask(type="cancel_order", account_id=account_id, order_id=order_id)
            return
        answer = await socket.ask(
            type="submit_order", account_id=account_id, instrument_id=self._instrument,
            direction=self._random.choice(["BUY", "SELL"]), offset="OPEN",
            price=self._price + self._tick * self._random.randint(-5, 5), volume=self._random.randint(1, 3),
        )  # fmt: skip
        if answer["success"]:
            self.accepted += 1
            self._mine[who].append(answer["order_id"])

    async def steps(self, count: int) -> None:
        for _ in range(count):
            await self.step()

    async def goes_on(self) -> bool:
        """True when an order was accepted just now."""
        before = self.accepted
        await self.step()
        return self.accepted > before


async def test_both_hold_the_same_after_the_leader_was_killed(stack: RunningStack, second_web: str) -> None:
    webs = [stack.web, second_web]
    logins = [logged_in(stack, name) for name in ("alice", "bob")]
    rows = call(stack.web, "GET", "/api/market/instruments", token=logins[0]["token"])
    instrument = next(row for row in rows if row["product_id"] == "rb")
    watching = {
        "type": "subscribe",
        "channels": list(CHANNELS),
        "instruments": [instrument["instrument_id"]],
    }

    async def fresh(web: str, token: str) -> dict[str, Any]:
        async with watcher(web, token) as new:
            count = len((await new.ask(**watching))["streams"])

            async def begun() -> bool:
                return len(await new.drain(CHANNELS)) == count

            await wait_until_async(begun, what="every stream has begun")
            return await new.drain(CHANNELS)

    # alice watches through both, and trades through the first; bob trades through the second.
    async with (
        watcher(webs[0], logins[0]["token"]) as one,
        watcher(webs[1], logins[0]["token"]) as two,
        watcher(webs[1], logins[1]["token"]) as bob,
    ):
        for each in (one, two):
            assert (await each.ask(**watching))["success"] is True
        people = [(one, logins[0]["account_ids"][0]), (bob, logins[1]["account_ids"][0])]
        trading = Trading(people, instrument, seed=12)
        await trading.steps(STEPS)
        name = leader_of(stack)
        dead = stack.kill(name)
        await wait_until_async(trading.goes_on, 15, "orders are taken again")
        await trading.steps(STEPS)
        assert leader_of(stack) != name

        async def all_the_same() -> bool:
            wanted = await fresh(webs[0], logins[0]["token"])
            held = [await each.drain(CHANNELS) for each in (one, two)]
            return wanted == await fresh(webs[1], logins[0]["token"]) == held[0] == held[1]

        await wait_until_async(all_the_same, 15, "old snapshots + pushes == fresh snapshots, on both")
        assert any(held for held in (await one.drain(("orderbook",))).values())
        stack.wait_back(name, dead)
    wait_until(lambda: ask(stack.web, "GET", "/ready")[0] == 200, 20, "the venue is whole again")

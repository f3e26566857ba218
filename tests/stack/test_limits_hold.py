"""Whatever a program sends, the web answers with a refusal, keeps its memory and serves the others (S7, P20).
Run by pytest, stack tier, against the real web process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import select
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

from engine.core.codes import Code
from tests.support.clients import ask, call, logged_in, watcher
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until_async

GROWTH_MAX = 60 * 2**20
BODY_MAX = 256 * 1024
ENDLESS = 32 * 2**20
SAMPLES = 200
# Of a whole order, on the machine that runs everything at once; a queue behind the other would be far longer.
P99_MAX_S = 0.25


def resident(pid: int) -> int:
    """Bytes of a process in memory."""
    line = next(
        line
        for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
        if line.startswith("VmRSS")
    )
    return int(line.split()[1]) * 1024


VALUES: list[Any] = [
    None, True, 0, -1, 10**17, "", "x", "x" * 5_000, "\u5355", "1e400", "NaN", [], {}, [[[]]], {"a": {"b": []}}, 1.5,
]  # fmt: skip


def bodies(rng: random.Random) -> bytes:
    """A body of one of the kinds that break servers."""
    fields = [
        "account_id",
        "instrument_id",
        "direction",
        "price",
        "volume",
        "orders",
        "order_id",
        "amount",
        "user_id",
    ]
    kind = rng.randrange(6)
    if kind == 0:
        return json.dumps({name: rng.choice(VALUES) for name in rng.sample(fields, 5)}).encode()
    if kind == 1:
        return b"[" * rng.randrange(BODY_MAX)
    if kind == 2:
        return b'{"x":"' + b"y" * rng.randrange(BODY_MAX) + b'"}'
    if kind == 3:
        return rng.randbytes(rng.randrange(2_000))
    if kind == 4:
        return b"x" * (BODY_MAX + rng.randrange(BODY_MAX))
    return b"[" * 17 + b'"' + b'\\"' * rng.randrange(BODY_MAX // 2 - 10)


def paths(stack: RunningStack) -> list[tuple[str, str]]:
    """Every operation of the schema, with ids filled in."""
    schema = json.loads(ask(stack.web, "GET", "/api/schema")[1])
    return [
        (method.upper(), path.replace("{", "1").replace("}", ""))
        for path, operations in sorted(schema["paths"].items())
        for method in operations
        if path != "/api/auth/logout"
    ]


def test_no_body_breaks_the_web_or_stays_in_its_memory(stack: RunningStack) -> None:
    rng = random.Random(7)
    token = logged_in(stack, "alice")["token"]
    routes = [route for route in paths(stack) if "password" not in route[1]]

    def one_round() -> None:
        for method, path in routes:
            status, answer = ask(stack.web, method, path, bodies(rng), token)
            assert status < 500, (method, path, status, answer[:500])
            if path.startswith("/api/") and status >= 400:
                assert answer.startswith(b'{"success":false,'), (method, path, status, answer[:200])
            assert len(answer) < BODY_MAX

    pid = stack.pids["web"]
    one_round()
    before = resident(pid)
    for _ in range(8):
        one_round()
    assert resident(pid) < before + GROWTH_MAX
    assert stack.pids["web"] == pid


@pytest.mark.parametrize("head", ["Transfer-Encoding: chunked", f"Content-Length: {ENDLESS}"])
@pytest.mark.parametrize("path", ["/api/order/submit", "/api/auth/login", "/login", "/nowhere"])
def test_an_endless_body_is_refused_while_it_comes(stack: RunningStack, head: str, path: str) -> None:
    where = urlsplit(stack.web)
    piece = b"x" * 65_536
    chunk = b"10000\r\n" + piece + b"\r\n" if "chunked" in head else piece
    with socket.create_connection((where.hostname, where.port or 80), timeout=20) as raw:
        raw.sendall(f"POST {path} HTTP/1.1\r\nHost: {where.netloc}\r\n{head}\r\n\r\n".encode())
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < ENDLESS and not select.select([raw], [], [], 0)[0]:
                raw.sendall(chunk)
                sent += len(piece)
        assert sent < ENDLESS
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "begin", [b"GET /", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ", b"GET /health HTTP/1.1\r\n"]
)
def test_an_endless_head_is_refused_while_it_comes(stack: RunningStack, begin: bytes) -> None:
    where = urlsplit(stack.web)
    piece = b"X: y\r\n" * 10_000 if begin.endswith(b"\n") else b"x" * 60_000
    with socket.create_connection((where.hostname, where.port or 80), timeout=20) as raw:
        raw.sendall(begin)
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < ENDLESS and not select.select([raw], [], [], 0)[0]:
                raw.sendall(piece)
                sent += len(piece)
    assert sent < ENDLESS


async def test_no_frame_stays_in_the_memory_of_the_web(stack: RunningStack) -> None:
    rng = random.Random(8)
    token = logged_in(stack, "alice")["token"]
    pid = stack.pids["web"]

    async def one_socket() -> None:
        async with watcher(stack.web, token) as client:
            await client.ask(
                type="subscribe", channels=["orderbook", "ticker", "trades"], instruments=["BTC_USDT"]
            )
            with contextlib.suppress(ConnectionClosed):
                for _ in range(12):
                    await client.socket.send(bodies(rng).decode("latin-1")[: BODY_MAX // 2])
                await client.ask(type="ping")

    await asyncio.gather(*(one_socket() for _ in range(4)))
    before = resident(pid)
    for _ in range(5):
        await asyncio.gather(*(one_socket() for _ in range(4)))
    assert resident(pid) < before + GROWTH_MAX
    assert stack.pids["web"] == pid


async def test_one_throttled_user_does_not_slow_another(stack: RunningStack) -> None:
    alice, bob = logged_in(stack, "alice"), logged_in(stack, "bob")
    rows = call(stack.web, "GET", "/api/market/instruments", token=bob["token"])
    instrument = next(row for row in rows if row["product_id"] == "rb")
    order = {
        "type": "submit_order", "instrument_id": instrument["instrument_id"], "direction": "BUY",
        "offset": "OPEN", "price": instrument["lower_limit"], "volume": 1, "account_id": bob["account_ids"][0],
        "time_in_force": "IOC",
    }  # fmt: skip
    refused = 0

    async def flood() -> None:
        nonlocal refused
        async with watcher(stack.web, alice["token"]) as flooding:
            while True:
                answer = await flooding.ask(type="query_account")
                refused += answer.get("code") == Code.THROTTLED

    async def p99() -> float:
        async with watcher(stack.web, bob["token"]) as mine:
            took = []
            for _ in range(SAMPLES):
                began = time.monotonic()
                answer = await mine.ask(**order)
                took.append(time.monotonic() - began)
                assert answer["success"] is True, answer
            return sorted(took)[SAMPLES * 99 // 100]

    quiet = await p99()
    floods = [asyncio.create_task(flood()) for _ in range(3)]
    await wait_until_async(lambda: refused > 0, what="the flood is throttled")
    flooded = await p99()
    for task in floods:
        task.cancel()
    await asyncio.gather(*floods, return_exceptions=True)
    assert refused > SAMPLES
    assert flooded < max(P99_MAX_S, 3 * quiet), (quiet, flooded)

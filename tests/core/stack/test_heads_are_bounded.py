"""The web server bounds a request's head in bytes and in seconds, and nothing else (S7).
Run by pytest, core tier, against uvicorn on a free port."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from uvicorn import Config, Server

from exchange import http_protocol
from exchange.http_protocol import BoundedHttp
from exchange.stack.ports import private_port

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers with how much came; slowly when asked to."""
    length, more = 0, True
    while more:
        message = await receive()
        length, more = length + len(message.get("body", b"")), message.get("more_body", False)
    if scope["path"] == "/slow":
        await asyncio.sleep(3 * http_protocol.HEAD_WITHIN_S)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"7")]})
    await send({"type": "http.response.body", "body": b"%07d" % length})


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    """The port of a server that is stopped at the end."""
    number = private_port()
    server = Server(Config(application, port=number, http=BoundedHttp, lifespan="off", log_level="error"))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0)
    yield number
    server.should_exit = True
    await serving


async def connect(port: int) -> Streams:
    return await asyncio.open_connection("127.0.0.1", port)


async def read(reader: asyncio.StreamReader) -> bytes:
    """Everything until the server hangs up."""
    async with asyncio.timeout(10):
        return await reader.read()


def request(path: str = "/", headers: bytes = b"", body: bytes = b"") -> bytes:
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n" % (path.encode(), len(body))
    return head + headers + b"\r\n" + body


LAST = b"Connection: close\r\n"


async def test_many_requests_and_long_bodies_on_one_connection_are_no_long_head(port: int) -> None:
    reader, writer = await connect(port)
    for size in (0, 200_000, 10, 500_000):
        writer.write(request(body=b"b" * size))
    writer.write(request(headers=b"X-Long: " + b"y" * 30_000 + b"\r\n" + LAST))
    said = await read(reader)
    assert [part[-7:] for part in said.split(b"HTTP/1.1 200 OK")[1:]] == [
        b"0000000", b"0200000", b"0000010", b"0500000", b"0000000"
    ]  # fmt: skip


async def test_a_body_that_comes_in_a_piece_of_its_own_is_no_head(port: int) -> None:
    reader, writer = await connect(port)
    for _ in range(3):
        whole = request(headers=b"Expect: 100-continue\r\n", body=b"b" * 150_000)
        head, body = whole[:-150_000], whole[-150_000:]
        writer.write(head)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert (await reader.readuntil(b"0150000")).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("piece", [b"X: y\r\n" * 1_000, b"x" * 5_000], ids=["many lines", "one line"])
async def test_a_long_head_is_refused(port: int, piece: bytes) -> None:
    reader, writer = await connect(port)
    with contextlib.suppress(ConnectionError):  # a client that still sends may see only the reset
        writer.write(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(300):
            writer.write(piece)
            await writer.drain()
        assert (await read(reader)).startswith(b"HTTP/1.1 431 ")
    reader, writer = await connect(port)
    writer.write(request(headers=LAST))
    assert (await read(reader)).endswith(b"0000000")


async def test_a_head_that_does_not_end_is_hung_up_on(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_WITHIN_S", 0.1)
    reader, writer = await connect(port)
    writer.write(b"GET / HTTP/1.1\r\nHost: ")
    assert await read(reader) == b""


async def test_a_slow_answer_is_waited_for(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_WITHIN_S", 0.1)
    reader, writer = await connect(port)
    writer.write(request("/slow", LAST))
    assert (await read(reader)).endswith(b"0000000")

"""A client of /ws inside the test's event loop: the real ASGI application, no network.
Called by the app tier's socket tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from engine.border import json_dumps, json_loads
from tests.support.people import Person
from trading.sockets.app import socket_app

WITHIN_S = 10.0
Message = dict[str, Any]


class Closed(AssertionError):
    """The server closed the socket; `code` says why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Socket:
    """One connection. `gate` closed: the client reads nothing, and the server's sends block. `spoiled` is the
    way from the server: it may lose, repeat and hold back events."""

    def __init__(self) -> None:
        self._to_server: asyncio.Queue[Message] = asyncio.Queue()
        self._from_server: asyncio.Queue[Message] = asyncio.Queue()
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting: list[Message] = []
        self.spoiled: Callable[[Message], list[Message]] = lambda event: [event]
        scope = {"type": "websocket", "path": "/ws", "headers": [], "client": ("127.0.0.1", 1)}
        self.task = asyncio.create_task(socket_app(scope, self._to_server.get, self._take))

    async def _take(self, event: Message) -> None:
        await self.gate.wait()
        for delivered in self.spoiled(event):
            self._from_server.put_nowait(delivered)

    async def open(self, who: Person | None = None) -> Socket:
        """Connect, and authenticate as `who`."""
        self._to_server.put_nowait({"type": "websocket.connect"})
        assert (await self._event())["type"] == "websocket.accept"
        if who is not None:
            assert (await self.ask(type="auth", token=who.token))["success"] is True
        return self

    def send(self, **message: Any) -> None:
        """Send one message."""
        self.send_raw(json_dumps(message).decode())

    def send_raw(self, text: str) -> None:
        """Send one text frame as it is."""
        self._to_server.put_nowait({"type": "websocket.receive", "text": text})

    async def _event(self) -> Message:
        async with asyncio.timeout(WITHIN_S):
            return await self._from_server.get()

    async def next(self) -> Message:
        """The next message; raises Closed when the server ended the socket."""
        if self.waiting:
            return self.waiting.pop(0)
        return await self._read()

    async def _read(self) -> Message:
        event = await self._event()
        if event["type"] == "websocket.close":
            raise Closed(event["code"])
        message: Message = json_loads(event["text"].encode())
        return message

    async def ask(self, **message: Any) -> Message:
        """Send, and wait for the answer of the same request id; pushes meanwhile are kept for `next`."""
        message.setdefault("request_id", "asked")
        self.send(**message)
        while True:
            answer = await self._read()
            if answer.get("request_id") == message["request_id"]:
                return answer
            self.waiting.append(answer)

    async def push(self, kind: str) -> Message:
        """The next push of a type; others are left out."""
        while True:
            message = await self.next()
            if message["type"] == kind:
                return message

    async def closed(self) -> int:
        """The code with which the server ends the socket."""
        try:
            while True:
                await self._read()
        except Closed as closed:
            return closed.code

    async def leave(self) -> None:
        """Go away."""
        self._to_server.put_nowait({"type": "websocket.disconnect", "code": 1000})
        self.gate.set()
        await asyncio.wait([self.task], timeout=WITHIN_S)

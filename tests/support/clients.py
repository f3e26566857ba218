"""Clients of a running venue: what a program on another machine would be.
Called by tests of the stack tier."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect

from engine.border import json_dumps, json_loads
from tests.support.readers import Readers
from tests.support.stack import RunningStack

Json = Any
TIMEOUT_S = 20.0


def ask(
    web: str, method: str, path: str, body: object = None, token: str = "", **headers: str
) -> tuple[int, bytes]:
    """Status and body of one request; `body` is JSON data, or bytes sent as they are."""
    where = urlsplit(web)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT_S)
    told = {"Content-Type": "application/json"} if body is not None else {}
    if token:
        told["Authorization"] = f"Bearer {token}"
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    with contextlib.closing(connection):
        connection.request(method, path, data, told | headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def call(web: str, method: str, path: str, body: object = None, token: str = "") -> Json:
    """The envelope's data; fails with the whole answer when it was refused."""
    status, answer = ask(web, method, path, body, token)
    envelope = json_loads(answer)
    assert envelope["success"] is True, (status, envelope)
    return envelope["data"]


def logged_in(stack: RunningStack, username: str) -> Json:
    """What a login gives: token, refresh_token, account_ids, …"""
    credentials = {"username": username, "password": stack.user(username)["password"]}
    return call(stack.web, "POST", "/api/auth/login", credentials)


class Watcher:
    """One socket of /ws: asks, and holds what the pushes say."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.readers = Readers()
        self._asked = 0

    async def ask(self, **message: Any) -> Json:
        """Send and wait for the answer; pushes meanwhile are taken."""
        self._asked += 1
        message["request_id"] = self._asked
        await self.socket.send(json_dumps(message).decode())
        while True:
            answer = await self.next()
            if answer.get("request_id") == message["request_id"]:
                return answer

    async def next(self) -> Json:
        """The next message, taken by the readers; asks for a snapshot where there is a gap."""
        text = await self.socket.recv()
        message = json_loads(text if isinstance(text, bytes) else text.encode())
        if not self.readers.take(message):
            resync = {"type": "resync", "streams": sorted(set(self.readers.gaps))}
            self.readers.gaps.clear()
            await self.socket.send(json_dumps(resync).decode())
        return message

    async def drain(self, channels: tuple[str, ...]) -> dict[str, Any]:
        """Everything sent before the answer to a ping; the state of the streams of these channels."""
        await self.ask(type="ping")
        streams = self.readers.streams.items()
        return {name: reader.held for name, reader in streams if name.split(".")[0] in channels}


@asynccontextmanager
async def watcher(web: str, token: str) -> AsyncIterator[Watcher]:
    """An authenticated socket."""
    async with connect(web.replace("http://", "ws://", 1) + "/ws", max_size=2**24) as socket:
        found = Watcher(socket)
        answer = await found.ask(type="auth", token=token)
        assert answer["success"] is True, answer
        yield found

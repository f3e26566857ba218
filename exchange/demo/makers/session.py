"""One house user's connection: log in by REST, speak on /ws, match answers to questions, notice gaps.
Called by the agents; every failure ends the connection with SessionLost, and the agent begins another."""

import asyncio
import itertools
import json
import logging
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
import websockets
from websockets.asyncio.client import ClientConnection, connect

from exchange.demo.makers.wire import Frame, InstrumentRow, Login, frame_decode

logger = logging.getLogger(__name__)

ANSWER_WITHIN_S: Final = 5.0
REST_WITHIN_S: Final = 10.0
FRAME_BYTES_MAX: Final = 4 * 2**20
BODY_BYTES_MAX: Final = 4 * 2**20


class SessionLost(Exception):
    """The venue does not answer, or answered what ends the conversation; the text says what."""


class Refused(SessionLost):
    """The venue answered with a refusal where none was expected; `status` is HTTP's."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


# ---- REST --------------------------------------------------------------------------------------------


async def login(web: str, username: str, password: str) -> Login:
    """A fresh access token. Raises SessionLost."""
    data = await rest(web, "/api/auth/login", body={"username": username, "password": password})
    return msgspec.convert(data, Login)


async def instruments(web: str, token: str) -> list[InstrumentRow]:
    """Everything listed. Raises SessionLost."""
    data = await rest(web, "/api/market/instruments", token=token)
    return msgspec.json.decode(json.dumps(data), type=list[InstrumentRow])


async def rest(web: str, path: str, *, token: str = "", body: dict[str, Any] | None = None) -> Any:
    """GET, or POST with a body; the envelope's data. Raises SessionLost."""
    return await asyncio.to_thread(_rest, web, path, token, body)


def _rest(web: str, path: str, token: str, body: dict[str, Any] | None) -> Any:
    request = urllib.request.Request(
        web + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"}
        | ({"Authorization": f"Bearer {token}"} if token else {}),
    )
    # The venue is our own: no proxy of the environment may stand between.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=REST_WITHIN_S) as response:
            # Numbers stay texts: no price passes through a float.
            answer = json.loads(response.read(BODY_BYTES_MAX), parse_float=str)
    except urllib.error.HTTPError as error:
        raise Refused(f"{path}: {error.code} {error.read(300)!r}", error.code) from error
    except (OSError, ValueError) as error:
        raise SessionLost(f"{path}: {error}") from error
    return answer["data"]


# ---- /ws ---------------------------------------------------------------------------------------------


class Session:
    """An authenticated socket. `heard` gets every push, after its place in its stream was checked."""

    def __init__(self, socket: ClientConnection, heard: Callable[[Frame], None]) -> None:
        self._socket = socket
        self._heard = heard
        self._ids = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Frame]] = {}
        self._seqs: dict[str, int] = {}
        self.gaps = 0

    async def ask(self, message: dict[str, Any]) -> Frame:
        """Send a message and wait for its answer, a refusal included. Raises SessionLost after ANSWER_WITHIN_S."""
        number = next(self._ids)
        future: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        try:
            await self._send({**message, "request_id": number})
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await future
        except TimeoutError as error:
            raise SessionLost(f"no answer to {message['type']}") from error
        finally:
            self._asked.pop(number, None)

    async def expect(self, message: dict[str, Any]) -> Frame:
        """As `ask`; raises SessionLost for a refusal too."""
        answer = await self.ask(message)
        if not answer.success:
            raise SessionLost(f"{message['type']} was refused: {answer.code} {answer.message}")
        return answer

    async def listen(self) -> None:
        """Read until the socket ends, which raises SessionLost."""
        try:
            async for text in self._socket:
                await self._take(frame_decode(text))
        except (websockets.WebSocketException, OSError, msgspec.DecodeError) as error:
            raise SessionLost(f"the socket ended: {error}") from error
        raise SessionLost(f"the venue closed the socket ({self._socket.close_code})")

    async def _take(self, frame: Frame) -> None:
        if frame.stream is not None:
            if await self._joins(frame):
                self._heard(frame)
            return
        future = self._asked.get(frame.request_id) if frame.request_id is not None else None
        if future is not None and not future.done():
            future.set_result(frame)

    async def _joins(self, frame: Frame) -> bool:
        """False for a push after a gap; then a snapshot is asked for, which begins the stream anew."""
        assert frame.stream is not None
        held = self._seqs.get(frame.stream)
        if not frame.snapshot and frame.prev != held:
            self.gaps += 1
            if held is not None:
                del self._seqs[frame.stream]
                await self._send({"type": "resync", "streams": [frame.stream]})
            return False
        if frame.seq is not None:
            self._seqs[frame.stream] = frame.seq
        return True

    async def _send(self, message: dict[str, Any]) -> None:
        try:
            await self._socket.send(json.dumps(message))
        except (websockets.WebSocketException, OSError) as error:
            raise SessionLost(f"the socket ended: {error}") from error


@asynccontextmanager
async def session_open(web: str, token: str, heard: Callable[[Frame], None]) -> AsyncIterator[Session]:
    """Connect and authenticate; inside the block the session listens. Raises SessionLost, then and later."""
    address = "ws" + web.removeprefix("http") + "/ws"
    try:
        socket = await connect(address, max_size=FRAME_BYTES_MAX, compression=None, proxy=None)
    except (websockets.WebSocketException, OSError, TimeoutError) as error:
        raise SessionLost(f"no socket: {error}") from error
    session = Session(socket, heard)
    listening = asyncio.create_task(session.listen())
    here = asyncio.current_task()
    assert here is not None
    ended: list[SessionLost] = []

    def lost(task: asyncio.Task[None]) -> None:
        """The reader ended: whatever the block waits for will not come."""
        if not task.cancelled():
            error = task.exception()
            ended.append(error if isinstance(error, SessionLost) else SessionLost(repr(error)))
            here.cancel()

    listening.add_done_callback(lost)
    try:
        await session.expect({"type": "auth", "token": token})
        yield session
    except asyncio.CancelledError:
        if ended:
            here.uncancel()
            raise ended[0] from None
        raise
    finally:
        listening.remove_done_callback(lost)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await socket.close()

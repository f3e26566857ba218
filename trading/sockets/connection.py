"""One socket: a reader that obeys, a writer that alone sends, and the rules by which both end.
Run by trading/sockets/app.py, once a connection."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import groupby
from typing import Any, Final

from django.conf import settings

from accounts.http.addresses import address_of
from accounts.http.envelope import ApiError
from accounts.http.errors import error_from
from accounts.principals import Principal, principal_from_token_async
from accounts.sessions import SessionRecord
from accounts.throttles import RATES, Kind, Rate, throttle_check_async
from engine.core.codes import Code
from trading import metrics
from trading.sockets import messages as m
from trading.sockets.fanout import fanout
from trading.sockets.handlers import HANDLERS, ORDER_HANDLERS, Answer, Session, refusal, weight_of
from trading.sockets.outbox import Outbox
from trading.sockets.sessions import session_watch
from trading.sockets.subscriptions import Subscriptions

logger = logging.getLogger(__name__)

AUTH_WITHIN_S: Final = 10.0
# Of one user in one process: each holds queues and a place in every fan-out.
SOCKETS_PER_USER_MAX: Final = 100
SEND_WITHIN_S: Final = 5.0
CLOSE_WITHIN_S: Final = 3.0
# Order messages of one socket under way at once; the next waits unread, so TCP slows the client down.
PIPELINE_MAX: Final = 64

CLOSE_UNAUTHENTICATED: Final = 4401  # not authenticated in time, or the session ended
CLOSE_THROTTLED: Final = 4429
CLOSE_SLOW: Final = 4408
CLOSE_ERROR: Final = 1011

Charge = tuple[Kind, int]  # whose budget, how much
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


_sockets_of: Counter[int] = Counter()  # open, by user id


class Connection:
    """One client on /ws."""

    def __init__(
        self, scope: dict[str, Any], receive: Receive, send: Send, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._receive = receive
        self._send = send
        self._clock = clock
        self._address = _address(scope)
        self._outbox = Outbox()
        self._fanout = fanout()
        self._session = Session(Subscriptions(self._outbox, self._fanout))
        self._pipeline = asyncio.Semaphore(PIPELINE_MAX)
        self._line: asyncio.Queue[tuple[Any, Charge]] = asyncio.Queue()
        self._orders: set[asyncio.Task[None]] = set()
        self._ending: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Serve the socket until the client leaves or a rule ends it."""
        if not await self._accept():
            return
        metrics.sockets_open.inc()
        tasks: list[asyncio.Task[None]] = [
            asyncio.create_task(self._read()),
            asyncio.create_task(self._write()),
            asyncio.create_task(self._send_orders()),
        ]
        timer = asyncio.get_running_loop().call_later(AUTH_WITHIN_S, self._auth_late)
        try:
            waited: list[asyncio.Future[Any]] = [*tasks, self._ending]
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            code = self._ending.result() if self._ending.done() else _code_of(tasks)
        finally:
            timer.cancel()
            await self._clean_up([*tasks, *self._orders])
            metrics.sockets_open.dec()
        if code is not None:
            await self._close(code)

    async def _accept(self) -> bool:
        message = await self._receive()
        if message["type"] != "websocket.connect":
            return False
        try:
            await throttle_check_async(None, self._address, "socket")
        except ApiError:
            await self._send({"type": "websocket.close", "code": CLOSE_THROTTLED})
            return False
        await self._send({"type": "websocket.accept"})
        return True

    async def _clean_up(self, tasks: list[asyncio.Task[None]]) -> None:
        self._session.subscriptions.close()
        if self._session.principal is not None:
            _sockets_of.subtract([self._session.principal.user_id])
            if not _sockets_of[self._session.principal.user_id]:
                del _sockets_of[self._session.principal.user_id]
            await session_watch().remove(self._session.principal.session_id, self)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self, code: int) -> None:
        if not self._ending.done():
            self._ending.set_result(code)

    def _auth_late(self) -> None:
        if self._session.principal is None:
            self._end(CLOSE_UNAUTHENTICATED)

    async def _close(self, code: int) -> None:
        metrics.sockets_closed.labels(code=str(code)).inc()
        try:
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._send({"type": "websocket.close", "code": code})
        except TimeoutError:
            _drop(self._send)
        except Exception:
            logger.debug("the peer is gone already", exc_info=True)

    # ---- writing ---------------------------------------------------------------------------------

    async def _write(self) -> None:
        """The only task that sends. A send that blocks too long, or a full outbox, ends the connection."""
        while True:
            now = self._clock()
            if self._outbox.is_full:
                return self._end(CLOSE_SLOW)
            frame = self._outbox.next(self._fanout.market, now)
            if frame is None:
                await self._outbox.wait(now)
                continue
            try:
                async with asyncio.timeout(SEND_WITHIN_S):
                    await self._send({"type": "websocket.send", "text": frame})
            except TimeoutError:
                return self._end(CLOSE_SLOW)

    def _answer(self, answer: Answer, request_id: m.Id | None = None) -> None:
        if request_id is not None:
            answer["request_id"] = request_id
        self._outbox.put(answer)
        if self._outbox.is_full:
            # The writer may be blocked in a send to this very client.
            self._end(CLOSE_SLOW)

    # ---- reading ---------------------------------------------------------------------------------

    async def _read(self) -> None:
        """Obey frame after frame; orders are under way while the next frames are read."""
        while True:
            event = await self._receive()
            if event["type"] == "websocket.disconnect":
                return
            frame = event.get("text")
            try:
                message = m.message_parse(frame.encode() if frame is not None else event["bytes"])
            except m.Refused as refused:
                self._answer(refusal(refused.error, request_id=refused.request_id))
                continue
            await self._obey(message)

    async def _obey(self, message: Any) -> None:
        try:
            if isinstance(message, m.Auth):
                self._answer(await self._auth(message), message.request_id)
            elif type(message) in ORDER_HANDLERS:
                await self._order(message)
            else:
                handler, kind = HANDLERS[type(message)]
                await throttle_check_async(self._session.who, self._address, kind)
                self._answer(await handler(self._session, message), message.request_id)
        except Exception as error:
            self._answer(refusal(error_from(error), message))

    async def _order(self, message: Any) -> None:
        """Orders wait in line: they are charged, prepared and sent in the order they came in, while the next
        frames are read and earlier answers are under way."""
        _, kind = ORDER_HANDLERS[type(message)]
        charge = (kind, weight_of(message))
        self._session.who  # noqa: B018 - refuses before auth
        await self._pipeline.acquire()
        self._line.put_nowait((message, charge))

    async def _send_orders(self) -> None:
        """Whatever stands in line is charged with one question to Redis, and sent."""
        while True:
            waiting = [await self._line.get()]
            while not self._line.empty():
                waiting.append(self._line.get_nowait())
            for kind, group in groupby(waiting, key=lambda item: item[1][0]):
                await self._send_group(kind, list(group))

    async def _send_group(self, kind: Kind, group: list[tuple[Any, Charge]]) -> None:
        total = sum(weight for _, (_, weight) in group)
        # A weight above the burst counts as the burst: a larger group would get in too cheaply.
        is_charged = len(group) > 1 and total <= _burst(kind) and await self._charged(kind, total)
        for message, (_, weight) in group:
            try:
                if not is_charged:
                    await throttle_check_async(self._session.who, self._address, kind, weight)
                handler, _ = ORDER_HANDLERS[type(message)]
                sending = await handler(self._session, message)
            except Exception as error:
                self._answer(refusal(error_from(error), message))
                self._pipeline.release()
                continue
            task = asyncio.create_task(self._finish(sending, message))
            self._orders.add(task)
            task.add_done_callback(self._order_done)

    async def _charged(self, kind: Kind, weight: int) -> bool:
        """Charge a whole group; when its sum is too much, each of it is asked for on its own."""
        try:
            await throttle_check_async(self._session.who, self._address, kind, weight)
        except ApiError:
            return False
        return True

    def _order_done(self, task: asyncio.Task[None]) -> None:
        self._orders.discard(task)
        self._pipeline.release()

    async def _finish(self, sending: Awaitable[Answer], message: Any) -> None:
        try:
            self._answer(await sending, message.request_id)
        except Exception as error:
            self._answer(refusal(error_from(error), message))

    # ---- who -------------------------------------------------------------------------------------

    async def _auth(self, message: m.Auth) -> Answer:
        await throttle_check_async(self._session.principal, self._address, "socket")
        try:
            principal = await principal_from_token_async(message.token)
        except ApiError as error:
            return {**refusal(error), "type": "auth_response", "success": False, "user_id": None}
        known = self._session.principal
        if known is not None and known.session_id != principal.session_id:
            raise ApiError(Code.FORBIDDEN, field="token")
        if message.user_id is not None and str(message.user_id) != str(principal.user_id):
            raise ApiError(Code.FORBIDDEN, field="user_id")
        if known is None and _sockets_of[principal.user_id] >= SOCKETS_PER_USER_MAX:
            self._end(CLOSE_THROTTLED)
            raise ApiError(Code.TOO_MANY_SOCKETS, limit=SOCKETS_PER_USER_MAX)
        self._session.principal = principal
        if known is None:
            _sockets_of[principal.user_id] += 1
            await session_watch().add(principal.session_id, self, self._session_told)
        return _authenticated(principal)

    def _session_told(self, record: SessionRecord | None) -> None:
        """What became of the login session: it ended, or its roles and accounts are now these."""
        principal = self._session.principal
        if record is None or principal is None:
            self._end(CLOSE_UNAUTHENTICATED)
            return
        self._session.principal = replace(
            principal, roles=frozenset(record.roles), account_ids=frozenset(record.account_ids)
        )


def _drop(send: Send) -> None:
    """Cut the connection. A peer that reads nothing never sees the close frame, and ASGI has no word for this:
    the server would keep the connection, with megabytes of unsent frames, for as long as the peer likes."""
    transport: Any = getattr(getattr(send, "__self__", None), "transport", None)
    if hasattr(transport, "abort"):
        transport.abort()
    else:
        logger.warning("a peer that reads nothing keeps its connection: this server cannot drop it")


def _burst(kind: Kind) -> int:
    """The smaller of the two budgets' bursts."""
    rates: tuple[Rate, Rate] = {**RATES, **settings.OUTCRY_THROTTLES}[kind]
    return min(rate.burst for rate in rates)


def _authenticated(principal: Principal) -> Answer:
    return {
        "type": "auth_response",
        "success": True,
        "user_id": str(principal.user_id),
        "account_ids": [str(account_id) for account_id in sorted(principal.account_ids)],
        "message": "authenticated",
    }


def _code_of(tasks: list[asyncio.Task[None]]) -> int | None:
    """None when the client left; an error of ours is logged and closes with 1011."""
    for task in tasks:
        if task.done() and task.exception() is not None:
            logger.error("socket task failed", exc_info=task.exception())
            return CLOSE_ERROR
    return None


def _address(scope: dict[str, Any]) -> str:
    headers = dict(scope.get("headers") or [])
    client = scope.get("client")
    return address_of(client[0] if client else "", headers.get(b"x-forwarded-for", b"").decode("latin-1"))

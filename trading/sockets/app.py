"""The ASGI entry of /ws.
Called by Channels' router (exchange/routing.py)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from trading.sockets.connection import Connection

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def socket_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one socket until it ends."""
    await Connection(scope, receive, send).run()

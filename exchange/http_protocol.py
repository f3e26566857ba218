"""uvicorn's HTTP protocol with limits it lacks: how long a request's head may be, in bytes and in seconds.
Named by `--http` where the supervisor starts the web process."""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Beyond this, and the piece that was being received: the parser keeps a head in memory until it ends, and a
# client that sends header lines for ever would take a gigabyte for each 64 MB.
HEAD_BYTES_MAX: Final = 64 * 1024
HEAD_WITHIN_S: Final = 30.0

_REFUSAL: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)


class BoundedHttp(HttpToolsProtocol):
    """One connection. A head is everything of a request before its body, the request line included."""

    _turns = 0  # from head to body and back, so far
    _head_bytes = 0  # of the head that is being received
    _is_in_head = True
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer_start()

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer_stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        turns = self._turns
        super().data_received(data)
        if self._turns != turns:
            self._head_bytes = 0  # what follows in this piece is less than the next one may add
        elif self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
                self.transport.write(_REFUSAL)
                self.transport.close()

    def on_headers_complete(self) -> None:
        self._turns += 1
        self._is_in_head = False
        self._timer_stop()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._turns += 1
        self._is_in_head = True
        self._timer_start()

    def handle_websocket_upgrade(self) -> None:
        self._timer_stop()  # the connection is another protocol's from here on
        super().handle_websocket_upgrade()

    def _timer_start(self) -> None:
        self._timer_stop()
        self._timer = self.loop.call_later(HEAD_WITHIN_S, self._head_late)

    def _timer_stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _head_late(self) -> None:
        """The next head may wait as long as the answer to the last request does."""
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:
            self._timer_start()

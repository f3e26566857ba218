"""One account that changes an instrument's best five levels many times a second, over the public interfaces.
Called by the browser soak."""

from __future__ import annotations

import itertools
import json
import threading
import time
import urllib.request
from collections import deque
from typing import Any, Final

from websockets.sync.client import ClientConnection, connect

PASSWORD: Final = "an open outcry pit"
RESTING: Final = 24  # orders that stand at any time, twelve a side
BURST: Final = 4  # messages between two looks at the clock


def http_post(url: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    """POST JSON and return the envelope's data; raises on a refusal."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        data: dict[str, Any] = json.load(answer)["data"]
    return data


class Quoter:
    """Submits and cancels in turn, `per_second` messages, each of which changes the book."""

    def __init__(self, web: str, username: str, instrument: str, middle: int, per_second: int) -> None:
        self._instrument, self._middle, self._per_second = instrument, middle, per_second
        self._web = web
        http_post(f"{web}/api/auth/register", {"username": username, "password": PASSWORD})
        login = http_post(f"{web}/api/auth/login", {"username": username, "password": PASSWORD})
        self._account, self._token = login["account_ids"][0], login["token"]
        self._refresh = login["refresh_token"]
        deposit = {"account_id": int(self._account), "amount": 10_000_000}
        http_post(f"{web}/api/account/deposit", deposit, self._token)
        self._stop = threading.Event()
        self._standing: deque[str] = deque()
        self.accepted = 0
        self.refused: dict[str, int] = {}

    def __enter__(self) -> Quoter:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join(20)

    def _run(self) -> None:
        with connect(self._web.replace("http", "ws") + "/ws", max_queue=None) as socket:
            socket.send(json.dumps({"type": "auth", "token": self._token}))
            reader = threading.Thread(target=self._read, args=(socket,), daemon=True)
            reader.start()
            began = time.monotonic()
            for number in itertools.count():
                if number % BURST == 0:
                    behind = began + number / self._per_second - time.monotonic()
                    if self._stop.wait(max(behind, 0)):
                        break
                if number % (60 * self._per_second) == 0 and number:
                    self._renew(socket)
                socket.send(json.dumps(self._message(number)))
            for name in self._standing:
                socket.send(json.dumps(self._cancel(name)))

    def _renew(self, socket: ClientConnection) -> None:
        """Tokens live five minutes; a soak lives longer."""
        login = http_post(f"{self._web}/api/auth/refresh", {"refresh_token": self._refresh})
        self._token, self._refresh = login["token"], login["refresh_token"]
        socket.send(json.dumps({"type": "auth", "token": self._token}))

    def _message(self, number: int) -> dict[str, Any]:
        """A new order at one of the five best levels of a side, or the oldest one's cancel."""
        if len(self._standing) >= RESTING:
            return self._cancel(self._standing.popleft())
        side = 1 if number % 4 < 2 else -1
        name = f"q{number}"
        self._standing.append(name)
        return {
            "type": "submit_order",
            "request_id": name,
            "account_id": self._account,
            "instrument_id": self._instrument,
            "direction": "BUY" if side > 0 else "SELL",
            "price": self._middle - side * (1 + number * 7 % 5),
            "volume": 1 + number % 9,
            "client_order_id": name,
        }

    def _cancel(self, name: str) -> dict[str, Any]:
        return {
            "type": "cancel_order",
            "request_id": f"x{name}",
            "account_id": self._account,
            "client_order_id": name,
        }

    def _read(self, socket: ClientConnection) -> None:
        for frame in socket:
            answer = json.loads(frame)
            if answer.get("type") != "order_response":
                continue
            if answer["success"]:
                self.accepted += 1
            else:
                text = str(answer["message"])
                self.refused[text] = self.refused.get(text, 0) + 1

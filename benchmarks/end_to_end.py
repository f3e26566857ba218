"""From a client's socket to the durable answer, with the whole venue running on this machine: WebSocket and REST.
Run as `python -m benchmarks.end_to_end [seconds]`. Half of the orders trade or are cancelled; an answer counts only
when the order was accepted, which is after its batch was durable."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
import websockets

from benchmarks.stack import Stack, stack_up

TRADERS = 4
FRAME_ORDERS = 50
FRAMES_IN_FLIGHT = 2


def percentile(values: list[float], share: float) -> float:
    """Milliseconds; the value that `share` of them do not pass."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000


def frame_of(account: str, instrument: dict[str, Any], round_number: int, buys: bool) -> dict[str, Any]:
    """Orders of one lot: half rest deep in the book (and are cancelled later), half meet at one price and trade.

    Buyers and sellers open in one round and close in the next, so that positions stay small.
    """
    low, high = float(instrument["lower_limit"]), float(instrument["upper_limit"])
    middle = round((low + high) / 2 / instrument["tick_size"]) * instrument["tick_size"]
    direction = "BUY" if buys == (round_number % 2 == 0) else "SELL"
    common = {"instrument_id": instrument["instrument_id"], "volume": 1, "order_type": "LIMIT"}
    deep = {**common, "direction": "BUY", "offset": "OPEN", "price": low}
    meet = {**common, "direction": direction, "offset": "OPEN", "price": middle}
    if round_number % 2:
        meet["offset"] = "CLOSE"
    orders = [dict(deep if i % 2 else meet) for i in range(FRAME_ORDERS)]
    return {"type": "submit_orders", "account_id": account, "orders": orders}


class Client:
    """One trader on one socket."""

    def __init__(self, token: str, account: str, instrument: dict[str, Any], buys: bool) -> None:
        self.token = token
        self.account = account
        self.instrument = instrument
        self.buys = buys
        self.round = 0
        self.accepted = 0
        self.refused: dict[str, int] = {}
        self.latencies: list[float] = []
        self._sent: dict[str, float] = {}
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def open(self, url: str) -> None:
        self.socket = await websockets.connect(url, max_size=None)
        await self.socket.send(json.dumps({"type": "auth", "token": self.token}))
        answer = json.loads(await self.socket.recv())
        assert answer["success"], answer
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for text in self.socket:
            message = json.loads(text)
            waiting = self._answers.pop(message.get("request_id") or "", None)
            if waiting is not None:
                waiting.set_result(message)

    async def ask(self, message: dict[str, Any], began: float | None = None) -> dict[str, Any]:
        """Send and wait for the answer; latency counts from `began`, when the frame was due."""
        began = time.perf_counter() if began is None else began
        request_id = f"r{self.round}-{message['type']}-{len(self.latencies)}"
        future = self._answers[request_id] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps({**message, "request_id": request_id}))
        answer = await asyncio.wait_for(future, 30)
        self.latencies.append(time.perf_counter() - began)
        return dict(answer)

    async def frame(self, began: float | None = None) -> None:
        """One frame of orders, then the cancels of those that rest."""
        self.round += 1
        answer = await self.ask(frame_of(self.account, self.instrument, self.round, self.buys), began)
        rest = []
        for result in answer.get("results", []):
            if result["success"]:
                self.accepted += 1
                if result.get("status") != "filled":
                    rest.append(result["order_id"])
            else:
                code = (
                    result["error"]["code"]
                    if isinstance(result.get("error"), dict)
                    else str(result.get("error"))
                )
                self.refused[code] = self.refused.get(code, 0) + 1
        if not answer.get("results"):
            self.refused[str(answer)[:200]] = self.refused.get(str(answer)[:200], 0) + 1
        if rest:
            await self.ask({"type": "cancel_orders", "account_id": self.account, "order_ids": rest})

    async def flood(self, seconds: float) -> None:
        """As fast as the answers come, with a few frames in flight."""
        ends = time.perf_counter() + seconds

        async def lane() -> None:
            while time.perf_counter() < ends:
                await self.frame()

        await asyncio.gather(*(lane() for _ in range(FRAMES_IN_FLIGHT)))

    async def paced(self, seconds: float, frames_per_second: float) -> None:
        """Open loop: frames leave when they are due, whether or not the last one was answered."""
        start, tasks = time.perf_counter(), []
        for i in range(int(seconds * frames_per_second)):
            due = start + i / frames_per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(self.frame(due)))
        await asyncio.gather(*tasks)


async def sockets(stack: Stack, instrument: dict[str, Any], seconds: float) -> None:
    url = stack.web.replace("http", "ws") + "/ws"
    traders = [stack.trader(f"bench-ws-{i}") for i in range(TRADERS)]
    clients = [Client(token, account, instrument, i % 2 == 0) for i, (token, account) in enumerate(traders)]
    await asyncio.gather(*(client.open(url) for client in clients))
    rate = await _round("WebSocket, full load", clients, lambda client: client.flood(seconds))
    frames = rate / 2 / FRAME_ORDERS / TRADERS
    await _round("WebSocket, half of that, open loop", clients, lambda client: client.paced(seconds, frames))
    for client in clients:
        await client.socket.close()


async def _round(title: str, clients: list[Client], work: Callable[[Client], Any]) -> float:
    for client in clients:
        client.accepted, client.latencies, client.refused = 0, [], {}
    began = time.perf_counter()
    await asyncio.gather(*(work(client) for client in clients))
    spent = time.perf_counter() - began
    accepted = sum(client.accepted for client in clients)
    latencies = [latency for client in clients for latency in client.latencies]
    refused: dict[str, int] = {}
    for client in clients:
        for code, count in client.refused.items():
            refused[code] = refused.get(code, 0) + count
    print(
        f"{title}: {accepted / spent:,.0f} accepted orders/s for {spent:.0f} s (and their cancels); frame latency "
        f"p50 {percentile(latencies, 0.5):.1f} p99 {percentile(latencies, 0.99):.1f} "
        f"p99.9 {percentile(latencies, 0.999):.1f} ms; refused {refused}",
        flush=True,
    )
    return accepted / spent


async def rest(stack: Stack, instrument: dict[str, Any], seconds: float) -> None:
    """32 clients, one order a request, beside the cheapest authenticated answer of the same server."""
    token, account = stack.trader("bench-rest")
    order = {
        "account_id": account,
        "instrument_id": instrument["instrument_id"],
        "direction": "BUY",
        "offset": "OPEN",
        "volume": 1,
        "price": instrument["lower_limit"],
        "order_type": "LIMIT",
    }
    limits = httpx.Limits(max_connections=32)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=stack.web, headers=headers, limits=limits, timeout=30) as client:

        async def submit() -> bool:
            answer = await client.post("/api/order/submit", json=order)
            data = answer.json()
            if not data["success"]:
                return False
            await client.post(
                "/api/order/cancel", json={"account_id": account, "order_id": data["data"]["order_id"]}
            )
            return True

        async def empty() -> bool:
            return (await client.post("/api/order/cancel", json={"account_id": account})).status_code == 422

        for title, work, weight in (("REST submit, then cancel", submit, 2), ("REST empty view", empty, 1)):
            done, refused, ends = 0, 0, time.perf_counter() + seconds

            async def lane(work: Any = work, ends: float = ends) -> None:
                nonlocal done, refused
                while time.perf_counter() < ends:
                    if await work():
                        done += 1
                    else:
                        refused += 1

            await asyncio.gather(*(lane() for _ in range(32)))
            print(f"{title}: {done * weight / seconds:,.0f} requests/s, refused {refused}", flush=True)


def main(seconds: float) -> None:
    with stack_up() as stack:
        token, _ = stack.trader("bench-look")
        listed = stack.get("/api/market/instruments", token)
        instruments = listed if isinstance(listed, list) else listed["instruments"]
        meal = next(each for each in instruments if each["product_id"] == "m")
        asyncio.run(sockets(stack, meal, seconds))
        asyncio.run(rest(stack, meal, min(seconds, 10)))


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60)

"""How long nobody is answered when the leader is killed: from kill -9 to the next acknowledged order.
Run as `python -m benchmarks.takeover [times]`; one order after the other over the WebSocket, real processes."""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import websockets

from benchmarks.stack import Stack, stack_up

SETTLE_S = 4.0  # between two kills: the killed one comes back as a follower and takes its snapshot


def leader_pid(stack: Stack) -> int:
    """Raises StopIteration when nobody leads."""
    ready = (json.loads(path.read_text()) for path in Path(stack.run["data"], "run").glob("engine-*.ready"))
    return int(next(each["pid"] for each in ready if each["role"] == "leader"))


async def gap(stack: Stack, socket: Any, order: dict[str, Any]) -> float:
    """Seconds from the kill to the next answer that says accepted."""

    async def accepted() -> bool:
        await socket.send(json.dumps(order))
        while True:
            message = json.loads(await socket.recv())
            if message["type"] in ("order_response", "error"):
                return bool(message.get("success"))

    for _ in range(20):
        assert await accepted()
    os.kill(leader_pid(stack), signal.SIGKILL)
    begun = time.perf_counter()
    while not await accepted():
        pass
    return time.perf_counter() - begun


async def run(stack: Stack, times: int) -> list[float]:
    token, account = stack.trader("bench-takeover")
    listed = stack.get("/api/market/instruments", token)
    instruments = listed if isinstance(listed, list) else listed["instruments"]
    meal = next(each for each in instruments if each["product_id"] == "m")
    order = {
        "type": "submit_order",
        "account_id": account,
        "instrument_id": meal["instrument_id"],
        "direction": "BUY",
        "offset": "OPEN",
        "volume": 1,
        "price": meal["lower_limit"],
        "order_type": "LIMIT",
    }
    gaps = []
    async with websockets.connect(stack.web.replace("http", "ws") + "/ws") as socket:
        await socket.send(json.dumps({"type": "auth", "token": token}))
        await socket.recv()
        for _ in range(times):
            gaps.append(await gap(stack, socket, order))
            await asyncio.sleep(SETTLE_S)
    return gaps


def main(times: int) -> None:
    with stack_up(makers=False) as stack:
        gaps = sorted(asyncio.run(run(stack, times)))
    print(
        f"takeover after kill -9 of the leader: median {gaps[len(gaps) // 2] * 1000:.0f} ms, "
        f"worst {gaps[-1] * 1000:.0f} ms of {times}"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)

"""Two strategies on one venue: alice quotes both sides of SOL_USDC, bob takes; each prints the trades pushed to it.
Run it beside `make up`: .venv/bin/python examples/two_strategies.py [trades]. With the demo's market makers about,
either may meet them instead of the other: the best price wins, then who came first."""

import asyncio
import itertools
import json
import sys
import urllib.request
from decimal import Decimal

import websockets

run = json.load(open("data/run.json"))
users = {user["username"]: user for user in run["users"]}
INSTRUMENT = "SOL_USDC"


class Strategy:
    """One user on /ws, who prints his trades."""

    def __init__(self, name):
        self.name, self.account = name, users[name]["account_ids"][0]
        self.numbers, self.answers, self.trades = itertools.count(1), {}, asyncio.Queue()

    async def connect(self):
        self.socket = await websockets.connect(run["web"].replace("http", "ws", 1) + "/ws")
        self.reader = asyncio.create_task(self.read())
        await self.ask("auth", token=login(self.name))
        await self.ask("subscribe", channels=["trade"], account_ids=[self.account])

    async def ask(self, kind, **fields):
        """The answer to a message, found by its request id."""
        number = next(self.numbers)
        self.answers[number] = waiting = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps({"type": kind, "request_id": number, **fields}))
        answer = await waiting
        if not answer.get("success"):
            print(f"{self.name} was refused: {answer['message']}")
        return answer

    async def order(self, direction, price, **fields):
        return await self.ask("submit_order", account_id=self.account, instrument_id=INSTRUMENT,
                              direction=direction, price=price, volume="0.1", **fields)

    async def read(self):
        async for frame in self.socket:
            push = json.loads(frame, parse_float=Decimal)
            if push.get("request_id") in self.answers:
                self.answers.pop(push["request_id"]).set_result(push)
            elif push["type"] == "trade" and not push["snapshot"]:
                print(f"{self.name} {push['direction']} {push['volume']} at {push['price']}, trade {push['trade_id']}")
                await self.trades.put(push)


def login(name):
    body = json.dumps({key: users[name][key] for key in ("username", "password")}).encode()
    request = urllib.request.Request(run["web"] + "/api/auth/login", body, {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request))["data"]["token"]


async def main(trades):
    maker, taker = Strategy("alice"), Strategy("bob")
    await asyncio.gather(maker.connect(), taker.connect())
    for number in range(trades):
        side, other = ("SELL", "BUY") if number % 2 else ("BUY", "SELL")
        await maker.order(side, "140.00")
        taken = await taker.order(other, "150.00" if other == "BUY" else "130.00", time_in_force="IOC")
        if taken.get("status") == "filled":
            await taker.trades.get()
    await asyncio.gather(maker.socket.close(), taker.socket.close())


if __name__ == "__main__":
    asyncio.run(main(int(*sys.argv[1:2] or [4])))

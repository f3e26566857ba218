"""Keep a copy of an order book over /ws: a snapshot, then differences; a gap is seen and healed.
Run it beside `make up`: .venv/bin/python examples/follow_book.py (it needs `websockets`, which `make up` installs)."""

import asyncio
import json
import sys
import urllib.request
from decimal import Decimal

import websockets

run = json.load(open("data/run.json"))


def token():
    body = json.dumps({key: run["users"][1][key] for key in ("username", "password")}).encode()
    request = urllib.request.Request(run["web"] + "/api/auth/login", body, {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request))["data"]["token"]


def levels_change(side, levels):
    """Volume 0 takes the level away."""
    for level in levels:
        side[level["price"]] = level["volume"]
        if not level["volume"]:
            del side[level["price"]]


async def follow(instrument, pushes):
    """Print the best levels after each of so many pushes; 0: for ever."""
    book, held, seen = {"bids": {}, "asks": {}}, None, 0
    async with websockets.connect(run["web"].replace("http", "ws", 1) + "/ws") as socket:
        await socket.send(json.dumps({"type": "auth", "token": token()}))
        subscribe = {"type": "subscribe", "channels": ["orderbook"], "instruments": [instrument]}
        await socket.send(json.dumps(subscribe))
        async for frame in socket:
            push = json.loads(frame, parse_float=Decimal)  # prices are exact
            if push["type"] != "order_book":
                continue
            if push["snapshot"]:
                book = {"bids": {}, "asks": {}}
            elif push["prev"] != held:  # something is missing: ask for a snapshot
                await socket.send(json.dumps({"type": "resync", "streams": [push["stream"]]}))
                continue
            held = push["seq"]
            for side in book:
                levels_change(book[side], push[side])
            bid, ask = max(book["bids"], default="-"), min(book["asks"], default="-")
            print(f"{push['stream']} at {held}: {bid} / {ask}, {len(book['bids'])} + {len(book['asks'])} levels")
            seen += 1
            if seen == pushes:
                return


if __name__ == "__main__":
    asyncio.run(follow(*sys.argv[1:2] or ["BTC_USDT"], int(*sys.argv[2:3] or [0])))

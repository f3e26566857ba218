"""The standard workload of PERFORMANCE.md, seeded, and the independent oracle that knows its trades.
Called by the benchmarks: 60 % limit orders near a random-walk mid, 30 % cancels of a random live order,
10 % marketable orders (half IOC, half market); no order meets one of its own account."""

import random
from bisect import insort
from collections import deque
from typing import NamedTuple

LIMIT, CANCEL, IOC, MARKET = range(4)
LISTING_PRICE = 100_000  # ticks
REACH = 5_000  # the mid stays within this many ticks of it
ACCOUNTS = 200


class Step(NamedTuple):
    """One event. `order` is the event's own index for orders, the index of the order to cancel for cancels."""

    kind: int
    order: int
    instrument: int
    account: int
    side: int
    price: int
    volume: int


class Fill(NamedTuple):
    taker: int
    maker: int
    price: int
    volume: int


class Oracle:
    """A plain price–time book of one instrument at maker prices: a deque a price, prices in a sorted list."""

    def __init__(self) -> None:
        self.levels: dict[int, dict[int, deque[list[int]]]] = {1: {}, -1: {}}
        self.keys: dict[int, list[int]] = {1: [], -1: []}  # price × side, best last
        self.live: dict[int, list[int]] = {}  # order → [order, left, account, side, price]

    def makers(self, side: int, price: int | None, volume: int) -> list[list[int]]:
        """The resting orders an incoming one would meet, in priority."""
        found, levels = [], self.levels[-side]
        for key in reversed(self.keys[-side]):
            level_price = key * -side
            if price is not None and level_price * side > price * side:
                break
            for order in levels[level_price]:
                found.append(order)
                volume -= order[1]
                if volume <= 0:
                    return found
        return found

    def take(self, taker: int, side: int, volume: int, makers: list[list[int]]) -> tuple[int, list[Fill]]:
        """Trade with these makers; (left, fills)."""
        fills = []
        for maker in makers:
            traded = min(volume, maker[1])
            maker[1] -= traded
            volume -= traded
            fills.append(Fill(taker, maker[0], maker[4], traded))
            if not maker[1]:
                self.cancel(maker[0])
        return volume, fills

    def rest(self, order: int, account: int, side: int, price: int, volume: int) -> None:
        entry = self.live[order] = [order, volume, account, side, price]
        if price not in self.levels[side]:
            self.levels[side][price] = deque()
            insort(self.keys[side], price * side)
        self.levels[side][price].append(entry)

    def cancel(self, order: int) -> None:
        _, _, _, side, price = entry = self.live.pop(order)
        level = self.levels[side][price]
        level.remove(entry)
        if not level:
            del self.levels[side][price]
            self.keys[side].remove(price * side)


class LiveOrders:
    """A set with O(1) random choice."""

    def __init__(self) -> None:
        self.items: list[int] = []
        self.places: dict[int, int] = {}

    def add(self, item: int) -> None:
        self.places[item] = len(self.items)
        self.items.append(item)

    def drop(self, item: int) -> None:
        place, last = self.places.pop(item), self.items.pop()
        if last != item:
            self.items[place] = last
            self.places[last] = place


def standard(events: int, instruments: int, seed: int = 1) -> tuple[list[Step], list[Fill]]:
    """(the events, every trade they must lead to, in order)."""
    rng = random.Random(seed)
    oracles = [Oracle() for _ in range(instruments)]
    mids = [LISTING_PRICE] * instruments
    live = LiveOrders()
    where: dict[int, int] = {}
    steps: list[Step] = []
    fills: list[Fill] = []
    for index in range(events):
        draw = rng.random()
        if 0.60 <= draw < 0.90 and live.items:
            order = rng.choice(live.items)
            instrument = where.pop(order)
            steps.append(Step(CANCEL, order, instrument, oracles[instrument].live[order][2], 0, 0, 0))
            oracles[instrument].cancel(order)
            live.drop(order)
            continue
        instrument = rng.randrange(instruments)
        if rng.random() < 0.05:
            moved = mids[instrument] + rng.choice((-1, 1))
            mids[instrument] = min(max(moved, LISTING_PRICE - REACH), LISTING_PRICE + REACH)
        side, volume, oracle = rng.choice((1, -1)), rng.randrange(1, 11), oracles[instrument]
        kind, price = LIMIT, mids[instrument] - side * rng.randrange(1, 21)
        if draw >= 0.90:
            kind = IOC if rng.random() < 0.5 else MARKET
            price = mids[instrument] + side * 10 if kind == IOC else 0
        makers = oracle.makers(side, price or None, volume)
        owners = {maker[2] for maker in makers}
        account = rng.choice([other for other in rng.sample(range(ACCOUNTS), 30) if other not in owners])
        steps.append(Step(kind, index, instrument, account, side, price, volume))
        left, found = oracle.take(index, side, volume, makers)
        fills += found
        for fill in found:
            if fill.maker not in oracle.live:
                live.drop(fill.maker)
        if left and kind == LIMIT:
            oracle.rest(index, account, side, price, left)
            live.add(index)
            where[index] = instrument
    return steps, fills

"""The order book of one instrument: price levels with a FIFO each, the best level cached.
Called by matching; both sides share one path through key = price × side, where the best key is the largest."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.core import terms
from engine.core.views import LevelView

if TYPE_CHECKING:
    from engine.core.account import Account, ClientOrder
    from engine.core.instrument import Instrument


class Order:
    """A live order. `margin_lot` and `fee_lot` are what one left lot of an OPEN order has reserved (money units)."""

    __slots__ = (
        "accepted_at",
        "account",
        "budget",
        "budget_left",
        "client",
        "client_order_id",
        "fee_lot",
        "instrument",
        "kind",
        "left",
        "level",
        "margin_lot",
        "next",
        "offset",
        "order_id",
        "post_only",
        "prev",
        "price",
        "side",
        "time_in_force",
        "volume",
    )

    def __init__(
        self,
        order_id: int,
        account: Account,
        instrument: Instrument,
        side: int,
        offset: int,
        kind: int,
        time_in_force: int,
        price: int,
        volume: int,
        post_only: bool,
        budget: int,
        accepted_at: int,
        client_order_id: str,
        client: ClientOrder | None,
        margin_lot: int,
        fee_lot: int,
    ) -> None:
        self.order_id = order_id
        self.account = account
        self.instrument = instrument
        self.side = side
        self.offset = offset
        self.kind = kind
        self.time_in_force = time_in_force
        self.price = price
        self.volume = volume
        self.left = volume
        self.post_only = post_only
        self.budget = budget
        self.budget_left = budget
        self.accepted_at = accepted_at
        self.client_order_id = client_order_id
        self.client = client
        self.margin_lot = margin_lot
        self.fee_lot = fee_lot
        self.level: Level | None = None
        self.prev: Order | None = None
        self.next: Order | None = None


class Level:
    """The orders at one price, oldest first, and what they add up to."""

    __slots__ = ("count", "head", "price", "tail", "volume")

    def __init__(self, price: int) -> None:
        self.price = price
        self.volume = 0
        self.count = 0
        self.head: Order | None = None
        self.tail: Order | None = None

    def __iter__(self) -> Iterator[Order]:
        order = self.head
        while order is not None:
            yield order
            order = order.next


class BookSide:
    """One side. `keys` ascend, so the best price is the last key and leaves by pop()."""

    __slots__ = ("best", "keys", "levels", "side")

    def __init__(self, side: int) -> None:
        self.side = side
        self.levels: dict[int, Level] = {}
        self.keys: list[int] = []
        self.best: Level | None = None

    def add(self, order: Order) -> None:
        """Queue the order behind all others at its price."""
        price = order.price
        level = self.levels.get(price)
        if level is None:
            level = self.levels[price] = Level(price)
            insort(self.keys, price * self.side)
            best = self.best
            if best is None or (price - best.price) * self.side > 0:
                self.best = level
            level.head = order
        else:
            tail = level.tail
            assert tail is not None
            tail.next = order
            order.prev = tail
        level.tail = order
        level.volume += order.left
        level.count += 1
        order.level = level

    def remove(self, order: Order) -> None:
        """Unlink the order; its level goes when it was the last there. Links are cleared: no cycles remain."""
        level = order.level
        assert level is not None
        before, after = order.prev, order.next
        if before is None:
            level.head = after
        else:
            before.next = after
        if after is None:
            level.tail = before
        else:
            after.prev = before
        order.level = order.prev = order.next = None
        level.volume -= order.left
        level.count -= 1
        if level.head is None:
            self._drop(level)

    def _drop(self, level: Level) -> None:
        del self.levels[level.price]
        keys = self.keys
        if level is self.best:
            keys.pop()
            self.best = self.levels[keys[-1] * self.side] if keys else None
        else:
            del keys[bisect_left(keys, level.price * self.side)]

    def __iter__(self) -> Iterator[Level]:
        """Levels from the best outwards."""
        for key in reversed(self.keys):
            yield self.levels[key * self.side]

    def orders(self) -> Iterator[Order]:
        """All orders in priority: better prices first, then older ones."""
        for level in self:
            yield from level

    def depth(self, levels: int) -> list[LevelView]:
        """The best `levels` levels."""
        best = self.keys[: -levels - 1 : -1]
        found = (self.levels[key * self.side] for key in best)
        return [LevelView(level.price, level.volume, level.count) for level in found]


class Book:
    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = BookSide(terms.BUY)
        self.asks = BookSide(terms.SELL)

    def own(self, side: int) -> BookSide:
        return self.bids if side > 0 else self.asks

    def opposite(self, side: int) -> BookSide:
        return self.asks if side > 0 else self.bids

"""The order book of one instrument: price levels with a FIFO each, the best level cached.
Called by matching; both sides share one path through key = price × side, where the best key is the largest."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.core import terms
from engine.core.views import LevelView

if TYPE_CHECKING:
    from engine.core.account import Account, Position
    from engine.core.commands import OrderSubmit
    from engine.core.instrument import Instrument


class Order:
    """An accepted order, live or finished and remembered by its client order id. `margin_lot` and `fee_lot` are what
    one left lot of an OPEN order has reserved (money units)."""

    __slots__ = (
        "accepted_at",
        "account",
        "budget_filled",
        "budget_left",
        "code",
        "command",
        "fee_lot",
        "instrument",
        "left",
        "level",
        "margin_lot",
        "next",
        "offset",
        "order_id",
        "position",
        "prev",
        "price",
        "side",
        "status",
    )

    def __init__(
        self,
        order_id: int,
        account: Account,
        instrument: Instrument,
        command: OrderSubmit,
        offset: int,
        price: int,
        accepted_at: int,
        margin_lot: int,
        fee_lot: int,
    ) -> None:
        self.order_id = order_id
        self.account = account
        self.instrument = instrument
        self.command = command
        self.side = command.side
        self.offset = offset
        self.price = price
        self.left = command.volume
        self.budget_left = command.budget
        self.budget_filled = 0  # lots bought with it
        self.accepted_at = accepted_at
        self.margin_lot = margin_lot
        self.fee_lot = fee_lot
        self.status = terms.LIVE
        self.code = 0
        self.position: Position | None = None  # futures: set when it is accepted
        self.level: Level | None = None
        self.prev: Order | None = None
        self.next: Order | None = None

    @property
    def kind(self) -> int:
        return self.command.kind

    @property
    def time_in_force(self) -> int:
        return self.command.time_in_force

    @property
    def volume(self) -> int:
        return self.command.volume

    @property
    def budget(self) -> int:
        return self.command.budget

    @property
    def post_only(self) -> bool:
        return self.command.post_only

    @property
    def client_order_id(self) -> str:
        return self.command.client_order_id


class NoOrder:
    """A client order id that names no order of the core: refused, only asked for (no command), or restored after
    the order had finished."""

    __slots__ = ("code", "command", "left", "order_id", "status")

    def __init__(self, order_id: int, command: OrderSubmit | None, status: int, left: int, code: int) -> None:
        self.order_id = order_id
        self.command = command
        self.status = status
        self.left = left
        self.code = code


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

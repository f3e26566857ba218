"""Differences of an order book: what a reader of the old levels must change to hold the new ones.
Called by the sockets' order book streams; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.core.views import DepthView, LevelView

Levels = dict[int, tuple[int, int]]  # price in ticks → (lots, orders)


@dataclass(slots=True)
class Book:
    """The levels of both sides a reader holds."""

    bids: Levels = field(default_factory=dict)
    asks: Levels = field(default_factory=dict)


def book_of(depth: DepthView | None, levels: int) -> Book:
    """The best `levels` of both sides."""
    if depth is None:
        return Book()
    return Book(_levels(depth.bids[:levels]), _levels(depth.asks[:levels]))


def book_diff(old: Book, new: Book) -> tuple[list[LevelView], list[LevelView]]:
    """The changed levels of bids and asks, best first; volume 0 takes a level away, also one that is only
    no longer among the best."""
    return _diff(old.bids, new.bids, best_first=-1), _diff(old.asks, new.asks, best_first=1)


def _levels(levels: Iterable[LevelView]) -> Levels:
    return {level.price: (level.volume, level.orders) for level in levels}


def _diff(old: Levels, new: Levels, *, best_first: int) -> list[LevelView]:
    changed = [LevelView(price, *now) for price, now in new.items() if old.get(price) != now]
    changed += [LevelView(price, 0, 0) for price in old if price not in new]
    changed.sort(key=lambda level: level.price * best_first)
    return changed

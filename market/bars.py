"""Bars K 线: one pure fold over trades. A trade is the smallest bar; bars merge into longer ones.
Called by the projector (closed and growing minutes), by web processes for pushes, by market/selectors.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from engine.core import terms
from engine.core.events import Trade
from engine.core.views import InstrumentView

MINUTE_NS: Final = 60 * 10**9
PERIODS: Final[dict[str, int]] = {  # name → length in ns; 0: the trading day
    "1m": MINUTE_NS,
    "5m": 5 * MINUTE_NS,
    "15m": 15 * MINUTE_NS,
    "30m": 30 * MINUTE_NS,
    "60m": 60 * MINUTE_NS,
    "day": 0,
}


@dataclass(slots=True, frozen=True)
class Bar:
    """One period of one instrument. Prices in ticks, volume in lots, turnover in quote money units, open
    interest in lots (one side) before its first and after its last trade, times in ns UTC.

    start: of the period; a day bar's is its first minute's · seq: of the last trade's command."""

    instrument: str
    trading_day: int
    start: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    turnover: int
    open_interest_open: int
    open_interest_close: int
    seq: int


def open_interest_change(trade: Trade) -> int:
    """Lots (one side) by which a futures trade changed the open interest; a spot trade has none."""
    opened = (trade.buy_offset == terms.OPEN) + (trade.sell_offset == terms.OPEN)
    return trade.volume * (opened - 1)


@dataclass(slots=True, frozen=True)
class Traded:
    """A trade with what its event does not say: when, on which trading day, by which command."""

    trade: Trade
    time: int
    trading_day: int
    seq: int


def trades_as_bars(trades: Sequence[Traded], instruments: Mapping[str, InstrumentView]) -> list[Bar]:
    """Each trade as a bar of its minute, in the same order.

    `instruments`: every traded one as it is after the last of these trades. Open interest is counted back from
    there, so that whoever has a batch's events and changes needs to remember nothing."""
    held: dict[str, int] = {name: view.open_interest for name, view in instruments.items()}
    changes = [
        0 if instruments[item.trade.instrument].spec.kind == terms.SPOT else open_interest_change(item.trade)
        for item in trades
    ]
    for item, change in zip(trades, changes, strict=True):
        held[item.trade.instrument] -= change
    found = []
    for item, change in zip(trades, changes, strict=True):
        before = held[item.trade.instrument]
        held[item.trade.instrument] = before + change
        found.append(_bar_of(item, before, before + change))
    return found


def _bar_of(item: Traded, open_interest_before: int, open_interest_after: int) -> Bar:
    trade, price = item.trade, item.trade.price
    return Bar(
        instrument=trade.instrument,
        trading_day=item.trading_day,
        start=item.time - item.time % MINUTE_NS,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=trade.volume,
        turnover=trade.notional,
        open_interest_open=open_interest_before,
        open_interest_close=open_interest_after,
        seq=item.seq,
    )


def start_of(bar: Bar, period: str) -> int:
    """Where the period begins that `bar` lies in; the day's: wherever its trading day began."""
    length = PERIODS[period]
    return bar.start - bar.start % length if length else 0


def fold(growing: Bar | None, item: Bar, period: str = "1m") -> tuple[Bar | None, Bar]:
    """Add a trade (or shorter bar) not older than `growing`: (the bar this closes or None, the growing one).

    A period without a trade has no bar: nothing is invented. A bar never spans two trading days."""
    if growing is None:
        return None, _placed(item, period)
    if growing.trading_day != item.trading_day or start_of(growing, period) != start_of(item, period):
        return growing, _placed(item, period)
    return None, merge(growing, item)


def _placed(item: Bar, period: str) -> Bar:
    """The item as the first of its period; a day begins with the minute of its first trade."""
    start = start_of(item, period) or item.start
    return item if start == item.start else replace(item, start=start)


def merge(earlier: Bar, later: Bar) -> Bar:
    """Two neighbouring stretches of one period as one; associative, so the stretches may be cut anywhere."""
    return Bar(
        instrument=earlier.instrument,
        trading_day=earlier.trading_day,
        start=earlier.start,
        open=earlier.open,
        high=max(earlier.high, later.high),
        low=min(earlier.low, later.low),
        close=later.close,
        volume=earlier.volume + later.volume,
        turnover=earlier.turnover + later.turnover,
        open_interest_open=earlier.open_interest_open,
        open_interest_close=later.open_interest_close,
        seq=later.seq,
    )


def bars(items: Iterable[Bar], period: str = "1m") -> Iterator[Bar]:
    """The bars of one instrument's trades or shorter bars, oldest first; the last may still grow."""
    growing: Bar | None = None
    for item in items:
        closed, growing = fold(growing, item, period)
        if closed is not None:
            yield closed
    if growing is not None:
        yield growing

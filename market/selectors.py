"""Reads of the market's history: instruments, the public tape, bars.
Called by market/api, pages and dialects; live figures come from engine.live."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from itertools import islice
from typing import Final

from market import bars
from market.history import applied_seq, history_wait, page_check, trading_day_of
from market.models import Bar, Instrument, PublicTrade, TradingDay

DAY_BARS_MAX: Final = 60  # a day has up to 1,440 minutes to fold
_BAR_FIELDS: Final = tuple(f.name for f in fields(bars.Bar))

__all__ = [
    "applied_seq", "bars_list", "history_wait", "instrument_get", "instruments_list", "public_trades",
    "trading_day_of", "trading_days",
]  # fmt: skip


def instrument_get(*, instrument: str) -> Instrument | None:
    """By its full id ("CFFEX.IF2512")."""
    return Instrument.objects.filter(pk=instrument).first()


def instruments_list(*, instrument_id: str = "", product: str = "") -> list[Instrument]:
    """All, or those of a bare id (several exchanges may list it) or of a product; at most INSTRUMENTS_MAX."""
    found = Instrument.objects.order_by("instrument")
    if instrument_id:
        found = found.filter(instrument_id=instrument_id)
    if product:
        found = found.filter(product=product)
    return list(found)


def trading_days(*, limit: int = 30) -> list[TradingDay]:
    """The newest first."""
    return list(TradingDay.objects.order_by("-trading_day")[: page_check(limit)])


def public_trades(*, instrument: str, limit: int = 100, before_trade_id: int = 0) -> list[PublicTrade]:
    """The newest first; `before_trade_id` pages on."""
    found = PublicTrade.objects.filter(instrument=instrument)
    if before_trade_id:
        found = found.filter(trade_id__lt=before_trade_id)
    return list(found.order_by("-trade_id")[: page_check(limit)])


def bars_list(*, instrument: str, period: str = "1m", limit: int = 100, before: int = 0) -> list[bars.Bar]:
    """The newest `limit` bars that begin before `before` (ns UTC, 0: now), oldest first; the last of them may
    still be growing. ValueError for an unknown period or too many."""
    page_check(limit)
    if period not in bars.PERIODS:
        raise ValueError(f"no such period: {period}")
    if period == "day":
        limit = min(limit, DAY_BARS_MAX)
    folded = _bars_backwards(instrument, period, before)
    return list(islice(folded, limit))[::-1]


def _bars_backwards(instrument: str, period: str, before: int) -> Iterator[bars.Bar]:
    """Bars of the period, the newest first. Minutes come newest first, so each is merged in front."""
    found = Bar.objects.filter(instrument=instrument)
    if before:
        found = found.filter(start__lt=before)
    rows = found.order_by("-trading_day", "-start").values_list(*_BAR_FIELDS)
    held: list[bars.Bar] = []
    for row in rows.iterator(chunk_size=500):
        minute = bars.Bar(*row)
        if held and not _is_same_period(held[-1], minute, period):
            yield _merged(held, period)
            held = []
        held.append(minute)
    if held:
        yield _merged(held, period)


def _is_same_period(one: bars.Bar, other: bars.Bar, period: str) -> bool:
    if one.trading_day != other.trading_day:
        return False
    return bars.start_of(one, period) == bars.start_of(other, period)


def _merged(newest_first: list[bars.Bar], period: str) -> bars.Bar:
    """The one bar that minutes of one period make, by the same fold as everywhere."""
    (bar,) = bars.bars(reversed(newest_first), period)
    return bar

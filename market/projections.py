"""Rows of the market's own tables: instruments, trading days, the public tape, 1-minute bars.
Called by exchange/projecting.py for every stretch of the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

from accounts.projected_writes import Handler, Insert, Moment, Reading, Row, Table, Upsert, Write, copy_text
from engine.core import commands, events, terms, views
from market.bars import Bar, Traded, fold, trades_as_bars

SPEC_FIELDS: Final = tuple(f.name for f in fields(commands.InstrumentSpec) if f.name != "rates")
RATES_FIELDS: Final = tuple(f.name for f in fields(commands.Rates))
VIEW_FIELDS: Final = tuple(f.name for f in fields(views.InstrumentView) if f.name != "spec")
TEXT_FIELDS: Final = {
    name for name in SPEC_FIELDS if commands.InstrumentSpec.__annotations__[name] in (str, "str")
}
BAR_FIELDS: Final = tuple(f.name for f in fields(Bar))

INSTRUMENT = Table(
    "market_instrument",
    ("instrument",),
    ("exchange_id", "instrument_id", *SPEC_FIELDS, *RATES_FIELDS, *VIEW_FIELDS, "seq"),
    is_upserted=True,
)
TRADING_DAY = Table("market_tradingday", ("trading_day",), ("trading_day", "opened_at", "seq"))
PUBLIC_TRADE = Table(
    "market_publictrade",
    ("trading_day", "trade_id"),
    (
        "trading_day", "trade_id", "instrument", "price", "volume", "notional", "taker_side", "open_interest",
        "time", "seq",
    ),
)  # fmt: skip
# A stretch of the journal brings part of a minute; PostgreSQL merges the parts as market.bars.merge does.
BAR = Table(
    "market_bar",
    ("instrument", "trading_day", "start"),
    BAR_FIELDS,
    merges={
        "open": "old.open",
        "high": "greatest(old.high, new.high)",
        "low": "least(old.low, new.low)",
        "volume": "old.volume + new.volume",
        "turnover": "old.turnover + new.turnover",
        "open_interest_open": "old.open_interest_open",
    },
    is_upserted=True,
)

TABLES: Final = (INSTRUMENT, TRADING_DAY, PUBLIC_TRADE, BAR)

_spec_values = attrgetter(*SPEC_FIELDS)
_rates_values = attrgetter(*RATES_FIELDS)
_view_values = attrgetter(*VIEW_FIELDS)
_bar_values = attrgetter(*BAR_FIELDS)


def instrument_row(view: views.InstrumentView, seq: int) -> Row:
    """The row of INSTRUMENT, as COPY text wants it."""
    exchange_id, _, instrument_id = view.spec.instrument.partition(".")
    spec = [
        copy_text(value) if name in TEXT_FIELDS else value
        for name, value in zip(SPEC_FIELDS, _spec_values(view.spec), strict=True)
    ]
    head = (copy_text(exchange_id), copy_text(instrument_id), *spec)
    return (*head, *_rates_values(view.spec.rates), *_view_values(view), seq)


def bar_row(bar: Bar) -> Row:
    instrument, *rest = _bar_values(bar)
    return (copy_text(instrument), *rest)


class InstrumentGatherer:
    """Every instrument an event names, as it is at the end; all when a day is settled or opens."""

    def __init__(self) -> None:
        self._seq_of: dict[str, int] = {}
        self._all_seq = 0
        self._days: list[Row] = []

    def handlers(self) -> Mapping[type[Any], Handler]:
        named = (events.Trade, events.InstrumentStateChanged, events.RatesChanged, events.SettlementPrice)
        return {
            **dict.fromkeys(named, self._named),
            events.InstrumentListed: self._listed,
            events.DayStepDone: self._step,
            events.DayOpened: self._day_opened,
        }

    def writes(self, reading: Reading) -> list[Write]:
        engine = reading.engine
        names = list(engine.instruments) if self._all_seq else list(self._seq_of)
        rows = [
            instrument_row(engine.instrument_view(name), max(self._seq_of.get(name, 0), self._all_seq))
            for name in names
        ]
        return [Insert(TRADING_DAY, self._days), Upsert(INSTRUMENT, rows)]

    def _named(self, event: Any, at: Moment) -> None:
        self._seq_of[event.instrument] = at.seq

    def _listed(self, event: events.InstrumentListed, at: Moment) -> None:
        self._seq_of[event.spec.instrument] = at.seq

    def _step(self, event: events.DayStepDone, at: Moment) -> None:
        if event.step == terms.STEP_SETTLED and event.finished:
            self._all_seq = at.seq

    def _day_opened(self, event: events.DayOpened, at: Moment) -> None:
        self._all_seq = at.seq
        self._days.append((event.trading_day, at.time, at.seq))


class TapeGatherer:
    """The public tape, and its trades folded into the minutes they belong to."""

    def __init__(self) -> None:
        self._trades: list[Traded] = []

    def handlers(self) -> Mapping[type[Any], Handler]:
        return {events.Trade: self._trade}

    def writes(self, reading: Reading) -> list[Write]:
        names = {item.trade.instrument for item in self._trades}
        views = {name: reading.engine.instrument_view(name) for name in names}
        texts = {name: copy_text(name) for name in names}
        tape: list[Row] = []
        growing: dict[str, Bar] = {}
        closed: list[Bar] = []
        for item, bar in zip(self._trades, trades_as_bars(self._trades, views), strict=True):
            trade, name = item.trade, bar.instrument
            tape.append(
                (item.trading_day, trade.trade_id, texts[name], trade.price, trade.volume, trade.notional,
                 trade.taker_side, bar.open_interest_close, item.time, item.seq)
            )  # fmt: skip
            done, growing[name] = fold(growing.get(name), bar)
            if done is not None:
                closed.append(done)
        rows = [bar_row(bar) for bar in (*closed, *growing.values())]
        return [Insert(PUBLIC_TRADE, tape), Upsert(BAR, rows, returning=True)]

    def _trade(self, event: events.Trade, at: Moment) -> None:
        self._trades.append(Traded(event, at.time, at.trading_day, at.seq))

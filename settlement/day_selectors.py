"""Reads of the end of day: settlement prices as proposed or confirmed, and the runs so far.
Called by settlement/day.py and `manage.py day`; prices come from live state, runs are rows."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.core import terms
from engine.core.views import InstrumentView
from engine.live import live
from market.calculations import p4_of, price_or_none
from settlement.models import SettlementRun

RUNS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class DayState:
    """Where the partition's day stands: YYYYMMDD (0: none was ever opened), the last step done, at `seq`."""

    trading_day: int
    step: int
    seq: int


@dataclass(frozen=True, slots=True)
class SettlementQuote:
    """A future's settlement price. `price` is None until the day is closed; `traded` False: none traded today,
    the previous settlement price stands in."""

    instrument: str
    price: Decimal | None
    confirmed: bool
    traded: bool
    pre_settlement: Decimal
    lower: Decimal | None
    upper: Decimal | None


def day_state() -> DayState:
    """Raises LiveRebuilding."""
    venue = live().venue()
    return DayState(venue.value.get("trading_day", 0), venue.value.get("step", 0), venue.seq)


def settlement_quotes() -> list[SettlementQuote]:
    """Every listed future's, by id. Raises LiveRebuilding."""
    is_closed = day_state().step in (terms.STEP_CLOSED, terms.STEP_EXPIRED)
    return [_quote(view, is_closed) for view in live().instruments().value if is_settled(view)]


def is_settled(view: InstrumentView) -> bool:
    """True for what has a settlement price: listed futures."""
    return view.spec.kind == terms.FUTURES and view.state != terms.DELISTED


def _quote(view: InstrumentView, is_closed: bool) -> SettlementQuote:
    return SettlementQuote(
        instrument=view.spec.instrument,
        price=p4_of(view.settlement) if is_closed else None,
        confirmed=view.settlement_confirmed,
        traded=view.volume > 0,
        pre_settlement=p4_of(view.pre_settlement),
        lower=price_or_none(view.spec, view.lower),
        upper=price_or_none(view.spec, view.upper),
    )


def settlement_runs() -> list[SettlementRun]:
    """The newest runs, newest first."""
    return list(SettlementRun.objects.all()[:RUNS_SHOWN])

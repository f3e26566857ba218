"""The one place where market numbers become integers of the core and integers become market numbers.
Called by trading/services.py for every order and by whatever shows a price, a volume or money."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from accounts.http.envelope import ApiError
from engine.border import NumberRefused, decimal_parse, from_units, to_units
from engine.core import terms
from engine.core.codes import Code
from engine.core.commands import InstrumentSpec

P4_SCALE: Final = 4
RATIO_SCALE: Final = 9


def price_of(spec: InstrumentSpec, ticks: int) -> Decimal:
    """Ticks as a price of the quote currency, with the tick's places."""
    return from_units(ticks * spec.tick_units, spec.tick_scale)


def price_or_none(spec: InstrumentSpec, ticks: int) -> Decimal | None:
    """As `price_of`; None for 0, which means "no such price yet"."""
    return price_of(spec, ticks) if ticks else None


def volume_of(spec: InstrumentSpec, lots: int) -> Decimal | int:
    """Lots as the market counts them: whole lots of a future, units of the base asset on spot."""
    if spec.kind == terms.SPOT:
        return from_units(lots * spec.lot_units, spec.lot_scale)
    return lots


def money_of(currency: str, units: int) -> Decimal:
    """Money units as an amount of the currency; an unknown currency's units stay as they are."""
    return from_units(units, terms.CURRENCY_SCALES.get(currency, 0))


def p4_of(value: int) -> Decimal:
    """1/10,000 of the quote unit (settlement and mark prices) as a price."""
    return from_units(value, P4_SCALE)


def tick_size(spec: InstrumentSpec) -> Decimal:
    """The smallest step of the price."""
    return price_of(spec, 1)


def ticks_parse(spec: InstrumentSpec, value: object, field: str = "price") -> int:
    """A price from outside in whole ticks, > 0.

    ApiError: NUMBER_INVALID for no number, PRICE_INVALID for zero, less or out of every range, PRICE_OFF_TICK
    with the tick as limit."""
    price = _decimal(value, field)
    if price <= 0:
        raise ApiError(Code.PRICE_INVALID, field=field, limit="> 0", value=number_text(price))
    ticks = _steps(price, spec.tick_units, spec.tick_scale)
    if ticks is None:
        raise ApiError(
            Code.PRICE_OFF_TICK, field=field, limit=number_text(tick_size(spec)), value=number_text(price)
        )
    if ticks > terms.PRICE_MAX:
        largest = price_of(spec, terms.PRICE_MAX)
        raise ApiError(Code.PRICE_INVALID, field=field, limit=number_text(largest), value=number_text(price))
    return ticks


def lots_parse(spec: InstrumentSpec, value: object, field: str = "volume") -> int:
    """A volume from outside in whole lots, > 0.

    ApiError: NUMBER_INVALID, VOLUME_INVALID with the lot step as limit, VOLUME_ABOVE_MAXIMUM."""
    volume = _decimal(value, field)
    units, scale = (spec.lot_units, spec.lot_scale) if spec.kind == terms.SPOT else (1, 0)
    lots = _steps(volume, units, scale)
    if lots is None or lots <= 0:
        step = volume_of(spec, 1)
        raise ApiError(Code.VOLUME_INVALID, field=field, limit=number_text(step), value=number_text(volume))
    if lots > terms.VOLUME_MAX:
        largest = volume_of(spec, spec.rates.limit_volume_max)
        raise ApiError(
            Code.VOLUME_ABOVE_MAXIMUM, field=field, limit=number_text(largest), value=number_text(volume)
        )
    return lots


def budget_parse(spec: InstrumentSpec, value: object, field: str = "budget") -> int:
    """A budget from outside in money units of the quote currency, > 0.

    ApiError: NUMBER_INVALID, BUDGET_INVALID with the smallest unit or the largest amount as limit."""
    budget = _decimal(value, field)
    units = _steps(budget, 1, terms.CURRENCY_SCALES[spec.currency])
    if units is None or units <= 0:
        raise ApiError(Code.BUDGET_INVALID, field=field, limit=number_text(money_of(spec.currency, 1)))
    if units >= terms.MONEY_MAX:
        largest = money_of(spec.currency, terms.MONEY_MAX)
        raise ApiError(Code.BUDGET_INVALID, field=field, limit=number_text(largest))
    return units


def bare_id(instrument: str) -> str:
    """ "CFFEX.IF2512" → "IF2512": the id without its exchange, as the wire shows it."""
    return instrument.partition(".")[2]


def exchange_id(instrument: str) -> str:
    """ "CFFEX.IF2512" → "CFFEX"."""
    return instrument.partition(".")[0]


def _decimal(value: object, field: str) -> Decimal:
    try:
        return decimal_parse(value, field)
    except NumberRefused as error:
        raise ApiError(Code.NUMBER_INVALID, field=field, limit=error.reason) from None


def _steps(value: Decimal, units: int, scale: int) -> int | None:
    """How many steps of units / 10**scale `value` is; None when it is not a whole number of them."""
    try:
        scaled = to_units(value, scale)
    except NumberRefused:
        return None
    steps, rest = divmod(scaled, units)
    return None if rest else steps


def number_text(value: Decimal | int) -> str:
    """A market number as text, digit for digit."""
    return str(value) if isinstance(value, int) else format(value, "f")

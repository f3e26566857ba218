"""Exact decimals of the slow model: money, prices and their roundings, written from trading-rules.md alone.
Called by the other modules of tests/model."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal

from engine.core import terms

EXACT = Context(
    prec=80
)  # wider than any product the tests can make, so that nothing is ever rounded by chance
ZERO = Decimal(0)
ONE = Decimal(1)
RATIO = Decimal("1e-9")
P4 = Decimal("1e-4")
UNITS = {currency: Decimal(1).scaleb(-scale) for currency, scale in terms.CURRENCY_SCALES.items()}


def to_multiple(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    """`value` rounded to a multiple of `step`."""
    count = (value / step).quantize(ONE, rounding=rounding, context=EXACT)
    return count * step


def half_up(value: Decimal, step: Decimal) -> Decimal:
    """Nearest multiple; a half goes up."""
    return to_multiple(value, step, ROUND_HALF_UP)


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    return to_multiple(value, step, ROUND_FLOOR)


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    return to_multiple(value, step, ROUND_CEILING)


def units(amount: Decimal, currency: str) -> int:
    """The integer the venue writes for an amount; refuses one that is not a whole number of units."""
    scaled = amount.scaleb(terms.CURRENCY_SCALES[currency], context=EXACT)
    if scaled != scaled.to_integral_value(context=EXACT):
        raise AssertionError(f"{amount} {currency} is finer than the currency's unit")
    return int(scaled)


def amount(count: int, currency: str) -> Decimal:
    """The amount of `count` units of the currency."""
    return Decimal(count).scaleb(-terms.CURRENCY_SCALES[currency], context=EXACT)

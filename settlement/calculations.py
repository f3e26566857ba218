"""Amounts of money at the border: places, units, limits.
Called by settlement/services.py."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from accounts.http.envelope import ApiError
from engine.border import NumberRefused, from_units, to_units
from engine.core import terms
from engine.core.codes import Code
from engine.core.events import Rejected

# CNY goes in and out with fen, though the engine counts 1/10,000 yuan.
PLACES: Final[dict[str, int]] = {**terms.CURRENCY_SCALES, "CNY": 2}


def amount_units(*, amount: Decimal, currency: str) -> int:
    """A positive amount in the currency's smallest units; CURRENCY_UNKNOWN or AMOUNT_INVALID."""
    scale = terms.CURRENCY_SCALES.get(currency)
    if scale is None:
        raise ApiError(Code.CURRENCY_UNKNOWN, field="currency", value=currency)
    try:
        to_units(amount, PLACES[currency], "amount")
        units = to_units(amount, scale, "amount")
    except NumberRefused as error:
        raise ApiError(Code.AMOUNT_INVALID, field="amount", limit=error.reason, value=amount) from None
    if not 0 < units <= terms.MONEY_MAX:
        raise ApiError(Code.AMOUNT_INVALID, field="amount", limit="> 0", value=amount)
    return units


def limit_text(event: Rejected) -> str:
    """The limit a money command broke, as people read it: "1234.5 CNY", "64"; "" when it names none."""
    if event.unit == terms.UNIT_MONEY and event.instrument in terms.CURRENCY_SCALES:
        text = format(from_units(event.limit, terms.CURRENCY_SCALES[event.instrument]), "f")
        return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {event.instrument}"
    return str(event.limit) if event.unit == terms.UNIT_COUNT else ""


def book_of(currency: str) -> int:
    """Which of an account's money books holds the currency: CNY is futures cash, the rest spot wallets."""
    return terms.BOOK_FUTURES if currency == "CNY" else terms.BOOK_SPOT

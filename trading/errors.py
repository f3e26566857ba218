"""Refusals of orders in market terms: what the core said in ticks and units, said as people count.
Called by trading/services.py; REST and the sockets show the ApiError as it is."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from accounts.http.envelope import ApiError
from engine.border import from_units
from engine.core import terms
from engine.core.codes import Code
from engine.core.commands import InstrumentSpec
from engine.core.events import Rejected
from market.calculations import RATIO_SCALE, money_of, number_text, p4_of, price_of, volume_of

SpecOf = Callable[[str], InstrumentSpec | None]
# What may be tried again at once, and when.
RETRY_AFTER_S = {Code.BUSY: 1, Code.NO_LEADER: 1, Code.EXPIRED_IN_TRANSIT: 1, Code.JOURNAL_FULL: 5}


def rejected_error(event: Rejected, spec_of: SpecOf) -> ApiError:
    """The core's refusal with its limit and value printed in the instrument's or currency's own terms."""
    return ApiError(
        event.code,
        field=_FIELDS.get(event.field, event.field),
        limit=_printed(event.limit, event, spec_of),
        value=_printed(event.value, event, spec_of),
    )


def code_error(code: int, client_order_id: str = "") -> ApiError:
    """The refusal of a bare code: the door's, or that of an order refused earlier under the same id."""
    known = Code(code)
    return ApiError(known, value=client_order_id, retry_after=RETRY_AFTER_S.get(known))


# The core's words for an order's fields, and the wire's.
_FIELDS = {"instrument": "instrument_id", "side": "direction", "kind": "order_type"}


def _printed(number: int, event: Rejected, spec_of: SpecOf) -> str:
    """`number` of the event's unit as text; an instrument we have not heard of leaves the plain number."""
    if event.unit == terms.UNIT_NONE:
        return ""
    if event.unit == terms.UNIT_COUNT:
        return str(number)
    if event.unit == terms.UNIT_RATIO:
        return _trimmed(from_units(number, RATIO_SCALE))
    if event.unit == terms.UNIT_P4:
        return _trimmed(p4_of(number))
    if event.unit == terms.UNIT_MONEY:
        return f"{_trimmed(money_of(event.instrument, number))} {event.instrument}"
    spec = spec_of(event.instrument)
    if spec is None:
        return str(number)
    if event.unit == terms.UNIT_TICKS:
        return number_text(price_of(spec, number))
    return number_text(volume_of(spec, number))


def _trimmed(value: Decimal) -> str:
    """Without the zeros at the end: 0.95, not 0.950000000."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text

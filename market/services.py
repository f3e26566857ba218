"""Listing instruments and changing them: commands through the door, refusals in the market's terms.
Called by the operator's admin; the caller has checked that `actor` may."""

from __future__ import annotations

from typing import Final

from accounts.http.envelope import ApiError
from engine.core import terms
from engine.core.codes import Code
from engine.core.commands import (
    Command,
    InstrumentList,
    InstrumentRatesSet,
    InstrumentSpec,
    InstrumentStateSet,
    Rates,
)
from engine.core.events import Rejected
from engine.door import door

ENGINE_TIMEOUT_S: Final = 3.0


def instrument_list(*, spec: InstrumentSpec, actor: int) -> int:
    """List a contract; returns the command's sequence.

    ApiError INSTRUMENT_EXISTS, INSTRUMENT_INVALID with the field, TOO_MANY_INSTRUMENTS or SETTLEMENT_RUNNING;
    DoorError without an answer."""
    return _command(InstrumentList(actor, terms.SCOPE_OPERATE, spec))


def instrument_rates_set(*, instrument: str, rates: Rates, actor: int) -> int:
    """Rates that come into force at the next roll; returns the command's sequence.

    ApiError INSTRUMENT_NOT_FOUND, RATES_INVALID with the field or SETTLEMENT_RUNNING; DoorError."""
    return _command(InstrumentRatesSet(actor, terms.SCOPE_OPERATE, instrument, rates))


def instrument_suspend(*, instrument: str, actor: int) -> int:
    """No new orders, cancels pass; returns the command's sequence. ApiError INSTRUMENT_STATE; DoorError."""
    return _command(InstrumentStateSet(actor, terms.SCOPE_OPERATE, instrument, terms.SUSPENDED))


def instrument_resume(*, instrument: str, actor: int) -> int:
    """Take orders again; returns the command's sequence. ApiError INSTRUMENT_STATE; DoorError."""
    return _command(InstrumentStateSet(actor, terms.SCOPE_OPERATE, instrument, terms.TRADING))


def instrument_delist(*, instrument: str, actor: int) -> int:
    """End it for good; returns the command's sequence.

    ApiError INSTRUMENT_IN_USE, its limit the number of accounts with positions or orders, INSTRUMENT_STATE;
    DoorError."""
    return _command(InstrumentStateSet(actor, terms.SCOPE_OPERATE, instrument, terms.DELISTED))


def _command(command: Command) -> int:
    reply = door().call_sync(command, timeout=ENGINE_TIMEOUT_S)
    if isinstance(reply.event, Rejected):
        raise _refusal(reply.event)
    return reply.seq


def _refusal(event: Rejected) -> ApiError:
    """The core's refusal; whom an instrument is held by stands in the event's field."""
    limit = str(event.limit) if event.unit == terms.UNIT_COUNT else ""
    field = "" if event.code == Code.INSTRUMENT_IN_USE else event.field
    return ApiError(event.code, field=field, limit=limit)

"""Listing, suspending, delisting, and the rates that wait for the roll; the venue's settings.
Called by the engine; refuses every specification that could not be traded exactly (trading-rules.md §1)."""

import re
from dataclasses import fields

from engine.core import terms
from engine.core.codes import Code
from engine.core.commands import (
    InstrumentList,
    InstrumentRatesSet,
    InstrumentSpec,
    InstrumentStateSet,
    Rates,
    VenueSet,
)
from engine.core.events import InstrumentListed, InstrumentStateChanged, RatesChanged, VenueChanged
from engine.core.instrument import Instrument
from engine.core.state import SETTINGS, State

INSTRUMENT_ID = re.compile(r"[A-Z]{2,8}\.[A-Za-z0-9_-]{1,24}", re.ASCII)
TEXT_MAX = 64
SCALE_MAX = 12
PRICE_ROOM = 100  # a price may grow this often over the listing price before products could pass 62 bits
RATE_MAX = 10 * terms.RATIO_ONE
LOT_MONEY_MAX = 10**15


def instrument_list(state: State, command: InstrumentList) -> None:
    spec = command.spec
    name = spec.instrument
    if not command.scope & terms.SCOPE_OPERATE:
        state.refuse(Code.SCOPE_MISSING, "operate")
    elif not INSTRUMENT_ID.fullmatch(name):
        state.refuse(Code.INSTRUMENT_INVALID, "instrument_id")
    elif name in state.instruments:
        state.refuse(Code.INSTRUMENT_EXISTS, "instrument_id", instrument=name)
    elif len(state.instruments) >= terms.INSTRUMENTS_MAX:
        state.refuse(Code.TOO_MANY_INSTRUMENTS, "instrument_id", terms.INSTRUMENTS_MAX, unit=terms.UNIT_COUNT)
    elif state.settling:
        state.refuse(Code.SETTLEMENT_RUNNING, "instrument_id", instrument=name)
    else:
        field = spec_fault(spec) or rates_fault(spec.rates, spec.kind) or _group_fault(state, spec)
        if field:
            state.refuse(Code.INSTRUMENT_INVALID, field, instrument=name)
            return
        instrument = Instrument(spec)
        if state.trading_day == 0:
            instrument.phase = terms.CLOSED
        state.instruments[name] = instrument
        state.out.append(InstrumentListed(spec, instrument.upper, instrument.lower))


def spec_fault(spec: InstrumentSpec) -> str:
    """The first field that makes the specification impossible, or "". Whole money units are the heart of it."""
    scales = terms.CURRENCY_SCALES
    is_spot = spec.kind == terms.SPOT
    choices = (
        ("kind", spec.kind, (terms.FUTURES, terms.SPOT)),
        ("larger_side", spec.larger_side, (terms.LARGER_OFF, terms.LARGER_ON, terms.LARGER_AT_SETTLEMENT)),
        ("close_rule", spec.close_rule, (terms.CLOSE_EXPLICIT, terms.CLOSE_FIFO, terms.CLOSE_TODAY_FIRST)),
        ("close_fee_rule", spec.close_fee_rule, (terms.FEE_BY_LOT, terms.FEE_TODAY_POOL)),
        ("match_price_rule", spec.match_price_rule, (terms.MATCH_MAKER, terms.MATCH_MIDDLE)),
        (
            "settlement_price_rule",
            spec.settlement_price_rule,
            (terms.SETTLE_VWAP_DAY, terms.SETTLE_VWAP_LAST_HOUR),
        ),
    )
    for field, value, allowed in choices:
        if value not in allowed:
            return field
    for field in ("name", "product", "base", "margin_group", "session_template"):
        if len(getattr(spec, field)) > TEXT_MAX:
            return field
    if spec.currency not in scales or (not is_spot and spec.currency != "CNY"):
        return "currency"
    if is_spot and (spec.base not in scales or spec.base == spec.currency):
        return "base"
    ranges = (
        ("multiplier", 1, terms.VOLUME_MAX),
        ("tick_units", 1, terms.PRICE_MAX),
        ("tick_scale", 0, SCALE_MAX),
        ("lot_units", 1, terms.VOLUME_MAX),
        ("lot_scale", 0, SCALE_MAX),
        ("protection_ratio", 0, terms.RATIO_ONE - 1),
        ("band_factor", 2, PRICE_ROOM),
        ("notional_min", 0, terms.MONEY_MAX),
        ("listing_price", 1, terms.PRICE_MAX // PRICE_ROOM),
        ("last_trading_day", 0, terms.DAY_MAX),
        ("larger_side_until", 0, terms.DAY_MAX),
    )
    for field, lowest, highest in ranges:
        if not lowest <= getattr(spec, field) <= highest:
            return field
    return _units_fault(spec, is_spot)


def _units_fault(spec: InstrumentSpec, is_spot: bool) -> str:
    """tick × multiplier (spot: tick × lot step) and a lot of the base are whole units; prices fit with room."""
    scale = 10 ** terms.CURRENCY_SCALES[spec.currency]
    rates = spec.rates
    if is_spot:
        numerator, denominator = (
            spec.tick_units * spec.lot_units * scale,
            10 ** (spec.tick_scale + spec.lot_scale),
        )
        if 10 ** terms.CURRENCY_SCALES[spec.base] * spec.lot_units % 10**spec.lot_scale:
            return "lot_scale"
        if terms.CURRENCY_SCALES[spec.base] < spec.lot_scale:
            return "lot_scale"
        if not spec.protection_ratio:
            return "protection_ratio"
    else:
        numerator, denominator = spec.tick_units * spec.multiplier * scale, 10**spec.tick_scale
        if spec.tick_units * terms.P4 % 10**spec.tick_scale:
            return "tick_scale"
        if spec.multiplier * scale % terms.P4:
            return "multiplier"
        if not rates.limit_up_ratio and not spec.protection_ratio:
            return "protection_ratio"
    if numerator % denominator or not numerator:
        return "tick_units"
    largest = max(rates.limit_volume_max, rates.market_volume_max, 1)
    if spec.listing_price * PRICE_ROOM * largest * (numerator // denominator) >= terms.MONEY_MAX:
        return "limit_volume_max"
    return ""


def rates_fault(rates: Rates, kind: int) -> str:
    """The first rate out of range, or ""."""
    for each in fields(rates):
        value = getattr(rates, each.name)
        if each.name.endswith("_ratio"):
            highest = RATE_MAX
        elif each.name.endswith("_lot"):
            highest = LOT_MONEY_MAX
        else:
            highest = terms.VOLUME_MAX
        if not 0 <= value <= highest:
            return each.name
    if rates.limit_down_ratio >= terms.RATIO_ONE or rates.limit_up_ratio > terms.RATIO_ONE:
        return "limit_down_ratio" if rates.limit_down_ratio >= terms.RATIO_ONE else "limit_up_ratio"
    if bool(rates.limit_up_ratio) != bool(rates.limit_down_ratio) or (
        kind == terms.SPOT and rates.limit_up_ratio
    ):
        return "limit_up_ratio"
    for low, high in (("limit_volume_min", "limit_volume_max"), ("market_volume_min", "market_volume_max")):
        if not 1 <= getattr(rates, low) <= getattr(rates, high):
            return high
    return ""


def _group_fault(state: State, spec: InstrumentSpec) -> str:
    """Contracts of one margin group share the larger-side rule."""
    if spec.kind == terms.SPOT:
        return ""
    key = spec.margin_group or spec.product
    for other in state.instruments.values():
        if not other.is_spot and (other.spec.margin_group or other.spec.product) == key:
            return "" if other.spec.larger_side == spec.larger_side else "larger_side"
    return ""


def instrument_state_set(state: State, command: InstrumentStateSet) -> None:
    instrument = state.instruments.get(command.instrument)
    if not command.scope & terms.SCOPE_OPERATE:
        state.refuse(Code.SCOPE_MISSING, "operate", instrument=command.instrument)
        return
    if instrument is None:
        state.refuse(Code.INSTRUMENT_NOT_FOUND, "instrument_id", instrument=command.instrument)
        return
    if instrument.state == terms.DELISTED or command.state not in (
        terms.TRADING,
        terms.SUSPENDED,
        terms.DELISTED,
    ):
        state.refuse(Code.INSTRUMENT_STATE, "state", value=command.state, instrument=command.instrument)
        return
    if command.state == terms.DELISTED:
        holders = holders_of(state, instrument)
        if holders:
            named = "accounts:" + ",".join(str(account_id) for account_id in holders[:10])
            state.refuse(
                Code.INSTRUMENT_IN_USE,
                named,
                len(holders),
                unit=terms.UNIT_COUNT,
                instrument=command.instrument,
            )
            return
    instrument.state = command.state
    state.out.append(InstrumentStateChanged(command.instrument, instrument.state, instrument.phase))


def holders_of(state: State, instrument: Instrument) -> list[int]:
    """Accounts with a position or a live order in the instrument, ascending."""
    found = {
        order.account.account_id
        for side in (instrument.book.bids, instrument.book.asks)
        for level in side
        for order in level
    }
    for account in state.accounts.values():
        position = account.positions.get(instrument.instrument)
        if position is not None and (position.long.volume or position.short.volume):
            found.add(account.account_id)
    return sorted(found)


def instrument_rates_set(state: State, command: InstrumentRatesSet) -> None:
    instrument = state.instruments.get(command.instrument)
    if not command.scope & terms.SCOPE_OPERATE:
        state.refuse(Code.SCOPE_MISSING, "operate", instrument=command.instrument)
    elif instrument is None:
        state.refuse(Code.INSTRUMENT_NOT_FOUND, "instrument_id", instrument=command.instrument)
    elif state.settling:
        state.refuse(Code.SETTLEMENT_RUNNING, "instrument_id", instrument=command.instrument)
    else:
        field = rates_fault(command.rates, instrument.spec.kind)
        if field:
            state.refuse(Code.RATES_INVALID, field, instrument=command.instrument)
            return
        instrument.rates_next = command.rates
        state.out.append(
            RatesChanged(command.instrument, command.rates, False, instrument.upper, instrument.lower)
        )


def venue_set(state: State, command: VenueSet) -> None:
    if not command.scope & terms.SCOPE_OPERATE:
        state.refuse(Code.SCOPE_MISSING, "operate")
    elif command.setting not in SETTINGS:
        state.refuse(Code.SETTING_UNKNOWN, "setting")
    else:
        _, lowest, highest = SETTINGS[command.setting]
        if not lowest <= command.value <= highest:
            limit = lowest if command.value < lowest else highest
            state.refuse(Code.SETTING_INVALID, command.setting, limit, command.value)
            return
        state.settings[command.setting] = command.value
        state.settings_apply()
        state.out.append(VenueChanged(command.setting, command.value))

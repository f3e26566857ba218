"""Opening accounts, grants, freezes, listing, rates and settings, as far as the random streams use them.
Called by tests/model/model.py."""

from dataclasses import fields
from decimal import Decimal

from engine.core import commands as c
from engine.core import terms
from engine.core.codes import Code
from engine.core.events import (
    AccountFrozen,
    AccountGranted,
    AccountOpened,
    CashMoved,
    InstrumentListed,
    InstrumentStateChanged,
    RatesChanged,
    TimeAdvanced,
    VenueChanged,
)
from tests.model.numbers import P4, RATIO, amount, ceil_to, floor_to, units
from tests.model.rights import operator_only
from tests.model.state import Account, Instrument
from tests.model.venue import Venue, refuse, refuse_money

SETTING_DEFAULTS = {
    "init_cash_max": 0,
    "risk_open_max": 950_000_000,
    "open_orders_max": 10_000,
    "client_ids_max": 100_000,
}
SETTING_BOUNDS = {
    "init_cash_max": (0, terms.MONEY_MAX),
    "risk_open_max": (1, terms.RATIO_ONE),
    "open_orders_max": (1, 100_000),
    "client_ids_max": (1, 10_000_000),
}
RIGHTS = terms.SCOPE_READ | terms.SCOPE_TRADE | terms.SCOPE_TRANSFER
FREEZES = terms.FREEZE_TRADING | terms.FREEZE_WITHDRAW


def account_open(venue: Venue, command: c.AccountOpen) -> None:
    if not command.scope & terms.SCOPE_OPERATE and command.actor != command.owner:
        refuse(Code.NOT_PERMITTED, "owner")
    if command.account_id in venue.accounts:
        refuse(Code.ACCOUNT_EXISTS, "account_id")
    if command.account_id <= 0 or command.owner <= 0:
        refuse(Code.ACCOUNT_NOT_FOUND, "account_id" if command.owner > 0 else "owner")
    cash, limit = amount(command.init_cash, "CNY"), amount(venue.settings["init_cash_max"], "CNY")
    if cash > limit:
        refuse_money(Code.INIT_CASH_TOO_HIGH, "init_cash", limit, cash, "CNY")
    cent = Decimal("0.01")
    if cash < 0 or cash % cent:
        refuse_money(Code.AMOUNT_INVALID, "init_cash", cent, cash, "CNY")
    account = Account(command.account_id, command.owner, deposit=cash)
    venue.accounts[command.account_id] = account
    venue.events.append(AccountOpened(command.account_id, command.owner, command.init_cash))
    if cash:
        venue.book_add(venue.external, "CNY", cash)
        venue.events.append(
            CashMoved(command.account_id, "", terms.CASH_INIT, terms.BOOK_FUTURES, "CNY", units(cash, "CNY"))
        )


def account_grant(venue: Venue, command: c.AccountGrant) -> None:
    account = venue.accounts.get(command.account_id)
    if account is None:
        refuse(Code.ACCOUNT_NOT_FOUND, "account_id")
    if not command.scope & terms.SCOPE_OPERATE and command.actor != account.owner:
        refuse(Code.NOT_PERMITTED, "account_id")
    if command.rights < 0 or command.rights & ~RIGHTS:
        refuse(Code.SETTING_INVALID, "rights", RIGHTS, command.rights)
    account.grants[command.user] = command.rights
    venue.events.append(AccountGranted(command.account_id, command.user, command.rights))


def account_freeze(venue: Venue, command: c.AccountFreeze) -> None:
    operator_only(command)
    account = venue.accounts.get(command.account_id)
    if account is None:
        refuse(Code.ACCOUNT_NOT_FOUND, "account_id")
    if command.freeze < 0 or command.freeze & ~FREEZES:
        refuse(Code.SETTING_INVALID, "freeze", FREEZES, command.freeze)
    account.freeze = command.freeze
    venue.events.append(AccountFrozen(command.account_id, command.freeze))


def venue_set(venue: Venue, command: c.VenueSet) -> None:
    operator_only(command)
    if command.setting not in SETTING_BOUNDS:
        refuse(Code.SETTING_UNKNOWN, "setting")
    lowest, highest = SETTING_BOUNDS[command.setting]
    if not lowest <= command.value <= highest:
        refuse(
            Code.SETTING_INVALID,
            command.setting,
            lowest if command.value < lowest else highest,
            command.value,
        )
    venue.settings[command.setting] = command.value
    venue.events.append(VenueChanged(command.setting, command.value))


def advance_time(venue: Venue, command: c.AdvanceTime) -> None:
    venue.events.append(TimeAdvanced())


def instrument_list(venue: Venue, command: c.InstrumentList) -> None:
    """The streams list only what can be listed; what cannot has its own table test."""
    operator_only(command)
    spec = command.spec
    if spec.instrument in venue.instruments:
        refuse(Code.INSTRUMENT_EXISTS, "instrument_id")
    if venue.settling and venue.trading_day:
        refuse(Code.SETTLEMENT_RUNNING, "instrument_id")
    tick = Decimal(spec.tick_units).scaleb(-spec.tick_scale)
    if spec.kind == terms.FUTURES and tick % P4:
        refuse(Code.INSTRUMENT_INVALID, "tick_scale")  # settlement prices are written in 1/10,000
    instrument = Instrument(spec, spec.listing_price * tick)
    if not venue.trading_day:
        instrument.phase = terms.CLOSED
    limits_set(instrument)
    venue.instruments[spec.instrument] = instrument
    venue.events.append(InstrumentListed(spec, instrument.upper, instrument.lower))


def limits_set(instrument: Instrument) -> None:
    """§1: pre_settlement × (1 ± ratio) rounded inwards to the tick, at least a tick each side, at least one tick."""
    rates, tick, pre = instrument.rates, instrument.tick, instrument.pre_settlement
    instrument.upper = instrument.lower = 0
    if instrument.is_spot or not rates.limit_up_ratio:
        return
    upper = max(floor_to(pre * (1 + rates.limit_up_ratio * RATIO), tick), floor_to(pre, tick) + tick)
    lower = min(ceil_to(pre * (1 - rates.limit_down_ratio * RATIO), tick), ceil_to(pre, tick) - tick)
    instrument.upper, instrument.lower = instrument.ticks(upper), instrument.ticks(max(lower, tick))


def instrument_state_set(venue: Venue, command: c.InstrumentStateSet) -> None:
    operator_only(command)
    instrument = venue.instruments.get(command.instrument)
    if instrument is None:
        refuse(Code.INSTRUMENT_NOT_FOUND, "instrument_id")
    if instrument.state == terms.DELISTED or command.state not in (
        terms.TRADING,
        terms.SUSPENDED,
        terms.DELISTED,
    ):
        refuse(Code.INSTRUMENT_STATE, "state", value=command.state)
    holders = [a.account_id for a in venue.accounts.values() if holds(a, instrument)]
    if command.state == terms.DELISTED and holders:
        named = "accounts:" + ",".join(str(account_id) for account_id in sorted(holders)[:10])
        refuse(Code.INSTRUMENT_IN_USE, named, len(holders), 0, terms.UNIT_COUNT)
    instrument.state = command.state
    venue.events.append(InstrumentStateChanged(instrument.id, instrument.state, instrument.phase))


def holds(account: Account, instrument: Instrument) -> bool:
    """Whether the account has a position or a live order there."""
    return any(lots and name == instrument.id for (name, _), lots in account.lots.items()) or any(
        order.body.instrument == instrument.id for order in account.orders
    )


def instrument_rates_set(venue: Venue, command: c.InstrumentRatesSet) -> None:
    operator_only(command)
    instrument = venue.instruments.get(command.instrument)
    if instrument is None:
        refuse(Code.INSTRUMENT_NOT_FOUND, "instrument_id")
    if venue.settling and venue.trading_day:
        refuse(Code.SETTLEMENT_RUNNING, "instrument_id")
    for rate in fields(command.rates):
        if getattr(command.rates, rate.name) < 0:
            refuse(Code.RATES_INVALID, rate.name)
    instrument.rates_pending = command.rates
    venue.events.append(RatesChanged(instrument.id, command.rates, False, instrument.upper, instrument.lower))

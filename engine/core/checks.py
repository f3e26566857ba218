"""Every check of an order, in the order of the rules; a refusal names code, field and limit.
Called by the order handlers before anything is frozen (trading-rules.md §2); nothing here changes anything."""

from typing import NamedTuple

from engine.core import terms
from engine.core.account import Account, Position
from engine.core.book import Order
from engine.core.codes import Code
from engine.core.commands import OrderSubmit
from engine.core.instrument import Instrument
from engine.core.state import State, id_is_valid, permitted


class Refusal(NamedTuple):
    code: Code
    field: str
    limit: int = 0
    value: int = 0
    unit: int = terms.UNIT_NONE


def sender_refused(account: Account | None, command: OrderSubmit) -> Refusal | None:
    client_order_id = command.client_order_id
    if account is None:
        return Refusal(Code.ACCOUNT_NOT_FOUND, "account_id")
    is_owner = command.actor == account.owner and command.scope & terms.SCOPE_TRADE
    if not is_owner and not permitted(account, command.actor, command.scope, terms.SCOPE_TRADE):
        return Refusal(Code.NOT_PERMITTED, "account_id")
    length_max = terms.CLIENT_ORDER_ID_LENGTH
    if not id_is_valid(client_order_id, length_max) and (client_order_id or command.actor != terms.VENUE):
        return Refusal(Code.CLIENT_ORDER_ID_INVALID, "client_order_id", length_max, 0, terms.UNIT_COUNT)
    if len(command.instrument) > terms.INSTRUMENT_ID_LENGTH:
        return Refusal(Code.INSTRUMENT_NOT_FOUND, "instrument_id")
    return None


def order_refused(
    state: State, account: Account, instrument: Instrument | None, command: OrderSubmit
) -> Refusal | None:
    """Freeze of the account, the instrument's state, what it supports, and the fields, in this order."""
    if account.freeze & terms.FREEZE_TRADING:
        return Refusal(Code.ACCOUNT_FROZEN, "account_id")
    if instrument is None:
        return Refusal(Code.INSTRUMENT_NOT_FOUND, "instrument_id")
    if instrument.state != terms.TRADING:
        return Refusal(Code.INSTRUMENT_NOT_TRADING, "instrument_id")
    if instrument.phase != terms.CONTINUOUS:
        return Refusal(Code.INSTRUMENT_PHASE, "instrument_id")
    refusal = _kind_refused(instrument, command)
    if refusal is not None:
        return refusal
    side = command.side
    if side != terms.BUY and side != terms.SELL:
        return Refusal(Code.SIDE_INVALID, "side")
    refusal = price_refused(instrument, command)
    if refusal is not None:
        return refusal
    refusal = _volume_refused(instrument, command)
    if refusal is not None:
        return refusal
    if command.post_only:
        best = instrument.book.opposite(side).best
        if best is not None and best.price * side <= command.price * side:
            return Refusal(Code.POST_ONLY_WOULD_TAKE, "price", best.price, command.price, terms.UNIT_TICKS)
    return None


def _kind_refused(instrument: Instrument, command: OrderSubmit) -> Refusal | None:
    """Order type, time in force, offset: what the product supports."""
    kind, time_in_force, offset = command.kind, command.time_in_force, command.offset
    spec = instrument.spec
    if kind == terms.MARKET:
        if not spec.allow_market:
            return Refusal(Code.ORDER_TYPE_NOT_SUPPORTED, "order_type")
        if time_in_force not in (terms.DAY, terms.IOC, terms.FOK):
            return Refusal(Code.TIME_IN_FORCE_NOT_SUPPORTED, "time_in_force")
    elif kind != terms.LIMIT:
        return Refusal(Code.ORDER_TYPE_NOT_SUPPORTED, "order_type")
    elif not terms.DAY <= time_in_force <= terms.FOK:
        return Refusal(Code.TIME_IN_FORCE_NOT_SUPPORTED, "time_in_force")
    if command.post_only and (kind == terms.MARKET or time_in_force > terms.GTC):
        return Refusal(Code.ORDER_TYPE_NOT_SUPPORTED, "post_only")
    if offset == terms.OPEN:
        return None
    if instrument.is_spot or offset not in (terms.CLOSE, terms.CLOSETODAY):
        return Refusal(Code.OFFSET_NOT_SUPPORTED, "offset")
    if offset == terms.CLOSETODAY:
        if spec.close_rule != terms.CLOSE_EXPLICIT and not spec.closetoday_alias:
            return Refusal(Code.OFFSET_NOT_SUPPORTED, "offset")
        if time_in_force == terms.GTC:
            return Refusal(Code.TIME_IN_FORCE_NOT_SUPPORTED, "time_in_force")
    return None


def price_refused(instrument: Instrument, command: OrderSubmit) -> Refusal | None:
    price, ticks = command.price, terms.UNIT_TICKS
    if command.kind == terms.MARKET:
        return Refusal(Code.PRICE_INVALID, "price", 0, price, ticks) if price else None
    if not 0 < price <= terms.PRICE_MAX:
        return Refusal(Code.PRICE_INVALID, "price", terms.PRICE_MAX, price, ticks)
    if instrument.upper:
        upper, lower = instrument.upper, instrument.lower
    else:
        upper, lower = instrument.price_bounds()
    if price > upper:
        return Refusal(Code.PRICE_ABOVE_UPPER_LIMIT, "price", upper, price, ticks)
    if price < lower:
        return Refusal(Code.PRICE_BELOW_LOWER_LIMIT, "price", lower, price, ticks)
    return None


def _volume_refused(instrument: Instrument, command: OrderSubmit) -> Refusal | None:
    if instrument.is_spot:
        refusal = _spot_size_refused(instrument, command)
        if refusal is not None or command.budget:
            return refusal
    elif command.budget:
        return Refusal(Code.BUDGET_INVALID, "budget", 0, command.budget, terms.UNIT_MONEY)
    volume, rates, lots = command.volume, instrument.rates, terms.UNIT_LOTS
    if not 0 < volume <= terms.VOLUME_MAX:
        return Refusal(Code.VOLUME_INVALID, "volume", terms.VOLUME_MAX, volume, lots)
    if command.kind == terms.MARKET:
        lowest, highest = rates.market_volume_min, rates.market_volume_max
    else:
        lowest, highest = rates.limit_volume_min, rates.limit_volume_max
    if volume > highest:
        return Refusal(Code.VOLUME_ABOVE_MAXIMUM, "volume", highest, volume, lots)
    if volume < lowest:
        return Refusal(Code.VOLUME_BELOW_MINIMUM, "volume", lowest, volume, lots)
    return None


def _spot_size_refused(instrument: Instrument, command: OrderSubmit) -> Refusal | None:
    """A market buy is by budget (and never FOK), nothing else is; the order is worth the minimum."""
    money, least = terms.UNIT_MONEY, instrument.spec.notional_min
    if command.kind == terms.MARKET and command.side == terms.BUY:
        if command.time_in_force == terms.FOK:
            return Refusal(Code.TIME_IN_FORCE_NOT_SUPPORTED, "time_in_force")
        if not 0 < command.budget < terms.MONEY_MAX:
            return Refusal(Code.BUDGET_INVALID, "budget", terms.MONEY_MAX, command.budget, money)
        if command.volume:
            return Refusal(Code.VOLUME_INVALID, "volume", 0, command.volume, terms.UNIT_LOTS)
        notional = command.budget
    elif command.budget:
        return Refusal(Code.BUDGET_INVALID, "budget", 0, command.budget, money)
    else:
        price = command.price or instrument.reference()
        notional = price * command.volume * instrument.tick_money
    if command.volume >= 0 and 0 < notional < least:
        return Refusal(
            Code.NOTIONAL_BELOW_MINIMUM, "budget" if command.budget else "price", least, notional, money
        )
    return None


def holdings_refused(state: State, account: Account, instrument: Instrument, order: Order) -> Refusal | None:
    """Lots to close, position limit, number of orders, money, risk level, in this order."""
    count = terms.UNIT_COUNT
    if instrument.is_spot:
        if account.orders >= state.open_orders_max:
            return Refusal(
                Code.TOO_MANY_OPEN_ORDERS, "account_id", state.open_orders_max, account.orders + 1, count
            )
        return _spot_funds_refused(account, instrument, order)
    if order.offset != terms.OPEN:
        refusal = _lots_refused(account, instrument, order)
        if refusal is not None:
            return refusal
    elif instrument.rates.position_limit:
        refusal = _position_limit_refused(state, account, instrument, order)
        if refusal is not None:
            return refusal
    if account.orders >= state.open_orders_max:
        return Refusal(
            Code.TOO_MANY_OPEN_ORDERS, "account_id", state.open_orders_max, account.orders + 1, count
        )
    if order.offset == terms.OPEN:
        return _money_refused(state, account, instrument, order)
    return None


def _lots_refused(account: Account, instrument: Instrument, order: Order) -> Refusal | None:
    position = account.positions.get(instrument.instrument)
    holding = position.holding(-order.side) if position is not None else None
    code = Code.INSUFFICIENT_POSITION
    if instrument.spec.close_rule != terms.CLOSE_EXPLICIT:
        free = holding.volume - holding.frozen if holding is not None else 0
    elif order.offset == terms.CLOSETODAY:
        code = Code.INSUFFICIENT_POSITION_TODAY
        free = holding.today_volume - holding.frozen_today if holding is not None else 0
    else:
        code = Code.INSUFFICIENT_POSITION_HISTORY
        free = holding.history_volume - holding.frozen_history if holding is not None else 0
    if order.volume > free:
        return Refusal(code, "volume", free, order.volume, terms.UNIT_LOTS)
    return None


def _position_limit_refused(
    state: State, account: Account, instrument: Instrument, order: Order
) -> Refusal | None:
    """Held + live OPEN + this order, of the account and of its owner's accounts together."""
    limit, side = instrument.rates.position_limit, order.side
    total = order.volume
    for other in state.owners[account.owner]:
        position: Position | None = other.positions.get(instrument.instrument)
        if position is not None:
            holding = position.holding(side)
            total += holding.volume + holding.opening
    # One's own lots are among the owner's: the owner's sum is the larger one.
    if total > limit:
        return Refusal(Code.POSITION_LIMIT, "volume", limit, total, terms.UNIT_LOTS)
    return None


def _money_refused(state: State, account: Account, instrument: Instrument, order: Order) -> Refusal | None:
    """available must cover margin and fee; after it (margin + frozen) ÷ equity ≤ the opening level (§7)."""
    volume = order.left
    margin, fee = order.margin_lot * volume, order.fee_lot * volume
    # What passes with every mark at the day's worse limit and no group's discount passes as things are: most orders
    # need no valuation of positions and groups.
    worst = account.equity_floor - account.frozen_commission - fee
    if (account.margin_gross + margin) * terms.RATIO_ONE <= state.risk_open_max * worst:
        return None
    charge_before = sum(account.margins())
    charge = sum(account.margins(instrument, order.side, margin))
    frozen = charge - charge_before
    available = account.available()
    if available < frozen + fee:
        return Refusal(Code.INSUFFICIENT_FUNDS, "volume", available, frozen + fee, terms.UNIT_MONEY)
    equity = available + charge_before - fee
    if charge * terms.RATIO_ONE > state.risk_open_max * equity:
        ratio = min(charge * terms.RATIO_ONE // equity if equity > 0 else terms.MONEY_MAX, terms.MONEY_MAX)
        return Refusal(Code.RISK_RATIO_TOO_HIGH, "account_id", state.risk_open_max, ratio, terms.UNIT_RATIO)
    return None


def spot_locks(instrument: Instrument, order: Order) -> tuple[str, int]:
    """(asset, units) a spot order locks."""
    if order.side < 0:
        return instrument.spec.base, order.volume * instrument.base_lot
    if order.budget:
        return instrument.spec.currency, order.budget
    return instrument.spec.currency, order.price * order.volume * instrument.tick_money


def _spot_funds_refused(account: Account, instrument: Instrument, order: Order) -> Refusal | None:
    asset, amount = spot_locks(instrument, order)
    wallet = account.wallets.get(asset)
    available = wallet.available if wallet is not None else 0
    if available < amount:
        field = "volume" if order.side < 0 else "budget" if order.budget else "price"
        return Refusal(Code.INSUFFICIENT_FUNDS, field, available, amount, terms.UNIT_MONEY)
    return None

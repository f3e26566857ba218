"""Submit, cancel and query: every check in its order, then freeze, match and rest.
Called by the engine; a refusal names code, field and limit and changes nothing (trading-rules.md §2)."""

from typing import NamedTuple

from engine.core import terms
from engine.core.account import Account, Body, ClientOrder, Position
from engine.core.book import Order
from engine.core.codes import Code
from engine.core.commands import OrderCancel, OrderQuery, OrderSubmit
from engine.core.events import OrderAccepted, OrderReported
from engine.core.fills import close_freeze
from engine.core.instrument import Instrument
from engine.core.matching import fillable, match, order_end, order_forget
from engine.core.state import State, id_is_valid, permitted


class Refusal(NamedTuple):
    code: Code
    field: str
    limit: int = 0
    value: int = 0
    unit: int = terms.UNIT_NONE


def order_submit(state: State, command: OrderSubmit) -> None:
    account = state.accounts.get(command.account_id)
    refusal = _sender_refused(account, command)
    if refusal is not None:
        _refuse(state, command, refusal)
        return
    assert account is not None
    if account.ids_roll != state.roll:
        account.ids_turn(state.roll)
    body = _body(command)
    if command.client_order_id:
        known = account.client_order(command.client_order_id)
        if known is not None:
            _repeat_answer(state, command, known, body)
            return
        if len(account.client_orders) >= state.client_ids_max:
            _refuse(
                state,
                command,
                Refusal(
                    Code.CLIENT_ORDER_IDS_EXHAUSTED,
                    "client_order_id",
                    state.client_ids_max,
                    0,
                    terms.UNIT_COUNT,
                ),
            )
            return
    instrument = state.instruments.get(command.instrument)
    refusal = _order_refused(state, account, instrument, command)
    if refusal is None:
        assert instrument is not None
        order = _order_make(account, instrument, command, state)
        refusal = _holdings_refused(state, account, instrument, order)
        if refusal is None:
            _accept(state, account, instrument, order, body)
            return
    if command.client_order_id:
        account.client_orders[command.client_order_id] = ClientOrder(
            body, state.seq, terms.REJECTED, command.volume, int(refusal.code)
        )
    _refuse(state, command, refusal)


def _refuse(state: State, command: OrderSubmit, refusal: Refusal) -> None:
    subject = command.instrument
    instrument = state.instruments.get(subject)
    if refusal.unit == terms.UNIT_MONEY and instrument is not None:
        in_base = instrument.is_spot and refusal.field == "volume"
        subject = instrument.spec.base if in_base else instrument.spec.currency
    state.refuse(
        refusal.code,
        refusal.field,
        refusal.limit,
        refusal.value,
        refusal.unit,
        command.account_id,
        subject,
        command.client_order_id,
        state.seq,
    )


def _sender_refused(account: Account | None, command: OrderSubmit) -> Refusal | None:
    if account is None:
        return Refusal(Code.ACCOUNT_NOT_FOUND, "account_id")
    if not permitted(account, command.actor, command.scope, terms.SCOPE_TRADE):
        return Refusal(Code.NOT_PERMITTED, "account_id")
    client_order_id = command.client_order_id
    if client_order_id or command.actor != terms.VENUE:
        length_max = terms.CLIENT_ORDER_ID_LENGTH
        if not id_is_valid(client_order_id, length_max):
            return Refusal(Code.CLIENT_ORDER_ID_INVALID, "client_order_id", length_max, 0, terms.UNIT_COUNT)
    if len(command.instrument) > terms.INSTRUMENT_ID_LENGTH:
        return Refusal(Code.INSTRUMENT_NOT_FOUND, "instrument_id")
    return None


def _body(command: OrderSubmit) -> Body:
    """What makes two orders with one client order id the same order."""
    return (
        command.instrument,
        command.side,
        command.offset,
        command.kind,
        command.time_in_force,
        command.price,
        command.volume,
        command.budget,
        command.post_only,
    )


def _repeat_answer(state: State, command: OrderSubmit, known: ClientOrder, body: Body) -> None:
    if known.body == body and known.status != terms.UNKNOWN:
        _report(state, command.account_id, command.client_order_id, known, True)
        return
    claimed = known.status == terms.UNKNOWN
    code = Code.CLIENT_ORDER_ID_CLAIMED if claimed else Code.CLIENT_ORDER_ID_CONFLICT
    _refuse(state, command, Refusal(code, "client_order_id"))


def _report(state: State, account_id: int, client_order_id: str, known: ClientOrder, repeated: bool) -> None:
    order = state.orders.get(known.order_id)
    left = order.left if order is not None else known.left
    state.out.append(
        OrderReported(known.order_id, account_id, client_order_id, known.status, left, known.code, repeated)
    )


def _order_refused(
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
    refusal = _price_refused(instrument, command)
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


def _price_refused(instrument: Instrument, command: OrderSubmit) -> Refusal | None:
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


def _order_make(account: Account, instrument: Instrument, command: OrderSubmit, state: State) -> Order:
    """The order with its bound and its per-lot reservation; nothing is frozen yet."""
    side, offset, price = command.side, command.offset, command.price
    if offset == terms.CLOSETODAY and instrument.spec.close_rule != terms.CLOSE_EXPLICIT:
        offset = terms.CLOSE
    if command.kind == terms.MARKET:
        best = instrument.book.opposite(side).best
        price = instrument.protection(side, best.price) if best is not None else 0
    margin_lot = fee_lot = 0
    if offset == terms.OPEN and not instrument.is_spot:
        reserve_price = price
        if side < 0:
            bid = instrument.book.bids.best
            if bid is not None and bid.price > price:
                reserve_price = bid.price
        costs = instrument.costs(reserve_price)
        margin_lot = costs.margin_long if side > 0 else costs.margin_short
        fee_lot = costs.fee_open
    return Order(
        state.seq,
        account,
        instrument,
        side,
        offset,
        command.kind,
        command.time_in_force,
        price,
        command.volume,
        command.post_only,
        command.budget,
        state.time,
        command.client_order_id,
        None,
        margin_lot,
        fee_lot,
    )


def _holdings_refused(state: State, account: Account, instrument: Instrument, order: Order) -> Refusal | None:
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
    margin, fee = order.margin_lot * order.volume, order.fee_lot * order.volume
    group = account.groups.get(instrument.group_key)
    frozen = group.frozen_with(order.side, margin) - group.frozen if group is not None else margin
    available = account.available()
    if available < frozen + fee:
        return Refusal(Code.INSUFFICIENT_FUNDS, "volume", available, frozen + fee, terms.UNIT_MONEY)
    charge = account.margin + account.frozen_margin
    equity = available + charge - fee
    charge += frozen
    if charge * terms.RATIO_ONE > state.risk_open_max * equity:
        ratio = min(charge * terms.RATIO_ONE // equity if equity > 0 else terms.MONEY_MAX, terms.MONEY_MAX)
        return Refusal(Code.RISK_RATIO_TOO_HIGH, "account_id", state.risk_open_max, ratio, terms.UNIT_RATIO)
    return None


def _spot_locks(instrument: Instrument, order: Order) -> tuple[str, int]:
    """(asset, units) a spot order locks."""
    if order.side < 0:
        return instrument.spec.base, order.volume * instrument.base_lot
    if order.budget:
        return instrument.spec.currency, order.budget
    return instrument.spec.currency, order.price * order.volume * instrument.tick_money


def _spot_funds_refused(account: Account, instrument: Instrument, order: Order) -> Refusal | None:
    asset, amount = _spot_locks(instrument, order)
    wallet = account.wallets.get(asset)
    available = wallet.available if wallet is not None else 0
    if available < amount:
        field = "volume" if order.side < 0 else "budget" if order.budget else "price"
        return Refusal(Code.INSUFFICIENT_FUNDS, field, available, amount, terms.UNIT_MONEY)
    return None


def _accept(state: State, account: Account, instrument: Instrument, order: Order, body: Body) -> None:
    """From here on nothing can fail: remember, freeze, match, rest or end."""
    state.orders[order.order_id] = order
    account.orders += 1
    if order.client_order_id:
        order.client = ClientOrder(body, order.order_id, terms.LIVE, order.volume, 0)
        account.client_orders[order.client_order_id] = order.client
    _freeze(account, instrument, order)
    state.out.append(
        OrderAccepted(
            order.order_id,
            account.account_id,
            instrument.instrument,
            order.side,
            order.offset,
            order.kind,
            order.time_in_force,
            order.price,
            order.volume,
            order.client_order_id,
            order.post_only,
            order.budget,
        )
    )
    if order.time_in_force == terms.FOK and not fillable(order, instrument):
        order_end(state, order, terms.EXPIRED, Code.NOT_FILLABLE)
        return
    best = instrument.book.opposite(order.side).best
    if order.kind == terms.LIMIT and (best is None or best.price * order.side > order.price * order.side):
        stopped = Code.NO_OPPOSITE
    else:
        stopped = match(state, order)
    _finish(state, instrument, order, stopped)


def _finish(state: State, instrument: Instrument, order: Order, stopped: Code) -> None:
    if order.budget:
        if stopped == Code.OK and order.budget_left == order.budget:
            stopped = Code.NOT_FILLABLE  # the budget does not buy one lot step: nothing filled is EXPIRED (§9)
        status = terms.FILLED if stopped == Code.OK else terms.EXPIRED
        order_end(state, order, status, stopped)
    elif not order.left:
        order_forget(state, order, terms.FILLED, Code.OK)
    elif stopped == Code.SELF_TRADE or order.kind == terms.MARKET:
        order_end(state, order, terms.EXPIRED, stopped)
    elif order.time_in_force == terms.IOC:
        order_end(state, order, terms.EXPIRED, Code.IMMEDIATE_REST)
    else:
        instrument.book.own(order.side).add(order)


def _freeze(account: Account, instrument: Instrument, order: Order) -> None:
    if instrument.is_spot:
        asset, amount = _spot_locks(instrument, order)
        wallet = account.wallet(asset)
        wallet.available -= amount
        wallet.locked += amount
        return
    position = account.position(instrument)
    volume = order.volume
    if order.offset != terms.OPEN:
        close_freeze(position.holding(-order.side), instrument, order.offset, volume)
        return
    account.frozen_commission += order.fee_lot * volume
    group = position.group
    if order.side > 0:
        position.long.opening += volume
        group.frozen_long += order.margin_lot * volume
    else:
        position.short.opening += volume
        group.frozen_short += order.margin_lot * volume
    group.refresh()


def order_recheck(state: State, order: Order) -> Refusal | None:
    """Step 8 of the day: check a surviving order as if it were new; when it passes, what it needs is frozen anew."""
    account, instrument = order.account, order.instrument
    command = OrderSubmit(
        terms.VENUE,
        terms.SCOPE_OPERATE,
        account.account_id,
        instrument.instrument,
        order.side,
        order.offset,
        order.kind,
        order.time_in_force,
        order.price,
        order.left,
    )
    if instrument.state != terms.TRADING:
        return Refusal(Code.INSTRUMENT_NOT_TRADING, "instrument_id")
    fresh = _order_make(account, instrument, command, state)
    account.orders -= 1
    refusal = _price_refused(instrument, command) or _holdings_refused(state, account, instrument, fresh)
    account.orders += 1
    if refusal is None:
        order.margin_lot, order.fee_lot = fresh.margin_lot, fresh.fee_lot
        _freeze(account, instrument, fresh)
    return refusal


def order_cancel(state: State, command: OrderCancel) -> None:
    account = state.accounts.get(command.account_id)
    if account is None:
        state.refuse(Code.ACCOUNT_NOT_FOUND, "account_id", account_id=command.account_id)
        return
    if not permitted(account, command.actor, command.scope, terms.SCOPE_TRADE):
        state.refuse(Code.NOT_PERMITTED, "account_id", account_id=command.account_id)
        return
    if account.ids_roll != state.roll:
        account.ids_turn(state.roll)
    order_id, field = command.order_id, "order_id"
    if order_id:
        known = account.order_ended(order_id)
    else:
        field = "client_order_id"
        known = account.client_order(command.client_order_id)
        order_id = known.order_id if known is not None else 0
    order = state.orders.get(order_id)
    if order is None or order.account is not account:
        _cancel_refuse(state, command, field, known)
        return
    if state.settling and not order.instrument.is_spot:
        state.refuse(Code.SETTLEMENT_RUNNING, field, account_id=command.account_id, order_id=order.order_id)
        return
    order_end(state, order, terms.CANCELLED, Code.CANCELLED_BY_CLIENT)


def _cancel_refuse(state: State, command: OrderCancel, field: str, known: ClientOrder | None) -> None:
    """An unknown order, or one that is finished: the refusal says how (value: terms.FILLED …, limit: its code)."""
    finished = known is not None and known.status != terms.UNKNOWN
    state.refuse(
        Code.ORDER_FINISHED if finished else Code.ORDER_NOT_FOUND,
        field,
        limit=known.code if known is not None and finished else 0,
        value=known.status if known is not None and finished else 0,
        account_id=command.account_id,
        client_order_id=command.client_order_id,
        order_id=known.order_id if known is not None and finished else command.order_id,
    )


def order_query(state: State, command: OrderQuery) -> None:
    account = state.accounts.get(command.account_id)
    client_order_id, length_max = command.client_order_id, terms.CLIENT_ORDER_ID_LENGTH
    if account is None:
        state.refuse(Code.ACCOUNT_NOT_FOUND, "account_id", account_id=command.account_id)
    elif not permitted(account, command.actor, command.scope, terms.SCOPE_TRADE):
        state.refuse(Code.NOT_PERMITTED, "account_id", account_id=command.account_id)
    elif not id_is_valid(client_order_id, length_max):
        state.refuse(
            Code.CLIENT_ORDER_ID_INVALID,
            "client_order_id",
            length_max,
            0,
            terms.UNIT_COUNT,
            command.account_id,
        )
    else:
        if account.ids_roll != state.roll:
            account.ids_turn(state.roll)
        known = account.client_order(client_order_id)
        if known is None:
            if len(account.client_orders) >= state.client_ids_max:
                state.refuse(
                    Code.CLIENT_ORDER_IDS_EXHAUSTED,
                    "client_order_id",
                    state.client_ids_max,
                    0,
                    terms.UNIT_COUNT,
                    command.account_id,
                )
                return
            known = ClientOrder(None, 0, terms.UNKNOWN, 0, 0)
            account.client_orders[client_order_id] = known
        _report(state, command.account_id, client_order_id, known, False)

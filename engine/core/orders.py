"""Submit, cancel and query: check, freeze, match, rest; every answer an event.
Called by the engine; a refusal changes nothing but what is remembered of the client order id (trading-rules.md §2)."""

from engine.core import terms
from engine.core.account import Account
from engine.core.book import NoOrder, Order
from engine.core.checks import (
    Refusal,
    holdings_refused,
    order_refused,
    price_refused,
    sender_refused,
    spot_locks,
)
from engine.core.codes import Code
from engine.core.commands import OrderCancel, OrderQuery, OrderSubmit, body_of
from engine.core.events import OrderAccepted, OrderReported
from engine.core.fills import close_freeze
from engine.core.instrument import Instrument
from engine.core.matching import fillable, match, order_end, order_forget
from engine.core.state import State, id_is_valid, permitted


def order_submit(state: State, command: OrderSubmit) -> None:
    account = state.accounts.get(command.account_id)
    refusal = sender_refused(account, command)
    if refusal is not None:
        _refuse(state, command, refusal)
        return
    assert account is not None
    if account.ids_roll != state.roll:
        account.ids_turn(state.roll)
    client_order_id = command.client_order_id
    if client_order_id:
        known = account.client_order(client_order_id)
        if known is not None:
            _repeat_answer(state, command, known)
            return
        if len(account.client_orders) >= state.client_ids_max:
            code, limit = Code.CLIENT_ORDER_IDS_EXHAUSTED, state.client_ids_max
            _refuse(state, command, Refusal(code, "client_order_id", limit, 0, terms.UNIT_COUNT))
            return
    instrument = state.instruments.get(command.instrument)
    if instrument is not None and _plain_accepted(state, account, instrument, command):
        return
    refusal = order_refused(state, account, instrument, command)
    if refusal is None:
        assert instrument is not None
        order = _order_make(account, instrument, command, state)
        refusal = holdings_refused(state, account, instrument, order)
        if refusal is None:
            _accept(state, account, instrument, order)
            return
    if client_order_id:
        account.client_orders[client_order_id] = NoOrder(
            state.seq, command, terms.REJECTED, command.volume, int(refusal.code)
        )
    _refuse(state, command, refusal)


def _plain_accepted(state: State, account: Account, instrument: Instrument, command: OrderSubmit) -> bool:
    """The common case in one look: a valid limit order that opens a future and is covered even at the day's worst
    marks. False decides nothing: the order then goes through every check one by one."""
    price, volume, side, rates = command.price, command.volume, command.side, instrument.rates
    if (
        command.kind
        or command.offset
        or command.post_only
        or command.budget
        or account.freeze
        or instrument.is_spot
        or instrument.phase != terms.CONTINUOUS
        or instrument.state != terms.TRADING
        or not instrument.lower <= price <= instrument.upper
        or not rates.limit_volume_min <= volume <= rates.limit_volume_max
        or rates.position_limit
        or not terms.DAY <= command.time_in_force <= terms.FOK
        or account.orders >= state.open_orders_max
    ):
        return False
    if side == terms.BUY:
        costs = instrument.costs(price)
        margin_lot = costs.margin_long
    elif side == terms.SELL:
        bid = instrument.book.bids.best
        costs = instrument.costs(price if bid is None or bid.price <= price else bid.price)
        margin_lot = costs.margin_short
    else:
        return False
    worst = account.equity_floor - account.frozen_commission - costs.fee_open * volume
    if (account.margin_gross + margin_lot * volume) * terms.RATIO_ONE > state.risk_open_max * worst:
        return False
    order = Order(
        state.seq, account, instrument, command, terms.OPEN, price, state.time, margin_lot, costs.fee_open
    )
    _accept(state, account, instrument, order)
    return True


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


def _repeat_answer(state: State, command: OrderSubmit, known: Order | NoOrder) -> None:
    """The same order again is answered with the original and its state; another one under its id is refused."""
    if known.command is not None and body_of(known.command) == body_of(command):
        _report(state, command.account_id, command.client_order_id, known, True)
        return
    claimed = known.status == terms.UNKNOWN
    code = Code.CLIENT_ORDER_ID_CLAIMED if claimed else Code.CLIENT_ORDER_ID_CONFLICT
    _refuse(state, command, Refusal(code, "client_order_id"))


def _report(
    state: State, account_id: int, client_order_id: str, known: Order | NoOrder, repeated: bool
) -> None:
    state.out.append(
        OrderReported(
            known.order_id, account_id, client_order_id, known.status, known.left, known.code, repeated
        )
    )


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
        if side > 0:
            costs = instrument.costs(price)
            margin_lot = costs.margin_long
        else:
            bid = instrument.book.bids.best
            costs = instrument.costs(bid.price if bid is not None and bid.price > price else price)
            margin_lot = costs.margin_short
        fee_lot = costs.fee_open
    return Order(state.seq, account, instrument, command, offset, price, state.time, margin_lot, fee_lot)


def _accept(state: State, account: Account, instrument: Instrument, order: Order) -> None:
    """From here on nothing can fail: remember, freeze, match, rest or end."""
    state.orders[order.order_id] = order
    account.orders += 1
    command = order.command
    if command.client_order_id:
        account.client_orders[command.client_order_id] = order
    _freeze(account, instrument, order)
    state.out.append(
        OrderAccepted(
            order.order_id,
            account.account_id,
            instrument.instrument,
            order.side,
            order.offset,
            command.kind,
            command.time_in_force,
            order.price,
            command.volume,
            command.client_order_id,
            command.post_only,
            command.budget,
        )
    )
    side = command.side
    best = instrument.book.opposite(side).best
    if command.kind == terms.LIMIT and (best is None or best.price * side > order.price * side):
        if command.time_in_force <= terms.GTC:
            instrument.book.own(side).add(order)
        else:
            fok = command.time_in_force == terms.FOK
            order_end(state, order, terms.EXPIRED, Code.NOT_FILLABLE if fok else Code.IMMEDIATE_REST)
    elif command.time_in_force == terms.FOK and not fillable(order, instrument):
        order_end(state, order, terms.EXPIRED, Code.NOT_FILLABLE)
    else:
        _finish(state, instrument, order, match(state, order))


def _finish(state: State, instrument: Instrument, order: Order, stopped: Code) -> None:
    if order.budget:
        if stopped == Code.OK and order.budget_left == order.budget:
            stopped = (
                Code.NOT_FILLABLE
            )  # the budget does not buy one lot step: nothing filled is EXPIRED (§9)
        status = terms.FILLED if stopped == Code.OK else terms.EXPIRED
        order_end(state, order, status, stopped)
    elif not order.left:
        order_forget(state, order, terms.FILLED, 0)
    elif stopped == Code.SELF_TRADE or order.kind == terms.MARKET:
        order_end(state, order, terms.EXPIRED, stopped)
    elif order.time_in_force == terms.IOC:
        order_end(state, order, terms.EXPIRED, Code.IMMEDIATE_REST)
    else:
        instrument.book.own(order.side).add(order)


def _freeze(account: Account, instrument: Instrument, order: Order) -> None:
    if instrument.is_spot:
        asset, amount = spot_locks(instrument, order)
        wallet = account.wallet(asset)
        wallet.available -= amount
        wallet.locked += amount
        return
    position = order.position = account.position(instrument)
    volume = order.left
    if order.offset != terms.OPEN:
        close_freeze(position.holding(-order.side), instrument, order.offset, volume)
        return
    margin = order.margin_lot * volume
    holding = position.holding(order.side)
    holding.opening += volume
    holding.margin_frozen += margin
    account.margin_gross += margin
    account.frozen_commission += order.fee_lot * volume


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
    refusal = price_refused(instrument, command) or holdings_refused(state, account, instrument, fresh)
    account.orders += 1
    if refusal is None:
        order.margin_lot, order.fee_lot = fresh.margin_lot, fresh.fee_lot
        _freeze(account, instrument, fresh)
        order.position = fresh.position
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
    own = command.actor == account.owner or account.grants.get(command.actor, 0) & terms.SCOPE_TRADE
    order_end(state, order, terms.CANCELLED, Code.CANCELLED_BY_CLIENT if own else Code.CANCELLED_BY_VENUE)


def _cancel_refuse(state: State, command: OrderCancel, field: str, known: Order | NoOrder | None) -> None:
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
            known = NoOrder(0, None, terms.UNKNOWN, 0, 0)
            account.client_orders[client_order_id] = known
        _report(state, command.account_id, client_order_id, known, False)

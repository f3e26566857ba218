"""The end of the day as a chain of bounded commands, and the opening of the next (trading-rules.md §8).
Called by the engine; each step is refused out of its order, each chunk out of its cursor."""

from bisect import bisect_left
from itertools import islice

from engine.core import terms
from engine.core.account import Account, Position
from engine.core.book import Order
from engine.core.codes import Code
from engine.core.commands import DayOpen, DayStep, SettlementPriceSet
from engine.core.events import (
    AccountSettled,
    DayOpened,
    DayStepDone,
    InstrumentStateChanged,
    PositionSettled,
    RatesChanged,
    SettlementPrice,
)
from engine.core.instrument import Instrument, LotCosts
from engine.core.invariants import books_faults
from engine.core.matching import order_end
from engine.core.orders import order_recheck
from engine.core.state import State

DAY_MIN = 19_900_101


def day_step(state: State, command: DayStep) -> None:
    if not command.scope & terms.SCOPE_OPERATE:
        state.refuse(Code.SCOPE_MISSING, "operate")
        return
    due = state.step + 1
    if state.trading_day == 0 or due > terms.STEP_CHECKED or command.step != due:
        state.refuse(Code.DAY_STEP_ORDER, "step", due, command.step, terms.UNIT_COUNT)
        return
    if command.step != terms.STEP_CLOSED and command.run_id != state.run_id:
        state.refuse(Code.DAY_STEP_ORDER, "run_id", state.run_id, command.run_id, terms.UNIT_COUNT)
        return
    if command.cursor != state.cursor:
        state.refuse(Code.DAY_CURSOR, "cursor", state.cursor, command.cursor, terms.UNIT_COUNT)
        return
    _STEPS[command.step](state, command)


def _close(state: State, command: DayStep) -> None:
    """Steps 1 and 3: futures CLOSED; the settlement price of each is computed, to be confirmed."""
    state.run_id = command.run_id
    state.step = terms.STEP_CLOSED
    state.out.append(DayStepDone(command.run_id, terms.STEP_CLOSED, 0, True))
    for instrument in _futures(state):
        instrument.phase = terms.CLOSED
        instrument.settlement, instrument.settlement_traded = instrument.settlement_computed()
        instrument.settlement_confirmed = False
        state.out.append(InstrumentStateChanged(instrument.instrument, instrument.state, instrument.phase))
        state.out.append(
            SettlementPrice(instrument.instrument, instrument.settlement, False, instrument.settlement_traded)
        )


def settlement_price_set(state: State, command: SettlementPriceSet) -> None:
    """The operator confirms the computed price (0) or types another, within the day's limits."""
    instrument = state.instruments.get(command.instrument)
    if not command.scope & terms.SCOPE_OPERATE:
        state.refuse(Code.SCOPE_MISSING, "operate")
    elif instrument is None or instrument.is_spot:
        state.refuse(Code.INSTRUMENT_NOT_FOUND, "instrument_id", instrument=command.instrument)
    elif state.step not in (terms.STEP_CLOSED, terms.STEP_EXPIRED) or state.trading_day == 0:
        state.refuse(Code.DAY_STEP_ORDER, "step", terms.STEP_CLOSED, state.step, terms.UNIT_COUNT)
    elif state.step == terms.STEP_EXPIRED and state.cursor:
        state.refuse(Code.DAY_STEP_ORDER, "step", terms.STEP_EXPIRED, state.step, terms.UNIT_COUNT)
    else:
        price = command.price or instrument.settlement
        lower, upper = (ticks * instrument.tick_p4 for ticks in (instrument.lower, instrument.upper))
        if price <= 0 or (upper and not lower <= price <= upper):
            limit = upper if price > upper else lower
            state.refuse(
                Code.SETTLEMENT_PRICE_INVALID, "price", limit, price, terms.UNIT_P4, 0, instrument.instrument
            )
            return
        instrument.settlement = price
        instrument.settlement_confirmed = True
        state.out.append(SettlementPrice(instrument.instrument, price, True, instrument.settlement_traded))


def _expire(state: State, command: DayStep) -> None:
    """Step 2: DAY orders and every order of a contract on its last trading day end; GTC orders stay."""
    ended = 0
    for order_id in [key for key in state.orders if key >= command.cursor]:
        order = state.orders[order_id]
        last_day = 0 < order.instrument.spec.last_trading_day <= state.trading_day
        if order.time_in_force == terms.DAY or last_day:
            if ended == terms.CHUNK:
                _chunk_done(state, command, order_id)
                return
            if not ended:
                state.out.append(DayStepDone(command.run_id, command.step, order_id, False))
            ended += 1
            order_end(state, order, terms.EXPIRED, Code.DAY_ENDED)
    _step_done(state, command)


def _settle(state: State, command: DayStep) -> None:
    """Steps 4 and 6: refuse while a price is unconfirmed; then mark each account to market."""
    missing = sum(not instrument.settlement_confirmed for instrument in _futures(state))
    if missing:
        state.refuse(Code.SETTLEMENT_PRICE_MISSING, "settlement_price", missing, 0, terms.UNIT_COUNT)
        return
    costs = {i.instrument: LotCosts(i.settlement * i.p4_money, i.rates) for i in _futures(state)}
    for account in _accounts_begin(state, command):
        _account_settle(state, account, costs)
    if _accounts_end(state, command):
        for instrument in _futures(state):
            instrument.pre_settlement = instrument.settlement
            instrument.history_costs = costs[instrument.instrument]
            instrument.settlement_confirmed = False
            instrument.day_turn()
            instrument.mark_money = instrument.pre_settlement * instrument.p4_money


def _account_settle(state: State, account: Account, costs: dict[str, LotCosts]) -> None:
    """The balance at the settlement price becomes pre_balance; today's lots become history."""
    profit = 0
    for name, position in sorted(account.positions.items()):
        instrument = position.instrument
        variation = _position_settle(position, costs[name])
        profit += variation
        instrument.clearing += variation
        if variation:
            state.out.append(PositionSettled(account.account_id, name, variation))
    for name in [name for name, position in account.positions.items() if position.is_empty]:
        del account.positions[name]
    balance = account.cash() + profit
    state.out.append(
        AccountSettled(
            account.account_id,
            state.trading_day,
            account.pre_balance,
            account.deposit,
            account.withdraw,
            account.close_profit,
            profit,
            account.commission,
            balance,
            account.margins()[0],
        )
    )
    account.pre_balance = balance
    account.deposit = account.withdraw = account.close_profit = account.commission = 0
    account.refresh()


def _position_settle(position: Position, costs: LotCosts) -> int:
    """Move the position price to the settlement price; returns the variation (money units)."""
    lot_money = position.instrument.settlement * position.instrument.p4_money
    variation = 0
    for holding, margin_lot in ((position.long, costs.margin_long), (position.short, costs.margin_short)):
        variation += holding.side * (lot_money * holding.volume - holding.position_cost)
        holding.history.extend(holding.today)
        holding.today.clear()
        holding.history_volume += holding.today_volume
        holding.today_volume = holding.today_pool = 0
        holding.frozen_history += holding.frozen_today
        holding.frozen_today = 0
        holding.position_cost = lot_money * holding.history_volume
        holding.margin = holding.margin_history = margin_lot * holding.history_volume
    return variation


def _rate(state: State, command: DayStep) -> None:
    """Step 7: the next day's rates and limits take effect; margins are recomputed, reservations let go until 8."""
    if command.cursor == 0:
        state.out.append(DayStepDone(command.run_id, command.step, 0, False))
        for instrument in state.instruments.values():
            if instrument.state != terms.DELISTED:
                _rates_turn(state, instrument)
    for account in _accounts_begin(state, command, announce=command.cursor != 0):
        for position in account.positions.values():
            costs = position.instrument.history_costs
            for holding, margin_lot in (
                (position.long, costs.margin_long),
                (position.short, costs.margin_short),
            ):
                holding.margin = holding.margin_history = margin_lot * holding.history_volume
                holding.frozen = holding.frozen_history = holding.frozen_today = 0
                holding.opening = holding.margin_frozen = 0
        account.frozen_commission = 0
        account.refresh()
    _accounts_end(state, command)


def _rates_turn(state: State, instrument: Instrument) -> None:
    instrument.rates_apply(instrument.rates_next or instrument.rates)
    instrument.rates_next = None
    until = instrument.spec.larger_side_until
    if not instrument.is_spot and 0 < until <= state.trading_day:
        # Past this day the contract is charged on both sides, outside its group.
        instrument.group_key = instrument.instrument
        instrument.larger_side = terms.LARGER_OFF
    state.out.append(
        RatesChanged(instrument.instrument, instrument.rates, True, instrument.upper, instrument.lower)
    )


def _revalidate(state: State, command: DayStep) -> None:
    """Step 8: each surviving futures order, in acceptance order, is checked as if new and keeps its priority."""
    found = (o for key, o in state.orders.items() if key >= command.cursor and not o.instrument.is_spot)
    orders: list[Order] = list(islice(found, terms.CHUNK + 1))
    state.out.append(DayStepDone(command.run_id, command.step, command.cursor, False))
    for order in orders[: terms.CHUNK]:
        refusal = order_recheck(state, order)
        if refusal is not None:
            order_end(state, order, terms.CANCELLED, refusal.code, holds=False)
    if len(orders) > terms.CHUNK:
        state.cursor = orders[terms.CHUNK].order_id
        state.out.append(DayStepDone(command.run_id, command.step, state.cursor, False))
    else:
        _step_done(state, command)


def _check(state: State, command: DayStep) -> None:
    """Step 10: the ledger sums to 0, clearing is 0, Σ long = Σ short; a difference stops the run."""
    faults = books_faults(state)
    if faults:
        name, difference = faults[0]
        state.refuse(Code.LEDGER_UNBALANCED, name, 0, difference)
        return
    _step_done(state, command)


def day_open(state: State, command: DayOpen) -> None:
    """Step 12: the one trading day of the partition turns."""
    day = command.trading_day
    if not command.scope & terms.SCOPE_OPERATE:
        state.refuse(Code.SCOPE_MISSING, "operate")
    elif state.step != terms.STEP_CHECKED:
        state.refuse(Code.DAY_STEP_ORDER, "step", state.step + 1, terms.STEP_OPEN, terms.UNIT_COUNT)
    elif not max(DAY_MIN, state.trading_day + 1) <= day <= terms.DAY_MAX or not 1 <= day % 100 <= 31:
        state.refuse(Code.TRADING_DAY_INVALID, "trading_day", state.trading_day, day)
    else:
        state.trading_day = day
        state.step = terms.STEP_OPEN
        state.cursor = 0
        state.roll += 1
        state.requests_turn()
        state.out.append(DayOpened(day))
        for instrument in state.instruments.values():
            if instrument.is_spot:
                instrument.day_turn()
            if instrument.state != terms.DELISTED and instrument.phase == terms.CLOSED:
                instrument.phase = terms.CONTINUOUS
                state.out.append(
                    InstrumentStateChanged(instrument.instrument, instrument.state, instrument.phase)
                )


def _futures(state: State) -> list[Instrument]:
    return [i for i in state.instruments.values() if not i.is_spot and i.state != terms.DELISTED]


def _accounts_begin(state: State, command: DayStep, *, announce: bool = True) -> list[Account]:
    """This chunk's accounts, in account order; its first event says which chunk it is."""
    start = bisect_left(state.account_ids, command.cursor)
    chunk = state.account_ids[start : start + terms.CHUNK]
    if announce:
        state.out.append(DayStepDone(command.run_id, command.step, command.cursor, False))
    return [state.accounts[account_id] for account_id in chunk]


def _accounts_end(state: State, command: DayStep) -> bool:
    """Move the cursor on; True when the last account is done."""
    start = bisect_left(state.account_ids, command.cursor) + terms.CHUNK
    if start < len(state.account_ids):
        _chunk_done(state, command, state.account_ids[start])
        return False
    _step_done(state, command)
    return True


def _chunk_done(state: State, command: DayStep, cursor: int) -> None:
    state.cursor = cursor
    state.out.append(DayStepDone(command.run_id, command.step, cursor, False))


def _step_done(state: State, command: DayStep) -> None:
    state.step = command.step
    state.cursor = 0
    state.out.append(DayStepDone(command.run_id, command.step, 0, True))


_STEPS = {
    terms.STEP_CLOSED: _close,
    terms.STEP_EXPIRED: _expire,
    terms.STEP_SETTLED: _settle,
    terms.STEP_RATED: _rate,
    terms.STEP_REVALIDATED: _revalidate,
    terms.STEP_CHECKED: _check,
}

"""The end of the day and the opening of the next (trading-rules.md §8), without chunks.
Called by tests/model/model.py; the streams stay below one chunk, chunking has its own test."""

from dataclasses import replace
from decimal import Decimal

from engine.core import terms
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
from tests.model.admin import limits_set
from tests.model.matching import order_end
from tests.model.numbers import P4, ZERO, half_up, units
from tests.model.orders import (
    closable_check,
    futures_money_check,
    limit_price_check,
    position_limit_check,
    reserve_price,
)
from tests.model.rights import operator_only
from tests.model.state import Account, Instrument, Order
from tests.model.venue import Refusal, Venue, refuse

HOUR_NS = 3_600_000_000_000


def futures(venue: Venue) -> list[Instrument]:
    return [i for i in venue.instruments.values() if not i.is_spot and i.state != terms.DELISTED]


def day_step(venue: Venue, command: DayStep) -> None:
    operator_only(command)
    due = venue.step + 1
    if venue.trading_day == 0 or due > terms.STEP_CHECKED or command.step != due:
        refuse(Code.DAY_STEP_ORDER, "step", due, command.step, terms.UNIT_COUNT)
    if command.step != terms.STEP_CLOSED and command.run_id != venue.run_id:
        refuse(Code.DAY_STEP_ORDER, "run_id", venue.run_id, command.run_id, terms.UNIT_COUNT)
    if command.cursor != 0:
        refuse(Code.DAY_CURSOR, "cursor", 0, command.cursor, terms.UNIT_COUNT)
    if len(venue.accounts) > terms.CHUNK or sum(len(a.orders) for a in venue.accounts.values()) > terms.CHUNK:
        raise AssertionError("the slow model does the day in one chunk")
    STEPS[command.step](venue, command)
    venue.step = command.step
    venue.run_id = command.run_id


def done(venue: Venue, command: DayStep, finished: bool = True, cursor: int = 0) -> None:
    venue.events.append(DayStepDone(command.run_id, command.step, cursor, finished))


def step_close(venue: Venue, command: DayStep) -> None:
    done(venue, command)
    for instrument in futures(venue):
        instrument.phase = terms.CLOSED
        instrument.settlement = settlement_price(instrument)
        instrument.settlement_confirmed = False
        venue.events.append(InstrumentStateChanged(instrument.id, instrument.state, terms.CLOSED))
        price_tell(venue, instrument)


def price_tell(venue: Venue, instrument: Instrument) -> None:
    price = int((instrument.settlement or ZERO) / P4)
    traded = bool(instrument.prints)
    venue.events.append(SettlementPrice(instrument.id, price, instrument.settlement_confirmed, traded))


def settlement_price(instrument: Instrument) -> Decimal:
    """§8 step 3: the day's volume-weighted average, or of the last hour with trades; none: the one before."""
    prints = instrument.prints
    if not prints:
        return instrument.pre_settlement
    if instrument.spec.settlement_price_rule == terms.SETTLE_VWAP_LAST_HOUR:
        last = prints[-1][0] // HOUR_NS
        prints = [p for p in prints if p[0] // HOUR_NS == last]
    value = sum((price * lots for _, price, lots in prints), ZERO)
    return half_up(value / sum(lots for _, _, lots in prints), instrument.tick)


def settlement_price_set(venue: Venue, command: SettlementPriceSet) -> None:
    operator_only(command)
    instrument = venue.instruments.get(command.instrument)
    if instrument is None or instrument.is_spot:
        refuse(Code.INSTRUMENT_NOT_FOUND, "instrument_id")
    if venue.step not in (terms.STEP_CLOSED, terms.STEP_EXPIRED) or venue.trading_day == 0:
        refuse(Code.DAY_STEP_ORDER, "step", terms.STEP_CLOSED, venue.step, terms.UNIT_COUNT)
    price = command.price * P4 if command.price else instrument.settlement or ZERO
    upper, lower = instrument.upper * instrument.tick, instrument.lower * instrument.tick
    if price <= 0 or (upper and not lower <= price <= upper):
        limit = upper if price > upper else lower
        refuse(
            Code.SETTLEMENT_PRICE_INVALID,
            "price",
            int(limit / P4),
            int(price / P4),
            terms.UNIT_P4,
            instrument.id,
        )
    instrument.settlement = price
    instrument.settlement_confirmed = True
    price_tell(venue, instrument)


def step_expire(venue: Venue, command: DayStep) -> None:
    live = sorted((o for a in venue.accounts.values() for o in a.orders), key=lambda o: o.order_id)
    ending = [o for o in live if o.body.time_in_force == terms.DAY or on_last_day(venue, o)]
    if ending:
        done(venue, command, False, ending[0].order_id)
    for order in ending:
        order_end(venue, order, terms.EXPIRED, Code.DAY_ENDED)
    done(venue, command)


def on_last_day(venue: Venue, order: Order) -> bool:
    return 0 < venue.instruments[order.body.instrument].spec.last_trading_day <= venue.trading_day


def step_settle(venue: Venue, command: DayStep) -> None:
    missing = sum(1 for i in futures(venue) if not i.settlement_confirmed)
    if missing:
        refuse(Code.SETTLEMENT_PRICE_MISSING, "settlement_price", missing, 0, terms.UNIT_COUNT)
    done(venue, command, False)
    variations = {a.account_id: account_variations(venue, a) for a in venue.accounts.values()}
    interest = {i.id: open_interest(venue, i) for i in futures(venue)}
    for instrument in futures(venue):
        instrument.pre_settlement = instrument.settlement or ZERO
        instrument.settlement_confirmed = False
        day_turn(instrument, interest[instrument.id])
    for account_id in sorted(venue.accounts):
        account_settle(venue, venue.accounts[account_id], variations[account_id])
    done(venue, command)


def open_interest(venue: Venue, instrument: Instrument) -> int:
    books = (a.lots.get((instrument.id, terms.BUY), []) for a in venue.accounts.values())
    return sum(lot.volume for lots in books for lot in lots)


def day_turn(instrument: Instrument, interest: int = 0) -> None:
    instrument.pre_close = instrument.last
    instrument.pre_open_interest = interest
    instrument.prints = []


def account_variations(venue: Venue, account: Account) -> dict[str, Decimal]:
    """Profit of each position from its position price to the settlement price, by instrument."""
    found: dict[str, Decimal] = {}
    for (name, side), lots in account.lots.items():
        instrument = venue.instruments[name]
        price = instrument.settlement or ZERO
        for lot in lots:
            profit = side * instrument.value(price - lot.position_price, lot.volume)
            found[name] = found.get(name, ZERO) + profit
    return found


def account_settle(venue: Venue, account: Account, variations: dict[str, Decimal]) -> None:
    """The balance at the settlement price becomes pre_balance, today's lots become history."""
    for name in sorted(variations):
        venue.book_add(venue.clearing, name, variations[name])
        if variations[name]:
            value = units(variations[name], venue.instruments[name].spec.currency)
            venue.events.append(PositionSettled(account.account_id, name, value))
    for (name, _), lots in account.lots.items():
        for lot in lots:
            lot.today = False
            lot.position_price = venue.instruments[name].pre_settlement
    account.pools = {}
    profit = sum(variations.values(), ZERO)
    before = account.pre_balance
    balance = before + account.deposit - account.withdraw + account.close_profit + profit - account.commission
    venue.events.append(
        AccountSettled(
            account_id=account.account_id,
            trading_day=venue.trading_day,
            pre_balance=units(before, "CNY"),
            deposit=units(account.deposit, "CNY"),
            withdraw=units(account.withdraw, "CNY"),
            close_profit=units(account.close_profit, "CNY"),
            position_profit=units(profit, "CNY"),
            commission=units(account.commission, "CNY"),
            balance=units(balance, "CNY"),
            margin=units(venue.money(account).margin, "CNY"),
        )
    )
    account.pre_balance = balance
    account.deposit = account.withdraw = account.close_profit = account.commission = ZERO


def step_rate(venue: Venue, command: DayStep) -> None:
    """Step 7; what live orders hold is let go until step 8 has checked them anew."""
    done(venue, command, False)
    for instrument in venue.instruments.values():
        if instrument.state == terms.DELISTED:
            continue
        if instrument.rates_pending is not None:
            instrument.rates = instrument.rates_pending
            # A listed specification belongs to whoever sent it: a new one takes its place.
            instrument.spec = replace(instrument.spec, rates=instrument.rates)
            instrument.rates_pending = None
        if 0 < instrument.spec.larger_side_until <= venue.trading_day:
            instrument.outside_group = True
        limits_set(instrument)
        venue.events.append(
            RatesChanged(instrument.id, instrument.rates, True, instrument.upper, instrument.lower)
        )
    for account in venue.accounts.values():
        for order in account.orders:
            order.holds = venue.instruments[order.body.instrument].is_spot
    done(venue, command)


def step_revalidate(venue: Venue, command: DayStep) -> None:
    done(venue, command, False)
    live = sorted((o for a in venue.accounts.values() for o in a.orders), key=lambda o: o.order_id)
    for order in live:
        instrument = venue.instruments[order.body.instrument]
        if instrument.is_spot:
            continue
        try:
            order_recheck(venue, instrument, order)
            order.holds = True
        except Refusal as refusal:
            order_end(venue, order, terms.CANCELLED, refusal.code)
    done(venue, command)


def order_recheck(venue: Venue, instrument: Instrument, order: Order) -> None:
    """As if new, for what is left of it: state, limits, lots or position limit, money and risk."""
    account = venue.accounts[order.body.account_id]
    if instrument.state != terms.TRADING:
        refuse(Code.INSTRUMENT_NOT_TRADING)
    limit_price_check(instrument, order.body)
    if order.offset != terms.OPEN:
        closable_check(account, instrument, order.body.side, order.left, order.offset)
    else:
        position_limit_check(venue, account, instrument, order.body.side, order.left)
    if len(account.orders) > venue.settings["open_orders_max"]:
        refuse(Code.TOO_MANY_OPEN_ORDERS)
    if order.offset == terms.OPEN:
        order.reserve_price = reserve_price(instrument, order)
        futures_money_check(venue, account, instrument, order)


def step_check(venue: Venue, command: DayStep) -> None:
    for name, value in venue.clearing.items():
        if value:
            raise AssertionError(f"the model's own clearing account of {name} is {value} after settlement")
    done(venue, command)


STEPS = {
    terms.STEP_CLOSED: step_close,
    terms.STEP_EXPIRED: step_expire,
    terms.STEP_SETTLED: step_settle,
    terms.STEP_RATED: step_rate,
    terms.STEP_REVALIDATED: step_revalidate,
    terms.STEP_CHECKED: step_check,
}


def day_open(venue: Venue, command: DayOpen) -> None:
    operator_only(command)
    day = command.trading_day
    if venue.step != terms.STEP_CHECKED:
        refuse(Code.DAY_STEP_ORDER, "step", venue.step + 1, terms.STEP_OPEN, terms.UNIT_COUNT)
    if day <= venue.trading_day or not 19_900_101 <= day <= 99_991_231 or not 1 <= day % 100 <= 31:
        refuse(Code.TRADING_DAY_INVALID, "trading_day", venue.trading_day, day)
    ids_turn(venue)
    venue.trading_day = day
    venue.step = terms.STEP_OPEN
    venue.events.append(DayOpened(day))
    for instrument in venue.instruments.values():
        if instrument.is_spot:
            day_turn(instrument)
        if instrument.state != terms.DELISTED and instrument.phase == terms.CLOSED:
            instrument.phase = terms.CONTINUOUS
            venue.events.append(InstrumentStateChanged(instrument.id, instrument.state, terms.CONTINUOUS))


def ids_turn(venue: Venue) -> None:
    """What stays known on the new day: ids of the day that ends, of live orders, of pending withdrawals."""
    ending = venue.trading_day
    for account in venue.accounts.values():
        account.claimed_day = {i: day for i, day in account.claimed_day.items() if day == ending}
        account.client_ids = {
            i: order
            for i, order in account.client_ids.items()
            if (order is None and i in account.claimed_day)
            or (order is not None and (order.day == ending or order.status == terms.LIVE))
        }
    venue.requests = {
        i: r for i, r in venue.requests.items() if r.day == ending or r.status == terms.CASH_WITHDRAW_PENDING
    }

"""The account of trading-rules.md §5–6 in decimals, every figure computed from lots and live orders.
Called by the slow model's order checks, its day and its views."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from engine.core import terms
from tests.model.numbers import RATIO, UNITS, ZERO, ceil_to
from tests.model.state import Account, Instrument, Lot, Order


@dataclass
class Side4:
    """Margin of one group: long and short, of history lots, of today's, and of live OPEN orders."""

    long_history: Decimal = ZERO
    short_history: Decimal = ZERO
    long_today: Decimal = ZERO
    short_today: Decimal = ZERO
    long_frozen: Decimal = ZERO
    short_frozen: Decimal = ZERO


@dataclass
class Money:
    """The figures of §6, in yuan."""

    static_balance: Decimal
    position_profit: Decimal
    float_profit: Decimal
    balance: Decimal
    margin: Decimal
    frozen_margin: Decimal
    frozen_commission: Decimal
    available: Decimal


def group_charge(rule: int, s: Side4) -> tuple[Decimal, Decimal]:
    """(margin, margin + frozen) of one margin group under one larger-side rule."""
    long = s.long_history + s.long_today
    short = s.short_history + s.short_today
    if rule == terms.LARGER_ON:
        return max(long, short), max(long + s.long_frozen, short + s.short_frozen)
    if rule == terms.LARGER_AT_SETTLEMENT:
        charge = max(s.long_history, s.short_history) + s.long_today + s.short_today
    else:
        charge = long + short
    return charge, charge + s.long_frozen + s.short_frozen


def lots_margin(instrument: Instrument, side: int, lots: Iterable[Lot]) -> Decimal:
    """Gross margin of lots: open price for today's, last settlement price for history."""
    return sum(
        (lot.volume * instrument.margin_lot(side, lot.position_price) for lot in lots),
        ZERO,
    )


def order_margin(instrument: Instrument, order: Order) -> Decimal:
    """An OPEN order's own reservation of margin (gross)."""
    if order.offset != terms.OPEN or not order.holds:
        return ZERO
    return order.left * instrument.margin_lot(order.side, order.reserve_price)


def order_commission(instrument: Instrument, order: Order) -> Decimal:
    """An OPEN order's own reservation of fees."""
    if order.offset != terms.OPEN or not order.holds:
        return ZERO
    return order.left * instrument.fee_open(order.reserve_price)


def charges(account: Account, instruments: Mapping[str, Instrument]) -> tuple[Decimal, Decimal]:
    """(margin, frozen margin) of the account over all its groups."""
    groups: dict[tuple[str, int], Side4] = {}

    def sums(instrument: Instrument) -> Side4:
        return groups.setdefault((instrument.group, instrument.larger_side), Side4())

    for (name, side), lots in account.lots.items():
        if not lots:
            continue
        instrument = instruments[name]
        s = sums(instrument)
        history = lots_margin(instrument, side, [lot for lot in lots if not lot.today])
        today = lots_margin(instrument, side, [lot for lot in lots if lot.today])
        if side == terms.BUY:
            s.long_history += history
            s.long_today += today
        else:
            s.short_history += history
            s.short_today += today
    for order in account.orders:
        instrument = instruments[order.body.instrument]
        if instrument.is_spot:
            continue
        if order.side == terms.BUY:
            sums(instrument).long_frozen += order_margin(instrument, order)
        else:
            sums(instrument).short_frozen += order_margin(instrument, order)
    both = [group_charge(rule, s) for (_, rule), s in groups.items()]
    margin = sum((m for m, _ in both), ZERO)
    return margin, sum((total for _, total in both), ZERO) - margin


def money_of(account: Account, instruments: Mapping[str, Instrument]) -> Money:
    """§6, at the marks of this moment."""
    profit = floating = ZERO
    for (name, side), lots in account.lots.items():
        instrument = instruments[name]
        for lot in lots:
            profit += side * instrument.value(instrument.mark - lot.position_price, lot.volume)
            floating += side * instrument.value(instrument.mark - lot.open_price, lot.volume)
    margin, frozen_margin = charges(account, instruments)
    frozen_commission = sum(
        (
            order_commission(instruments[o.body.instrument], o)
            for o in account.orders
            if not instruments[o.body.instrument].is_spot
        ),
        ZERO,
    )
    static = account.pre_balance + account.deposit - account.withdraw
    balance = static + account.close_profit + profit - account.commission
    return Money(
        static_balance=static,
        position_profit=profit,
        float_profit=floating,
        balance=balance,
        margin=margin,
        frozen_margin=frozen_margin,
        frozen_commission=frozen_commission,
        available=balance - margin - frozen_margin - frozen_commission,
    )


def risk_is_above(money: Money, limit: int) -> bool:
    """(margin + frozen margin) ÷ (balance − frozen commission) > limit (10⁻⁹), by cross-multiplication."""
    charge = money.margin + money.frozen_margin
    return charge > limit * RATIO * (money.balance - money.frozen_commission)


def withdraw_quota(account: Account, money: Money, limit: int) -> Decimal:
    """What may leave the futures book (§6): today's gains stay, and the risk level holds afterwards."""
    quota = money.available - max(ZERO, money.position_profit) - max(ZERO, account.close_profit)
    charge = money.margin + money.frozen_margin
    if charge > 0:
        least = ceil_to(charge / (limit * RATIO), UNITS["CNY"])
        quota = min(quota, money.balance - money.frozen_commission - least)
    return max(ZERO, quota)


def locked(account: Account, instruments: Mapping[str, Instrument], asset: str) -> Decimal:
    """What the account's live spot orders lock of one asset."""
    total = ZERO
    for order in account.orders:
        instrument = instruments[order.body.instrument]
        if instrument.is_spot and locked_asset(instrument, order) == asset:
            total += order_locked(instrument, order)
    return total


def locked_asset(instrument: Instrument, order: Order) -> str:
    return instrument.spec.currency if order.side == terms.BUY else instrument.spec.base


def order_locked(instrument: Instrument, order: Order) -> Decimal:
    """BUY: price × quantity of the quote, or the budget's rest; SELL: the base quantity."""
    if order.side == terms.SELL:
        return order.left * instrument.lot
    if order.body.budget:
        return order.budget_left
    return instrument.value(order.price, order.left)


def spot_fee(received: Decimal, ratio: int, asset: str) -> Decimal:
    """§9: rounded up to the asset's unit, at most the amount received."""
    return min(received, ceil_to(received * ratio * RATIO, UNITS[asset]))

"""What a trade does to one order's account: lots, margin, fees, profit (futures) or wallets (spot).
Called by matching for both sides of every trade; never refuses (trading-rules.md §4, §5, §9)."""

from collections import deque

from engine.core import terms
from engine.core.account import Holding, Lot, Position
from engine.core.book import Order
from engine.core.instrument import Instrument, LotCosts


def reservation_release(order: Order, volume: int) -> None:
    """Give back what `volume` left lots of the order hold: money of an OPEN, lots of a close, coins on spot."""
    account, instrument = order.account, order.instrument
    if instrument.is_spot:
        _spot_release(order, volume)
        return
    position = order.position
    assert position is not None
    if order.offset == terms.OPEN:
        holding = position.holding(order.side)
        holding.opening -= volume
        holding.margin_frozen -= order.margin_lot * volume
        account.margin_gross -= order.margin_lot * volume
        account.frozen_commission -= order.fee_lot * volume
    else:
        close_freeze(position.holding(-order.side), instrument, order.offset, -volume)


def _spot_release(order: Order, volume: int) -> None:
    instrument = order.instrument
    if order.side > 0:
        wallet = order.account.wallet(instrument.spec.currency)
        amount = order.budget_left if order.budget else order.price * volume * instrument.tick_money
    else:
        wallet = order.account.wallet(instrument.spec.base)
        amount = volume * instrument.base_lot
    wallet.locked -= amount
    wallet.available += amount


def close_freeze(holding: Holding, instrument: Instrument, offset: int, volume: int) -> None:
    """Freeze (or, negative, free) lots to be closed, in the bucket the close rule names."""
    if instrument.spec.close_rule != terms.CLOSE_EXPLICIT:
        holding.frozen += volume
    elif offset == terms.CLOSETODAY:
        holding.frozen_today += volume
    else:
        holding.frozen_history += volume


def open_fill(
    order: Order, costs: LotCosts, price: int, volume: int, value: int, trade_id: int, day: int
) -> int:
    """Book an OPEN fill worth `value`; returns the fee (money units)."""
    account, position, side = order.account, order.position, order.side
    assert position is not None
    if side > 0:
        holding, margin = position.long, costs.margin_long * volume
    else:
        holding, margin = position.short, costs.margin_short * volume
    reserved = order.margin_lot * volume
    holding.today.append(Lot(trade_id, day, price, volume))
    holding.today_volume += volume
    holding.today_pool += volume
    holding.opening -= volume
    holding.open_cost += value
    holding.position_cost += value
    holding.margin += margin
    holding.margin_frozen -= reserved
    fee = costs.fee_open * volume
    position.net = net = position.net + side * volume
    position.cost = cost = position.cost + side * value
    floor = net * position.instrument.worst_money(net) - cost
    account.equity_floor += floor - position.floor - fee
    position.floor = floor
    account.margin_gross += margin - reserved
    account.frozen_commission -= order.fee_lot * volume
    account.commission += fee
    return fee


def close_fill(order: Order, price: int, volume: int) -> tuple[int, int, int]:
    """Book a CLOSE or CLOSETODAY fill; returns (fee, close profit by day, lots of today's among them)."""
    account, instrument = order.account, order.instrument
    position = order.position
    assert position is not None
    holding, gross = position.holding(-order.side), position.margin_gross()
    close_freeze(holding, instrument, order.offset, -volume)
    today, history = close_split(holding, instrument.spec.close_rule, order.offset, volume)
    cost = _history_take(position, holding, history) + _today_take(position, holding, today)
    profit = holding.side * (price * instrument.tick_money * volume - cost)
    fee = close_fee(holding, instrument, price, today, history)
    instrument.clearing += profit
    account.close_profit += profit
    account.commission += fee
    floor = position.floor
    position.refresh()
    account.equity_floor += position.floor - floor + profit - fee
    account.margin_gross += position.margin_gross() - gross
    return fee, profit, today


def close_split(holding: Holding, close_rule: int, offset: int, volume: int) -> tuple[int, int]:
    """How many of `volume` lots come from (today's, history) by the product's rule."""
    if close_rule == terms.CLOSE_EXPLICIT:
        return (volume, 0) if offset == terms.CLOSETODAY else (0, volume)
    if close_rule == terms.CLOSE_FIFO:
        history = min(volume, holding.history_volume)
        return volume - history, history
    today = min(volume, holding.today_volume)
    return today, volume - today


def close_fee(holding: Holding, instrument: Instrument, price: int, today: int, history: int) -> int:
    """The closing fee by the product's rule; TODAY_POOL counts down what was opened today and not yet charged."""
    costs = instrument.costs(price)
    if instrument.spec.close_fee_rule == terms.FEE_TODAY_POOL:
        charged = min(today + history, holding.today_pool)
        holding.today_pool -= charged
        return costs.fee_today * charged + costs.fee_close * (today + history - charged)
    return costs.fee_today * today + costs.fee_close * history


def _today_take(position: Position, holding: Holding, volume: int) -> int:
    """Close today's lots, oldest first; returns their position cost, which is their open cost."""
    if not volume:
        return 0
    instrument = position.instrument
    cost = margin = 0
    for price, taken in _lots_take(holding.today, volume):
        cost += price * instrument.tick_money * taken
        costs = instrument.costs(price)
        margin += (costs.margin_long if holding.side > 0 else costs.margin_short) * taken
    holding.today_volume -= volume
    holding.open_cost -= cost
    holding.position_cost -= cost
    holding.margin -= margin
    return cost


def _history_take(position: Position, holding: Holding, volume: int) -> int:
    """Close history lots, oldest first; returns their position cost, at the last settlement price."""
    if not volume:
        return 0
    instrument = position.instrument
    for price, taken in _lots_take(holding.history, volume):
        holding.open_cost -= price * instrument.tick_money * taken
    costs = instrument.history_costs
    margin = (costs.margin_long if holding.side > 0 else costs.margin_short) * volume
    cost = instrument.pre_settlement * instrument.p4_money * volume
    holding.history_volume -= volume
    holding.position_cost -= cost
    holding.margin_history -= margin
    holding.margin -= margin
    return cost


def _lots_take(lots: deque[Lot], volume: int) -> list[tuple[int, int]]:
    """Take `volume` lots from the front; [(open price, lots)]."""
    taken = []
    while volume:
        lot = lots[0]
        if lot.volume <= volume:
            lots.popleft()
            taken.append((lot.price, lot.volume))
            volume -= lot.volume
        else:
            lot.volume -= volume
            taken.append((lot.price, volume))
            volume = 0
    return taken


def spot_fill(order: Order, price: int, volume: int, notional: int, fee_ratio: int) -> int:
    """Book a spot fill; returns the fee in units of the asset received, rounded up, at most all of it."""
    instrument, account = order.instrument, order.account
    quote, base = account.wallet(instrument.spec.currency), account.wallet(instrument.spec.base)
    coins = volume * instrument.base_lot
    if order.side > 0:
        reserved = notional if order.budget else order.price * volume * instrument.tick_money
        quote.locked -= reserved
        quote.available += reserved - notional
        order.budget_left -= notional if order.budget else 0
        fee = spot_fee(coins, fee_ratio)
        base.available += coins - fee
    else:
        base.locked -= coins
        fee = spot_fee(notional, fee_ratio)
        quote.available += notional - fee
    return fee


def spot_fee(received: int, ratio: int) -> int:
    """received × ratio rounded up, at most what is received (trading-rules.md §9)."""
    return min(received, -(-received * ratio // terms.RATIO_ONE))

"""Price, then time; the two trade-price rules; what a fill does to both accounts (trading-rules.md §2, §4, §5, §9).
Called by tests/model/orders.py once an order is accepted."""

import bisect
from decimal import Decimal

from engine.core import terms
from engine.core.codes import Code
from engine.core.events import OrderEnded, Trade
from tests.model.money import spot_fee
from tests.model.numbers import ZERO, units
from tests.model.state import Account, Instrument, Lot, Order
from tests.model.venue import Venue


def priority(order: Order) -> tuple[Decimal, int]:
    """Best first: price, then the sequence the order came with."""
    return (-order.side * order.price, order.order_id)


def book_insert(instrument: Instrument, order: Order) -> None:
    bisect.insort(instrument.book(order.side), order, key=priority)


def order_end(venue: Venue, order: Order, status: int, code: Code) -> None:
    """Take an order off its book and its account, and say so."""
    instrument = venue.instruments[order.body.instrument]
    if order in instrument.book(order.side):
        instrument.book(order.side).remove(order)
    order_forget(venue, order, status, int(code))
    venue.events.append(
        OrderEnded(
            order_id=order.order_id,
            account_id=order.body.account_id,
            instrument=instrument.id,
            status=status,
            left=order.left,
            code=int(code),
        )
    )


def order_forget(venue: Venue, order: Order, status: int, code: int) -> None:
    account = venue.accounts[order.body.account_id]
    account.orders = [o for o in account.orders if o is not order]
    order.status, order.code = status, code


def crosses(taker: Order, price: Decimal) -> bool:
    """Whether the taker's (limit or protection) price reaches a resting price."""
    return taker.side * (taker.price - price) >= 0


def fillable(venue: Venue, taker: Order) -> int:
    """Lots the taker can trade: every acceptable order before the first of its own owner."""
    owner = venue.accounts[taker.body.account_id].owner
    total = 0
    for maker in venue.instruments[taker.body.instrument].book(-taker.side):
        if not crosses(taker, maker.price) or venue.accounts[maker.body.account_id].owner == owner:
            break
        total += maker.left
    return total


def match(venue: Venue, taker: Order) -> Code:
    """Trade until filled or stopped; the code says what stopped it."""
    instrument = venue.instruments[taker.body.instrument]
    owner = venue.accounts[taker.body.account_id].owner
    while wants_more(instrument, taker):
        opposite = instrument.book(-taker.side)
        if not opposite:
            return Code.NO_OPPOSITE
        maker = opposite[0]
        if not crosses(taker, maker.price):
            return Code.PROTECTION_REACHED if taker.body.kind == terms.MARKET else Code.IMMEDIATE_REST
        if venue.accounts[maker.body.account_id].owner == owner:
            return Code.SELF_TRADE
        lots = lots_wanted(instrument, taker, maker)
        if lots == 0:
            return Code.OK
        trade(venue, instrument, taker, maker, lots)
    return Code.OK


def wants_more(instrument: Instrument, taker: Order) -> bool:
    return taker.budget_left > 0 if taker.body.budget else taker.left > 0


def lots_wanted(instrument: Instrument, taker: Order, maker: Order) -> int:
    """Lots of this fill; 0: the budget's rest does not buy one lot step."""
    if not taker.body.budget:
        return min(taker.left, maker.left)
    return min(int(taker.budget_left // instrument.value(maker.price, 1)), maker.left)


def trade_price(instrument: Instrument, taker: Order, maker: Order) -> Decimal:
    """MAKER: the resting order's; MIDDLE: the middle of bid, ask and last, for two limit orders."""
    if instrument.spec.match_price_rule == terms.MATCH_MAKER or taker.body.kind == terms.MARKET:
        return maker.price
    return sorted([taker.price, maker.price, instrument.last_trade_price])[1]


def trade(venue: Venue, instrument: Instrument, taker: Order, maker: Order, lots: int) -> None:
    price = trade_price(instrument, taker, maker)
    venue.trade_id += 1
    instrument.prints.append((venue.time, price, lots))
    instrument.last = price
    buy, sell = (taker, maker) if taker.side == terms.BUY else (maker, taker)
    notional = instrument.value(price, lots)
    if not taker.body.budget:
        taker.left -= lots
    else:
        taker.budget_left -= notional
    maker.left -= lots
    fill = spot_fill if instrument.is_spot else futures_fill
    buy_fee, buy_profit, buy_today = fill(venue, instrument, buy, taker, price, lots)
    sell_fee, sell_profit, sell_today = fill(venue, instrument, sell, taker, price, lots)
    venue.events.append(
        Trade(
            trade_id=venue.trade_id,
            instrument=instrument.id,
            price=instrument.ticks(price),
            volume=lots,
            taker_side=taker.side,
            buy_order_id=buy.order_id,
            sell_order_id=sell.order_id,
            buy_account_id=buy.body.account_id,
            sell_account_id=sell.body.account_id,
            buy_offset=buy.offset,
            sell_offset=sell.offset,
            buy_left=buy.left,
            sell_left=sell.left,
            buy_fee=units(buy_fee, instrument.spec.base if instrument.is_spot else instrument.spec.currency),
            sell_fee=units(sell_fee, instrument.spec.currency),
            buy_close_profit=units(buy_profit, instrument.spec.currency),
            sell_close_profit=units(sell_profit, instrument.spec.currency),
            buy_closed_today=buy_today,
            sell_closed_today=sell_today,
            notional=units(notional, instrument.spec.currency),
        )
    )
    for order in (taker, maker):
        if order.left == 0 and not order.body.budget:
            if order is maker:
                instrument.book(maker.side).remove(maker)
            order_forget(venue, order, terms.FILLED, 0)


Fill = tuple[Decimal, Decimal, int]  # fee, close profit, lots of today closed


def spot_fill(
    venue: Venue, instrument: Instrument, order: Order, taker: Order, price: Decimal, lots: int
) -> Fill:
    """One notional moves between the two; each pays his fee from what he receives (§9)."""
    account = venue.accounts[order.body.account_id]
    base, quote = instrument.spec.base, instrument.spec.currency
    ratio = instrument.rates.fee_close_ratio if order is taker else instrument.rates.fee_open_ratio
    notional, quantity = instrument.value(price, lots), instrument.lot * lots
    if order.side == terms.BUY:
        paid, paid_asset, got, got_asset = notional, quote, quantity, base
    else:
        paid, paid_asset, got, got_asset = quantity, base, notional, quote
    fee = spot_fee(got, ratio, got_asset)
    venue.book_add(account.wallets, paid_asset, -paid)
    venue.book_add(account.wallets, got_asset, got - fee)
    venue.book_add(venue.fees, got_asset, fee)
    return fee, ZERO, 0


def futures_fill(
    venue: Venue, instrument: Instrument, order: Order, taker: Order, price: Decimal, lots: int
) -> Fill:
    account = venue.accounts[order.body.account_id]
    if order.offset == terms.OPEN:
        fill = lots_open(venue, instrument, account, order.side, price, lots)
    else:
        fill = lots_close(instrument, account, order, price, lots)
    account.commission += fill[0]
    account.close_profit += fill[1]
    venue.book_add(venue.fees, instrument.spec.currency, fill[0])
    venue.book_add(venue.clearing, instrument.id, fill[1])
    return fill


def lots_open(
    venue: Venue, instrument: Instrument, account: Account, side: int, price: Decimal, lots: int
) -> Fill:
    account.lots_of(instrument.id, side).append(
        Lot(trade_id=venue.trade_id, open_price=price, position_price=price, volume=lots)
    )
    key = (instrument.id, side)
    account.pools[key] = account.pools.get(key, 0) + lots
    return lots * instrument.fee_open(price), ZERO, 0


def lots_close(instrument: Instrument, account: Account, order: Order, price: Decimal, lots: int) -> Fill:
    """Close in the order of the close rule; the profit is against each lot's position price."""
    side = -order.side  # a SELL closes long lots
    held = account.lots_of(instrument.id, side)
    profit, today, wanted = ZERO, 0, lots
    for lot in closing_order(instrument, order.offset, held):
        volume = min(wanted, lot.volume)
        lot.volume -= volume
        wanted -= volume
        profit += side * instrument.value(price - lot.position_price, volume)
        today += volume if lot.today else 0
    if wanted:
        raise AssertionError(f"order {order.order_id} closes {wanted} lots more than there are")
    held[:] = [lot for lot in held if lot.volume]
    return close_fee(instrument, account, side, price, lots, today), profit, today


def closing_order(instrument: Instrument, offset: int, held: list[Lot]) -> list[Lot]:
    """The lots a close may take, first to be closed first (§4)."""
    rule = instrument.spec.close_rule
    if rule == terms.CLOSE_EXPLICIT:
        return [lot for lot in held if lot.today == (offset == terms.CLOSETODAY)]
    if rule == terms.CLOSE_TODAY_FIRST:
        return [lot for lot in held if lot.today] + [lot for lot in held if not lot.today]
    return list(held)


def close_fee(
    instrument: Instrument, account: Account, side: int, price: Decimal, lots: int, today: int
) -> Decimal:
    """BY_LOT: by the lots closed; TODAY_POOL: by what was opened today and not yet charged (§4)."""
    if instrument.spec.close_fee_rule == terms.FEE_TODAY_POOL:
        key = (instrument.id, side)
        today = min(lots, account.pools.get(key, 0))
        account.pools[key] = account.pools.get(key, 0) - today
    return today * instrument.fee_today(price) + (lots - today) * instrument.fee_close(price)

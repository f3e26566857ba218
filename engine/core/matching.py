"""Price–time matching of one incoming order against the book, trade by trade.
Called by the order handlers after everything was checked and frozen (trading-rules.md §2)."""

from engine.core import terms
from engine.core.book import BookSide, Order
from engine.core.codes import Code
from engine.core.events import OrderEnded, Trade
from engine.core.fills import close_fill, open_fill, reservation_release, spot_fill
from engine.core.instrument import Instrument
from engine.core.state import HOUR_NS, State


def match(state: State, order: Order) -> Code:
    """Trade until the order is filled or cannot go on; returns why it stopped (OK: filled)."""
    instrument = order.instrument
    opposite = instrument.book.opposite(order.side)
    owner = order.account.owner
    bound = order.price * order.side
    at_maker = order.kind != terms.LIMIT or instrument.spec.match_price_rule == terms.MATCH_MAKER
    while order.left or order.budget_left:
        level = opposite.best
        if level is None:
            return Code.NO_OPPOSITE
        price = level.price
        if price * order.side > bound:
            return Code.PROTECTION_REACHED
        maker = level.head
        assert maker is not None
        if maker.account.owner == owner:
            return Code.SELF_TRADE
        left = order.left
        if order.budget:
            left = order.budget_left // (price * instrument.tick_money)
            if not left:
                return Code.OK
        volume = left if left < maker.left else maker.left
        if not at_maker:
            price = price_middle(order, maker, instrument.reference())
        trade(state, instrument, order, maker, opposite, price, volume)
    return Code.OK


def price_middle(taker: Order, maker: Order, previous: int) -> int:
    """The middle one of the two orders' prices and the previous trade price (§2, MIDDLE)."""
    if taker.side > 0:
        buy, sell = taker.price, maker.price
    else:
        buy, sell = maker.price, taker.price
    return sell if previous <= sell else buy if previous >= buy else previous


def trade(
    state: State,
    instrument: Instrument,
    taker: Order,
    maker: Order,
    makers: BookSide,
    price: int,
    volume: int,
) -> None:
    """One trade: both sides booked, the maker's place updated, the day's figures counted, one event."""
    state.trade_no += 1
    trade_id = state.trade_no
    notional = price * volume * instrument.tick_money
    buy, sell = (taker, maker) if taker.side > 0 else (maker, taker)
    if taker.budget:
        taker.budget_filled += volume
    else:
        taker.left -= volume
    if instrument.is_spot:
        buy_fee, sell_fee = _spot_book(state, instrument, taker, buy, sell, price, volume, notional)
        buy_profit = sell_profit = buy_today = sell_today = 0
    else:
        day, costs = state.trading_day, instrument.costs(price)
        buy_profit = sell_profit = buy_today = sell_today = 0
        interest = -volume
        if buy.offset == terms.OPEN:
            buy_fee = open_fill(buy, costs, price, volume, notional, trade_id, day)
            interest += volume
        else:
            buy_fee, buy_profit, buy_today = close_fill(buy, price, volume)
        if sell.offset == terms.OPEN:
            sell_fee = open_fill(sell, costs, price, volume, notional, trade_id, day)
            interest += volume
        else:
            sell_fee, sell_profit, sell_today = close_fill(sell, price, volume)
        instrument.fees -= buy_fee + sell_fee
        instrument.open_interest += interest
    instrument.traded(price, volume, notional, state.time // HOUR_NS)
    if maker.left == volume:
        makers.remove(maker)
        maker.left = 0
        order_forget(state, maker, terms.FILLED, 0)
    else:
        maker.left -= volume
        assert maker.level is not None
        maker.level.volume -= volume
    state.out.append(
        Trade(
            trade_id,
            instrument.instrument,
            price,
            volume,
            taker.side,
            buy.order_id,
            sell.order_id,
            buy.account.account_id,
            sell.account.account_id,
            buy.offset,
            sell.offset,
            buy.left,
            sell.left,
            buy_fee,
            sell_fee,
            buy_profit,
            sell_profit,
            buy_today,
            sell_today,
            notional,
        )
    )


def _spot_book(
    state: State,
    instrument: Instrument,
    taker: Order,
    buy: Order,
    sell: Order,
    price: int,
    volume: int,
    notional: int,
) -> tuple[int, int]:
    """(buyer's fee in base units, seller's fee in quote units)."""
    maker_ratio, taker_ratio = instrument.rates.fee_open_ratio, instrument.rates.fee_close_ratio
    buy_fee = spot_fill(buy, price, volume, notional, taker_ratio if buy is taker else maker_ratio)
    sell_fee = spot_fill(sell, price, volume, notional, taker_ratio if sell is taker else maker_ratio)
    state.post(instrument.spec.base, "fees", -buy_fee)
    state.post(instrument.spec.currency, "fees", -sell_fee)
    return buy_fee, sell_fee


def fillable(order: Order, instrument: Instrument) -> bool:
    """Can the order be filled whole at once? It would stop at an own order, so nothing behind one counts."""
    wanted, owner = order.left, order.account.owner
    bound = order.price * order.side
    for level in instrument.book.opposite(order.side):
        if level.price * order.side > bound:
            return False
        for maker in level:
            if maker.account.owner == owner:
                return False
            wanted -= maker.left
            if wanted <= 0:
                return True
    return False


def order_forget(state: State, order: Order, status: int, code: int) -> None:
    """The order is finished: it leaves the live orders; its client order id remembers how."""
    del state.orders[order.order_id]
    state.finished.append(order)
    account = order.account
    account.orders -= 1
    if account.ids_roll != state.roll:
        account.ids_turn(state.roll)  # while it still counts as live: its id stays known for this day
    order.status = status
    order.code = code
    if order.command.client_order_id:
        account.ended[order.order_id] = order


def order_end(state: State, order: Order, status: int, code: Code, *, holds: bool = True) -> None:
    """End an order with something left: what it holds is returned, its place in the book given up, one event.
    `holds` is False between steps 7 and 8 of the day, when surviving orders have nothing frozen."""
    if order.level is not None:
        order.instrument.book.own(order.side).remove(order)
    if holds and (order.left or order.budget_left):
        reservation_release(order, order.left)
    order_forget(state, order, status, int(code))
    state.out.append(
        OrderEnded(
            order.order_id,
            order.account.account_id,
            order.instrument.instrument,
            status,
            order.left,
            int(code),
        )
    )

"""What readers see, made by the slow model from its own books, for comparison with the engine's views.
Called by tests/model/judge.py."""

from decimal import Decimal

from engine.core import terms
from engine.core.views import (
    AccountView,
    DepthView,
    InstrumentView,
    LevelView,
    OrderView,
    PositionView,
    WalletView,
)
from tests.model.money import (
    locked,
    lots_margin,
    order_commission,
    order_locked,
    order_margin,
)
from tests.model.numbers import P4, ZERO, half_up, units
from tests.model.state import Account, Instrument, Order
from tests.model.venue import Venue


def account_view(venue: Venue, account: Account) -> AccountView:
    money = venue.money(account)
    names = sorted({name for (name, _), lots in account.lots.items() if lots})
    return AccountView(
        account_id=account.account_id,
        owner=account.owner,
        freeze=account.freeze,
        pre_balance=units(account.pre_balance, "CNY"),
        deposit=units(account.deposit, "CNY"),
        withdraw=units(account.withdraw, "CNY"),
        close_profit=units(account.close_profit, "CNY"),
        commission=units(account.commission, "CNY"),
        margin=units(money.margin, "CNY"),
        frozen_margin=units(money.frozen_margin, "CNY"),
        frozen_commission=units(money.frozen_commission, "CNY"),
        open_orders=len(account.orders),
        positions=[position_view(venue.instruments[name], account) for name in names],
        wallets=wallet_views(venue, account),
    )


def wallet_views(venue: Venue, account: Account) -> list[WalletView]:
    """Wallets that hold something, by asset."""
    views = []
    for asset, held in sorted(account.wallets.items()):
        if held:
            kept = locked(account, venue.instruments, asset)
            views.append(WalletView(asset, units(held - kept, asset), units(kept, asset)))
    return views


def position_view(instrument: Instrument, account: Account) -> PositionView:
    return PositionView(
        instrument.id,
        *side_figures(instrument, account, terms.BUY),
        *side_figures(instrument, account, terms.SELL),
    )


def side_figures(instrument: Instrument, account: Account, side: int) -> tuple[int, ...]:
    """today, history, frozen today, frozen history, open cost, position cost, margin of one side."""
    lots = account.lots_of(instrument.id, side)
    today = sum(lot.volume for lot in lots if lot.today)
    history = sum(lot.volume for lot in lots if not lot.today)
    open_cost = sum((instrument.value(lot.open_price, lot.volume) for lot in lots), ZERO)
    position_cost = sum((instrument.value(lot.position_price, lot.volume) for lot in lots), ZERO)
    return (
        today,
        history,
        *frozen_split(instrument, account, side, today, history),
        units(open_cost, "CNY"),
        units(position_cost, "CNY"),
        units(lots_margin(instrument, side, lots), "CNY"),
    )


def frozen_split(
    instrument: Instrument, account: Account, side: int, today: int, history: int
) -> tuple[int, int]:
    """(today's, history) lots frozen by live close orders: own buckets, or derived by the close rule (§4)."""
    closing = [
        o
        for o in account.orders
        if o.body.instrument == instrument.id and o.side == -side and o.offset and o.holds
    ]
    total = sum(o.left for o in closing)
    rule = instrument.spec.close_rule
    if rule == terms.CLOSE_EXPLICIT:
        of_today = sum(o.left for o in closing if o.offset == terms.CLOSETODAY)
        return of_today, total - of_today
    if rule == terms.CLOSE_FIFO:
        return total - min(total, history), min(total, history)
    return min(total, today), total - min(total, today)


def order_view(venue: Venue, order: Order) -> OrderView:
    instrument = venue.instruments[order.body.instrument]
    body = order.body
    if instrument.is_spot:
        asset = instrument.spec.currency if order.side == terms.BUY else instrument.spec.base
        frozen = units(order_locked(instrument, order), asset)
        fee = 0
    else:
        frozen = units(order_margin(instrument, order), instrument.spec.currency)
        fee = units(order_commission(instrument, order), instrument.spec.currency)
    return OrderView(
        order_id=order.order_id,
        account_id=body.account_id,
        instrument=instrument.id,
        side=body.side,
        offset=order.offset,
        kind=body.kind,
        time_in_force=body.time_in_force,
        price=instrument.ticks(order.price),
        volume=body.volume,
        left=order.left,
        client_order_id=body.client_order_id,
        post_only=body.post_only,
        budget=body.budget,
        status=order.status,
        code=order.code,
        accepted_at=order.accepted_at,
        frozen_margin=frozen,
        frozen_commission=fee,
        filled=body.volume - order.left,  # orders by budget never rest
    )


def instrument_view(venue: Venue, instrument: Instrument) -> InstrumentView:
    prices = [price for _, price, _ in instrument.prints]
    volume = sum(lots for _, _, lots in instrument.prints)
    turnover = sum((instrument.value(price, lots) for _, price, lots in instrument.prints), ZERO)

    def ticks(price: Decimal | None) -> int:
        return instrument.ticks(price) if price is not None else 0

    return InstrumentView(
        spec=instrument.spec,
        state=instrument.state,
        phase=instrument.phase,
        upper=instrument.upper,
        lower=instrument.lower,
        pre_settlement=0 if instrument.is_spot else p4(instrument.pre_settlement),
        settlement=p4(instrument.settlement or ZERO),
        settlement_confirmed=instrument.settlement_confirmed,
        last=ticks(instrument.last),
        open=ticks(prices[0] if prices else None),
        high=ticks(max(prices, default=None)),
        low=ticks(min(prices, default=None)),
        volume=volume,
        turnover=units(turnover, instrument.spec.currency),
        open_interest=open_interest(venue, instrument),
        pre_open_interest=instrument.pre_open_interest,
        pre_close=ticks(instrument.pre_close),
        trading_day=venue.trading_day,
    )


def p4(price: Decimal) -> int:
    return int(half_up(price, P4) / P4)


def open_interest(venue: Venue, instrument: Instrument) -> int:
    """Lots held long (as many are held short)."""
    return sum(
        lot.volume
        for account in venue.accounts.values()
        for lot in account.lots.get((instrument.id, terms.BUY), [])
    )


def depth_view(instrument: Instrument, levels: int) -> DepthView:
    def side(book: list[Order]) -> list[LevelView]:
        prices = sorted({o.price for o in book}, reverse=book is instrument.buys)[:levels]
        at = [(p, [o.left for o in book if o.price == p]) for p in prices]
        return [LevelView(instrument.ticks(p), sum(lots), len(lots)) for p, lots in at]

    return DepthView(instrument.id, side(instrument.buys), side(instrument.sells))

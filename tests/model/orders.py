"""Submit, cancel and query: the checks of trading-rules.md §2 in their order, then the match.
Called by tests/model/model.py. A check raises Refusal before anything has changed."""

from dataclasses import replace
from decimal import Decimal

from engine.core import terms
from engine.core.codes import Code
from engine.core.commands import OrderCancel, OrderQuery, OrderSubmit
from engine.core.events import OrderAccepted, OrderReported, Rejected
from tests.model.matching import book_insert, closing_order, crosses, fillable, match, order_end
from tests.model.money import Money, locked_asset, order_locked, risk_is_above
from tests.model.numbers import RATIO, ZERO, ceil_to, floor_to
from tests.model.rights import account_for
from tests.model.state import Account, Instrument, Order
from tests.model.venue import Refusal, Venue, refuse, refuse_money

IMMEDIATE = (terms.IOC, terms.FOK)


def order_submit(venue: Venue, command: OrderSubmit) -> None:
    account = account_for(venue, command, terms.SCOPE_TRADE)
    if client_order_known(venue, account, command):
        return
    order = Order(order_id=venue.seq, body=command, day=venue.trading_day, price=ZERO, accepted_at=venue.time)
    try:
        order_check(venue, account, order)
    except Refusal as refusal:
        order.status, order.code = terms.REJECTED, int(refusal.code)
        order.left = command.volume
        if command.client_order_id:
            account.client_ids[command.client_order_id] = order
        raise
    if command.client_order_id:
        account.client_ids[command.client_order_id] = order
    order_accept(venue, account, order)


def same_body(one: OrderSubmit, other: OrderSubmit) -> bool:
    """Whether two submits ask for the same: who asks, and under which key, does not count."""
    return replace(one, actor=0, scope=0) == replace(other, actor=0, scope=0)


def client_order_known(venue: Venue, account: Account, command: OrderSubmit) -> bool:
    """Answer a repeat; refuse a conflict, a claimed id, a malformed one, one too many."""
    client_order_id = command.client_order_id
    if client_order_id not in account.client_ids:
        client_order_id_check(venue, account, command.actor, client_order_id)
        return False
    order = account.client_ids[client_order_id]
    if order is None:
        refuse(Code.CLIENT_ORDER_ID_CLAIMED, "client_order_id")
    if not same_body(order.body, command):
        refuse(Code.CLIENT_ORDER_ID_CONFLICT, "client_order_id")
    venue.events.append(report(account, client_order_id, order, repeated=True))
    return True


def client_order_id_check(venue: Venue, account: Account, actor: int, client_order_id: str) -> None:
    if not client_order_id and actor == terms.VENUE:
        return
    limit = terms.CLIENT_ORDER_ID_LENGTH
    if not 1 <= len(client_order_id) <= limit or not all(" " <= c <= "~" for c in client_order_id):
        refuse(Code.CLIENT_ORDER_ID_INVALID, "client_order_id", limit, 0, terms.UNIT_COUNT)
    most = venue.settings["client_ids_max"]
    if len(ids_of_today(venue, account)) >= most:
        refuse(Code.CLIENT_ORDER_IDS_EXHAUSTED, "client_order_id", most, 0, terms.UNIT_COUNT)


def ids_of_today(venue: Venue, account: Account) -> list[str]:
    """Ids first seen this trading day, claimed ones included."""
    today = [i for i, o in account.client_ids.items() if o is not None and o.day == venue.trading_day]
    return today + [i for i, day in account.claimed_day.items() if day == venue.trading_day]


def report(account: Account, client_order_id: str, order: Order | None, *, repeated: bool) -> OrderReported:
    if order is None:
        return OrderReported(0, account.account_id, client_order_id, terms.UNKNOWN, 0, 0, repeated)
    return OrderReported(
        order_id=order.order_id,
        account_id=account.account_id,
        client_order_id=client_order_id,
        status=order.status,
        left=order.left,
        code=order.code,
        repeated=repeated,
    )


def order_check(venue: Venue, account: Account, order: Order) -> None:
    """Everything after the client order id, in the order of §2; fills in the order's derived prices."""
    command = order.body
    if account.freeze & terms.FREEZE_TRADING:
        refuse(Code.ACCOUNT_FROZEN, "account_id")
    instrument = instrument_check(venue, command)
    order.offset = command.offset
    if command.offset == terms.CLOSETODAY and instrument.spec.close_rule != terms.CLOSE_EXPLICIT:
        order.offset = terms.CLOSE
    fields_check(venue, instrument, order)
    opening = not instrument.is_spot and command.offset == terms.OPEN
    if not instrument.is_spot and not opening:
        closable_check(account, instrument, command.side, command.volume, order.offset)
    if opening:
        position_limit_check(venue, account, instrument, command.side, command.volume)
    most = venue.settings["open_orders_max"]
    if len(account.orders) >= most:
        refuse(Code.TOO_MANY_OPEN_ORDERS, "account_id", most, len(account.orders) + 1, terms.UNIT_COUNT)
    if instrument.is_spot:
        spot_money_check(venue, account, instrument, order)
    elif opening:
        futures_money_check(venue, account, instrument, order)


def instrument_check(venue: Venue, command: OrderSubmit) -> Instrument:
    instrument = venue.instruments.get(command.instrument)
    if instrument is None:
        refuse(Code.INSTRUMENT_NOT_FOUND, "instrument_id")
    if instrument.state != terms.TRADING:
        refuse(Code.INSTRUMENT_NOT_TRADING, "instrument_id")
    if instrument.phase != terms.CONTINUOUS:
        refuse(Code.INSTRUMENT_PHASE, "instrument_id")
    if command.kind not in (terms.LIMIT, terms.MARKET):
        refuse(Code.ORDER_TYPE_NOT_SUPPORTED, "order_type")
    if command.kind == terms.MARKET and not instrument.spec.allow_market:
        refuse(Code.ORDER_TYPE_NOT_SUPPORTED, "order_type")
    time_in_force_check(command)
    offset_check(instrument, command)
    return instrument


def time_in_force_check(command: OrderSubmit) -> None:
    """A market order never rests, a post-only order never takes."""
    tif = command.time_in_force
    possible = (terms.DAY, *IMMEDIATE) if command.kind == terms.MARKET else (terms.DAY, terms.GTC, *IMMEDIATE)
    if tif not in possible:
        refuse(Code.TIME_IN_FORCE_NOT_SUPPORTED, "time_in_force")
    if command.post_only and (tif in IMMEDIATE or command.kind == terms.MARKET):
        refuse(Code.ORDER_TYPE_NOT_SUPPORTED, "post_only")


def offset_check(instrument: Instrument, command: OrderSubmit) -> None:
    offset = command.offset
    if instrument.is_spot:
        possible = offset == terms.OPEN
    elif offset == terms.CLOSETODAY:
        possible = instrument.spec.close_rule == terms.CLOSE_EXPLICIT or instrument.spec.closetoday_alias
    else:
        possible = offset in (terms.OPEN, terms.CLOSE)
    if not possible:
        refuse(Code.OFFSET_NOT_SUPPORTED, "offset")
    if offset == terms.CLOSETODAY and command.time_in_force == terms.GTC:
        refuse(Code.TIME_IN_FORCE_NOT_SUPPORTED, "time_in_force")


def fields_check(venue: Venue, instrument: Instrument, order: Order) -> None:
    """Side, price, limits, sizes, notional, post-only; sets the order's price, rest and reservation price."""
    command = order.body
    if command.side not in (terms.BUY, terms.SELL):
        refuse(Code.SIDE_INVALID, "side")
    if command.kind == terms.LIMIT:
        limit_price_check(instrument, command)
        order.price = command.price * instrument.tick
    else:
        if command.price != 0:
            refuse(Code.PRICE_INVALID, "price", 0, command.price, terms.UNIT_TICKS, instrument.id)
        order.price = protection_price(instrument, command.side)
    if instrument.is_spot and command.kind == terms.MARKET and command.side == terms.BUY:
        budget_check(instrument, command)
        order.budget_left = command.budget * instrument.unit
    elif command.budget != 0:
        refuse(Code.BUDGET_INVALID, "budget", 0, command.budget, terms.UNIT_MONEY, instrument.spec.currency)
    order.left = command.volume
    if instrument.is_spot:
        notional_check(instrument, order)
    if not command.budget:
        volume_check(instrument, command)
    order.reserve_price = reserve_price(instrument, order)
    if command.post_only:
        best = instrument.best(-command.side)
        if best is not None and crosses(order, best):
            refuse(
                Code.POST_ONLY_WOULD_TAKE,
                "price",
                instrument.ticks(best),
                command.price,
                terms.UNIT_TICKS,
                instrument.id,
            )


def price_bounds(instrument: Instrument) -> tuple[int, int]:
    """(upper, lower) ticks an order's price may have: the limits, else the band around the last price (§1)."""
    if instrument.upper:
        return instrument.upper, instrument.lower
    reference = Decimal(reference_ticks(instrument))
    factor = instrument.spec.band_factor
    return (
        min(int(reference) * factor, terms.PRICE_MAX),
        max(1, int(ceil_to(reference / factor, Decimal(1)))),
    )


def reference_ticks(instrument: Instrument) -> int:
    """The last price, else the listing price (spot) or pre_settlement."""
    if instrument.last is not None:
        return instrument.ticks(instrument.last)
    if instrument.is_spot:
        return instrument.spec.listing_price
    return instrument.ticks(instrument.last_trade_price)


def limit_price_check(instrument: Instrument, command: OrderSubmit) -> None:
    price, name = command.price, instrument.id
    if not 1 <= price <= terms.PRICE_MAX:
        refuse(Code.PRICE_INVALID, "price", terms.PRICE_MAX, price, terms.UNIT_TICKS, name)
    upper, lower = price_bounds(instrument)
    if price > upper:
        refuse(Code.PRICE_ABOVE_UPPER_LIMIT, "price", upper, price, terms.UNIT_TICKS, name)
    if price < lower:
        refuse(Code.PRICE_BELOW_LOWER_LIMIT, "price", lower, price, terms.UNIT_TICKS, name)


def protection_price(instrument: Instrument, side: int) -> Decimal:
    """Best opposite × (1 ± ratio), rounded towards the best price, inside the limits; nobody there: 0."""
    upper, lower = price_bounds(instrument)
    bound = (upper if side == terms.BUY else lower) * instrument.tick
    best = instrument.best(-side)
    if best is None:
        return ZERO
    if not instrument.spec.protection_ratio:
        return bound
    ratio = instrument.spec.protection_ratio * RATIO
    if side == terms.BUY:
        return min(bound, floor_to(best * (1 + ratio), instrument.tick))
    return max(bound, ceil_to(best * (1 - ratio), instrument.tick))


def reserve_price(instrument: Instrument, order: Order) -> Decimal:
    """§5: BUY market at its protection price, SELL at the higher of its price and the best bid in CONTINUOUS."""
    best_bid = instrument.best(terms.BUY)
    if order.side == terms.SELL and best_bid is not None and instrument.phase == terms.CONTINUOUS:
        return max(order.price, best_bid)
    return order.price


def volume_check(instrument: Instrument, command: OrderSubmit) -> None:
    volume, rates, name = command.volume, instrument.rates, instrument.id
    least, most = rates.limit_volume_min, rates.limit_volume_max
    if command.kind == terms.MARKET:
        least, most = rates.market_volume_min, rates.market_volume_max
    if not 1 <= volume <= terms.VOLUME_MAX:
        refuse(Code.VOLUME_INVALID, "volume", terms.VOLUME_MAX, volume, terms.UNIT_LOTS, name)
    if volume > most:
        refuse(Code.VOLUME_ABOVE_MAXIMUM, "volume", most, volume, terms.UNIT_LOTS, name)
    if volume < least:
        refuse(Code.VOLUME_BELOW_MINIMUM, "volume", least, volume, terms.UNIT_LOTS, name)


def budget_check(instrument: Instrument, command: OrderSubmit) -> None:
    if command.time_in_force == terms.FOK:
        refuse(Code.TIME_IN_FORCE_NOT_SUPPORTED, "time_in_force")
    limit, currency = terms.MONEY_MAX, instrument.spec.currency
    if not 1 <= command.budget < limit:
        refuse(Code.BUDGET_INVALID, "budget", limit, command.budget, terms.UNIT_MONEY, currency)
    if command.volume != 0:
        refuse(Code.VOLUME_INVALID, "volume", 0, command.volume, terms.UNIT_LOTS, instrument.id)


def notional_check(instrument: Instrument, order: Order) -> None:
    """§9: the budget; a limit order's price × quantity; a market SELL's quantity × last."""
    if order.body.budget:
        value = order.budget_left
    elif order.body.kind == terms.MARKET:
        value = instrument.value(reference_ticks(instrument) * instrument.tick, order.left)
    else:
        value = instrument.value(order.price, order.left)
    least = instrument.spec.notional_min * instrument.unit
    if 0 < value < least:
        field = "budget" if order.body.budget else "price"
        refuse_money(Code.NOTIONAL_BELOW_MINIMUM, field, least, value, instrument.spec.currency)


def closable_check(account: Account, instrument: Instrument, side: int, volume: int, offset: int) -> None:
    """§4: lots held less those frozen by live close orders; EXPLICIT has a bucket for today and one for history."""
    explicit = instrument.spec.close_rule == terms.CLOSE_EXPLICIT
    held = account.lots_of(instrument.id, -side)
    lots = sum(lot.volume for lot in closing_order(instrument, offset, held))
    frozen = sum(
        o.left
        for o in account.orders
        if o.body.instrument == instrument.id
        and o.side == side
        and o.holds
        and o.offset != terms.OPEN
        and (not explicit or o.offset == offset)
    )
    if volume <= lots - frozen:
        return
    code = Code.INSUFFICIENT_POSITION
    if explicit:
        today = offset == terms.CLOSETODAY
        code = Code.INSUFFICIENT_POSITION_TODAY if today else Code.INSUFFICIENT_POSITION_HISTORY
    refuse(code, "volume", lots - frozen, volume, terms.UNIT_LOTS, instrument.id)


def position_limit_check(
    venue: Venue, account: Account, instrument: Instrument, side: int, volume: int
) -> None:
    """Held + live OPEN + this order, of the account and of its owner."""
    limit = instrument.rates.position_limit
    if not limit:
        return
    # An account's own lots are among its owner's, so the owner's total is the one to test and to name.
    accounts = [a for a in venue.accounts.values() if a.owner == account.owner]
    total = volume + sum(exposure(a, instrument, side) for a in accounts)
    if total > limit:
        refuse(Code.POSITION_LIMIT, "volume", limit, total, terms.UNIT_LOTS, instrument.id)


def exposure(account: Account, instrument: Instrument, side: int) -> int:
    opening = (
        o.left
        for o in account.orders
        if o.body.instrument == instrument.id and o.side == side and o.offset == terms.OPEN and o.holds
    )
    return sum(lot.volume for lot in account.lots_of(instrument.id, side)) + sum(opening)


def futures_money_check(venue: Venue, account: Account, instrument: Instrument, order: Order) -> None:
    """Available covers the group's new charge and the fee, and the risk level holds after it."""
    others = [o for o in account.orders if o is not order]
    account.orders, live = others, account.orders
    before = venue.money(account)
    account.orders, order.holds = [*others, order], True
    after = venue.money(account)
    account.orders = live
    if after.available < 0:
        needed = before.available - after.available
        refuse_money(Code.INSUFFICIENT_FUNDS, "volume", before.available, needed, instrument.spec.currency)
    limit = venue.settings["risk_open_max"]
    if risk_is_above(after, limit):
        ratio = min(risk_ratio(after), terms.MONEY_MAX)
        refuse(Code.RISK_RATIO_TOO_HIGH, "account_id", limit, ratio, terms.UNIT_RATIO, instrument.id)


def risk_ratio(money: Money) -> int:
    """10⁻⁹, rounded down; no equity is beyond every level."""
    equity = money.balance - money.frozen_commission
    if equity <= 0:
        return terms.MONEY_MAX
    return int(floor_to((money.margin + money.frozen_margin) / equity, RATIO) / RATIO)


def spot_money_check(venue: Venue, account: Account, instrument: Instrument, order: Order) -> None:
    asset = locked_asset(instrument, order)
    free, needed = venue.free(account, asset), order_locked(instrument, order)
    if needed > free:
        field = "volume" if order.side == terms.SELL else "budget" if order.body.budget else "price"
        refuse_money(Code.INSUFFICIENT_FUNDS, field, free, needed, asset)


def order_accept(venue: Venue, account: Account, order: Order) -> None:
    """Announce, match, then rest or end."""
    command = order.body
    instrument = venue.instruments[command.instrument]
    venue.orders[order.order_id] = order
    account.orders.append(order)
    venue.events.append(
        OrderAccepted(
            order_id=order.order_id,
            account_id=account.account_id,
            instrument=instrument.id,
            side=command.side,
            offset=order.offset,
            kind=command.kind,
            time_in_force=command.time_in_force,
            price=instrument.ticks(order.price),
            volume=command.volume,
            client_order_id=command.client_order_id,
            post_only=command.post_only,
            budget=command.budget,
        )
    )
    if command.time_in_force == terms.FOK and fillable(venue, order) < order.left:
        order_end(venue, order, terms.EXPIRED, Code.NOT_FILLABLE)
        return
    stopped_by = match(venue, order)
    if order.body.budget:
        budget_end(venue, instrument, order, stopped_by)
    elif order.left:
        rest_or_end(venue, instrument, order, stopped_by)


def budget_end(venue: Venue, instrument: Instrument, order: Order, stopped_by: Code) -> None:
    """Spent to the last lot step: FILLED; stopped before, or nothing bought at all: EXPIRED (§9)."""
    if stopped_by == Code.OK and order.budget_left < order.body.budget * instrument.unit:
        order_end(venue, order, terms.FILLED, Code.OK)
    else:
        order_end(venue, order, terms.EXPIRED, Code.NOT_FILLABLE if stopped_by == Code.OK else stopped_by)


def rest_or_end(venue: Venue, instrument: Instrument, order: Order, stopped_by: Code) -> None:
    if stopped_by == Code.SELF_TRADE:
        order_end(venue, order, terms.EXPIRED, Code.SELF_TRADE)
    elif order.body.kind == terms.MARKET:
        order_end(venue, order, terms.EXPIRED, stopped_by)
    elif order.body.time_in_force in IMMEDIATE:
        order_end(venue, order, terms.EXPIRED, Code.IMMEDIATE_REST)
    else:
        book_insert(instrument, order)


def order_cancel(venue: Venue, command: OrderCancel) -> None:
    account = account_for(venue, command, terms.SCOPE_TRADE)
    order = order_named(venue, account, command)
    field = "order_id" if command.order_id else "client_order_id"
    if order is None:
        refuse(Code.ORDER_NOT_FOUND, field)
    if order.status != terms.LIVE:
        refuse(Code.ORDER_FINISHED, field, order.code, order.status)
    if venue.settling and not venue.instruments[order.body.instrument].is_spot:
        refuse(Code.SETTLEMENT_RUNNING, field)
    may = {user for user, rights in account.grants.items() if rights & terms.SCOPE_TRADE} | {account.owner}
    by_client = command.actor in may
    order_end(
        venue, order, terms.CANCELLED, Code.CANCELLED_BY_CLIENT if by_client else Code.CANCELLED_BY_VENUE
    )


def order_named(venue: Venue, account: Account, command: OrderCancel) -> Order | None:
    """The account's order meant by a cancel, as far back as the venue remembers."""
    if not command.order_id:
        return account.client_ids.get(command.client_order_id) if command.client_order_id else None
    order = venue.orders.get(command.order_id)
    if order is None or order.body.account_id != account.account_id:
        return None
    # A finished order is known by its id for as long as its client order id is.
    remembered = order.status == terms.LIVE or account.client_ids.get(order.body.client_order_id) is order
    return order if remembered else None


def order_query(venue: Venue, command: OrderQuery) -> None:
    account = account_for(venue, command, terms.SCOPE_TRADE)  # it claims an unknown id: more than reading
    client_order_id = command.client_order_id
    if client_order_id not in account.client_ids:
        client_order_id_check(venue, account, 1, client_order_id)
        account.client_ids[client_order_id] = None
        account.claimed_day[client_order_id] = venue.trading_day
    order = account.client_ids[client_order_id]
    venue.events.append(report(account, client_order_id, order, repeated=False))


def rejection(refusal: Refusal, command: object, seq: int) -> Rejected:
    """The refusal as an event; an order refused is known by the sequence it came with."""
    return Rejected(
        code=int(refusal.code),
        field=refusal.field,
        limit=refusal.limit,
        value=refusal.value,
        unit=refusal.unit,
        account_id=getattr(command, "account_id", 0),
        instrument=refusal.instrument or getattr(command, "instrument", ""),
        client_order_id=getattr(command, "client_order_id", ""),
        order_id=seq if isinstance(command, OrderSubmit) else getattr(command, "order_id", 0),
    )

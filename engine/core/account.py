"""One trading account: futures cash, positions as FIFO lots, margin groups, spot wallets, client order ids.
Called by every handler of the core; money in units of the currency, volumes in lots (trading-rules.md §4–6, §9)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from engine.core import terms
from engine.core.book import NoOrder, Order
from engine.core.instrument import Instrument
from engine.core.views import AccountView, PositionView, WalletView


class Lot:
    """Contracts opened by one trade and not yet closed."""

    __slots__ = ("open_day", "price", "trade_id", "volume")

    def __init__(self, trade_id: int, open_day: int, price: int, volume: int) -> None:
        self.trade_id = trade_id
        self.open_day = open_day
        self.price = price
        self.volume = volume


class Holding:
    """One side (long or short) of a position. Today's and history lots stand apart, oldest first."""

    __slots__ = (
        "frozen",
        "frozen_history",
        "frozen_today",
        "history",
        "history_volume",
        "margin",
        "margin_frozen",
        "margin_history",
        "open_cost",
        "opening",
        "position_cost",
        "side",
        "today",
        "today_pool",
        "today_volume",
    )

    def __init__(self, side: int) -> None:
        self.side = side
        self.today: deque[Lot] = deque()
        self.history: deque[Lot] = deque()
        self.today_volume = 0
        self.history_volume = 0
        self.frozen_today = 0  # EXPLICIT products: lots of live CLOSETODAY orders
        self.frozen_history = 0  # EXPLICIT products: lots of live CLOSE orders
        self.frozen = 0  # other products: lots of live CLOSE orders
        self.opening = 0  # lots of live OPEN orders
        self.today_pool = 0  # TODAY_POOL: opened today and not yet charged close-today
        self.open_cost = 0
        self.position_cost = 0
        self.margin = 0
        self.margin_history = 0  # of it, the history lots'
        self.margin_frozen = 0  # reserved by live OPEN orders

    @property
    def volume(self) -> int:
        return self.today_volume + self.history_volume

    def frozen_split(self, close_rule: int) -> tuple[int, int]:
        """(today's, history) frozen lots as shown; derived by the close rule where only the total is frozen."""
        if close_rule == terms.CLOSE_EXPLICIT:
            return self.frozen_today, self.frozen_history
        if close_rule == terms.CLOSE_FIFO:
            history = min(self.frozen, self.history_volume)
            return self.frozen - history, history
        today = min(self.frozen, self.today_volume)
        return today, self.frozen - today


class MarginSums:
    """The holdings of one margin group added up, long and short (trading-rules.md §5)."""

    __slots__ = (
        "frozen_long",
        "frozen_short",
        "larger_side",
        "long",
        "long_history",
        "short",
        "short_history",
    )

    def __init__(self, larger_side: int) -> None:
        self.larger_side = larger_side
        self.long = 0
        self.short = 0
        self.long_history = 0
        self.short_history = 0
        self.frozen_long = 0
        self.frozen_short = 0

    def add(self, position: Position) -> None:
        long, short = position.long, position.short
        self.long += long.margin
        self.short += short.margin
        self.long_history += long.margin_history
        self.short_history += short.margin_history
        self.frozen_long += long.margin_frozen
        self.frozen_short += short.margin_frozen

    def charges(self) -> tuple[int, int]:
        """(margin, frozen margin) of the group."""
        long, short = self.long, self.short
        if self.larger_side == terms.LARGER_ON:
            margin = max(long, short)
            return margin, max(long + self.frozen_long, short + self.frozen_short) - margin
        margin = long + short
        if self.larger_side == terms.LARGER_AT_SETTLEMENT:
            margin -= min(self.long_history, self.short_history)
        return margin, self.frozen_long + self.frozen_short


class Position:
    """One account in one instrument, both sides."""

    __slots__ = ("cost", "floor", "instrument", "long", "net", "short")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.long = Holding(terms.BUY)
        self.short = Holding(terms.SELL)
        self.net = 0  # lots long − lots short
        self.cost = 0  # position cost, long − short
        self.floor = 0  # position profit if the mark went to the day's worse price limit

    def holding(self, side: int) -> Holding:
        return self.long if side > 0 else self.short

    def profit(self) -> int:
        """持仓盈亏 at the mark."""
        return self.net * self.instrument.mark_money - self.cost

    def margin_gross(self) -> int:
        long, short = self.long, self.short
        return long.margin + long.margin_frozen + short.margin + short.margin_frozen

    def refresh(self) -> None:
        """Recompute what is derived from the holdings and the day's price limits."""
        long, short = self.long, self.short
        self.net = long.volume - short.volume
        self.cost = long.position_cost - short.position_cost
        self.floor = self.net * self.instrument.worst_money(self.net) - self.cost

    @property
    def is_empty(self) -> bool:
        long, short = self.long, self.short
        return not (
            long.volume
            or short.volume
            or long.opening
            or short.opening
            or long.today_pool
            or short.today_pool
        )

    def view(self) -> PositionView:
        rule = self.instrument.spec.close_rule
        long, short = self.long, self.short
        long_frozen_today, long_frozen_history = long.frozen_split(rule)
        short_frozen_today, short_frozen_history = short.frozen_split(rule)
        return PositionView(
            instrument=self.instrument.instrument,
            long_today=long.today_volume,
            long_history=long.history_volume,
            long_frozen_today=long_frozen_today,
            long_frozen_history=long_frozen_history,
            long_open_cost=long.open_cost,
            long_position_cost=long.position_cost,
            long_margin=long.margin,
            short_today=short.today_volume,
            short_history=short.history_volume,
            short_frozen_today=short_frozen_today,
            short_frozen_history=short_frozen_history,
            short_open_cost=short.open_cost,
            short_position_cost=short.position_cost,
            short_margin=short.margin,
        )


class Wallet:
    """One asset of a spot account."""

    __slots__ = ("asset", "available", "locked")

    def __init__(self, asset: str) -> None:
        self.asset = asset
        self.available = 0
        self.locked = 0


def orders_finished(known_ids: Mapping[str, Order | NoOrder]) -> dict[int, Order | NoOrder]:
    """The finished orders among remembered client order ids: known by order id for as long as by client order id."""
    over = (terms.FILLED, terms.CANCELLED, terms.EXPIRED)
    return {known.order_id: known for known in known_ids.values() if known.status in over}


class Account:
    __slots__ = (
        "account_id",
        "client_orders",
        "client_orders_before",
        "close_profit",
        "commission",
        "deposit",
        "ended",
        "ended_before",
        "equity_floor",
        "freeze",
        "frozen_commission",
        "grants",
        "ids_roll",
        "margin_gross",
        "orders",
        "owner",
        "positions",
        "pre_balance",
        "wallets",
        "withdraw",
    )

    def __init__(self, account_id: int, owner: int) -> None:
        self.account_id = account_id
        self.owner = owner
        self.freeze = 0
        self.grants: dict[int, int] = {}
        self.pre_balance = 0
        self.deposit = 0
        self.withdraw = 0
        self.close_profit = 0
        self.commission = 0
        self.frozen_commission = 0
        self.margin_gross = 0  # margins and reservations of every holding; no group is charged more
        self.equity_floor = 0  # cash plus position profit, every mark at the day's worse price limit
        self.positions: dict[str, Position] = {}
        self.wallets: dict[str, Wallet] = {}
        self.orders = 0  # live ones
        self.client_orders: dict[str, Order | NoOrder] = {}  # of this trading day
        self.client_orders_before: dict[str, Order | NoOrder] = {}  # of the day before, and of live orders
        self.ended: dict[int, Order | NoOrder] = {}  # finished orders of this day by order id
        self.ended_before: dict[int, Order | NoOrder] = {}
        self.ids_roll = 0  # the roll of the day these four stand at

    def cash(self) -> int:
        """Futures cash without the profit of open positions: static_balance + close_profit − commission."""
        return self.pre_balance + self.deposit - self.withdraw + self.close_profit - self.commission

    def position_profit(self) -> int:
        return sum([position.profit() for position in self.positions.values()])

    def available(self) -> int:
        """可用 (trading-rules.md §6); may be negative."""
        return self.cash() + self.position_profit() - sum(self.margins()) - self.frozen_commission

    def refresh(self) -> None:
        """Recompute what is derived from cash, holdings and price limits."""
        for position in self.positions.values():
            position.refresh()
        self.equity_floor = self.cash() + sum([position.floor for position in self.positions.values()])
        self.margin_gross = sum([position.margin_gross() for position in self.positions.values()])

    def margins(self, opening: Instrument | None = None, side: int = 0, reserve: int = 0) -> tuple[int, int]:
        """(margin, frozen margin): what each margin group is charged and what its live OPEN orders add, summed;
        with one more order opening on `side` of an instrument that would reserve `reserve`."""
        groups: dict[str, MarginSums] = {}
        for position in self.positions.values():
            _sums_of(groups, position.instrument).add(position)
        if opening is not None:
            sums = _sums_of(groups, opening)
            if side > 0:
                sums.frozen_long += reserve
            else:
                sums.frozen_short += reserve
        margin = frozen = 0
        for sums in groups.values():
            charge, charge_frozen = sums.charges()
            margin += charge
            frozen += charge_frozen
        return margin, frozen

    def position(self, instrument: Instrument) -> Position:
        """The account's position in the instrument, made empty when there is none."""
        found = self.positions.get(instrument.instrument)
        if found is None:
            found = Position(instrument)
            self.positions[instrument.instrument] = found
        return found

    def wallet(self, asset: str) -> Wallet:
        found = self.wallets.get(asset)
        if found is None:
            found = self.wallets[asset] = Wallet(asset)
        return found

    def client_order(self, client_order_id: str) -> Order | NoOrder | None:
        """What this day or the day before knows of the id."""
        found = self.client_orders.get(client_order_id)
        return found if found is not None else self.client_orders_before.get(client_order_id)

    def order_ended(self, order_id: int) -> Order | NoOrder | None:
        found = self.ended.get(order_id)
        return found if found is not None else self.ended_before.get(order_id)

    def ids_turn(self, roll: int) -> None:
        """Catch up with the day's rolls: ids of the day before last are forgotten, but not those of live orders."""
        idle = roll - self.ids_roll > 1
        live = {
            client_order_id: known
            for known_ids in (self.client_orders_before, self.client_orders if idle else {})
            for client_order_id, known in known_ids.items()
            if known.status == terms.LIVE
        }
        self.client_orders_before = live if idle else live | self.client_orders
        self.ended_before = orders_finished(self.client_orders_before)
        self.client_orders = {}
        self.ended = {}
        self.ids_roll = roll

    def view(self) -> AccountView:
        margin, frozen_margin = self.margins()
        return AccountView(
            account_id=self.account_id,
            owner=self.owner,
            freeze=self.freeze,
            pre_balance=self.pre_balance,
            deposit=self.deposit,
            withdraw=self.withdraw,
            close_profit=self.close_profit,
            commission=self.commission,
            margin=margin,
            frozen_margin=frozen_margin,
            frozen_commission=self.frozen_commission,
            open_orders=self.orders,
            positions=[
                p.view() for _, p in sorted(self.positions.items()) if p.long.volume or p.short.volume
            ],
            wallets=[WalletView(w.asset, w.available, w.locked) for _, w in sorted(self.wallets.items())],
        )


def _sums_of(groups: dict[str, MarginSums], instrument: Instrument) -> MarginSums:
    found = groups.get(instrument.group_key)
    if found is None:
        found = groups[instrument.group_key] = MarginSums(instrument.larger_side)
    return found

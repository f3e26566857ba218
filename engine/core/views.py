"""What readers see of the state, as plain numbers, and the one function that values an account.
Made by the engine, written to live state and pushes by the leader, read by gateways and projections."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core import terms
from engine.core.commands import InstrumentSpec


@dataclass(slots=True)
class PositionView:
    """One account in one instrument. Volumes in lots, costs and margin in money units."""

    instrument: str
    long_today: int
    long_history: int
    long_frozen_today: int  # close orders' lots; for FIFO and TODAY_FIRST products derived by the close rule
    long_frozen_history: int
    long_open_cost: int
    long_position_cost: int
    long_margin: int
    short_today: int
    short_history: int
    short_frozen_today: int
    short_frozen_history: int
    short_open_cost: int
    short_position_cost: int
    short_margin: int


@dataclass(slots=True)
class WalletView:
    asset: str
    available: int
    locked: int


@dataclass(slots=True)
class AccountView:
    """An account's stored state (trading-rules.md §6); what moves with the mark is computed by `funds`."""

    account_id: int
    owner: int
    freeze: int
    pre_balance: int
    deposit: int
    withdraw: int
    close_profit: int
    commission: int
    margin: int
    frozen_margin: int
    frozen_commission: int
    open_orders: int
    positions: list[PositionView] = field(default_factory=list)
    wallets: list[WalletView] = field(default_factory=list)


@dataclass(slots=True)
class OrderView:
    order_id: int
    account_id: int
    instrument: str
    side: int
    offset: int
    kind: int
    time_in_force: int
    price: int
    volume: int
    left: int
    client_order_id: str
    post_only: bool
    budget: int
    status: int  # terms.LIVE, FILLED, CANCELLED, EXPIRED
    code: int
    accepted_at: int  # ns UTC
    frozen_margin: int  # spot: what is locked, in the locked asset's units
    frozen_commission: int
    filled: int  # lots; an order by budget has no volume to count it from


@dataclass(slots=True)
class InstrumentView:
    """An instrument's rules in force and its day. Prices in ticks but pre_settlement and settlement
    (1/10,000 of the quote unit); 0 means none."""

    spec: InstrumentSpec  # spec.rates are the rates in force
    state: int
    phase: int
    upper: int
    lower: int
    pre_settlement: int
    settlement: int
    settlement_confirmed: bool
    last: int
    open: int
    high: int
    low: int
    volume: int  # lots of the trading day
    turnover: int  # quote money units of the trading day
    open_interest: int  # lots, one side
    pre_open_interest: int
    pre_close: int
    trading_day: int

    @property
    def mark(self) -> int:
        """Money units of one lot at the mark: the last trade of this day, else pre_settlement."""
        if self.volume:
            return self.last * tick_money(self.spec)
        return self.pre_settlement * p4_money(self.spec)


@dataclass(slots=True)
class LevelView:
    price: int
    volume: int
    orders: int


@dataclass(slots=True)
class DepthView:
    """Best levels first, both sides."""

    instrument: str
    bids: list[LevelView]
    asks: list[LevelView]


@dataclass(slots=True)
class Funds:
    """trading-rules.md §6, all in money units; risk_ratio as numerator ÷ denominator (denominator ≤ 0: ∞)."""

    pre_balance: int
    static_balance: int
    deposit: int
    withdraw: int
    close_profit: int
    position_profit: int
    float_profit: int
    commission: int
    balance: int
    margin: int
    frozen_margin: int
    frozen_commission: int
    available: int
    withdraw_quota: int


RISK_OPEN_MAX_DEFAULT = 950_000_000  # 10⁻⁹: after it an OPEN or a withdrawal must leave no more (§7)


def ten_to(places: int) -> int:
    """10**places as an int, places ≥ 0."""
    return int(10**places)


def currency_unit(currency: str) -> int:
    """How many smallest units one of the currency has. Raises KeyError for an unknown one."""
    return ten_to(terms.CURRENCY_SCALES[currency])


def tick_money(spec: InstrumentSpec) -> int:
    """Money units of one tick on one lot (spot: on one lot step); listing guarantees it is whole."""
    scale = currency_unit(spec.currency)
    if spec.kind == terms.SPOT:
        return spec.tick_units * spec.lot_units * scale // ten_to(spec.tick_scale + spec.lot_scale)
    return spec.tick_units * spec.multiplier * scale // ten_to(spec.tick_scale)


def p4_money(spec: InstrumentSpec) -> int:
    """Money units of 1/10,000 of the quote unit on one lot of a future; listing guarantees it is whole."""
    return spec.multiplier * currency_unit(spec.currency) // terms.P4


def position_profit(position: PositionView, mark: int) -> int:
    """持仓盈亏 from the position price at `mark` (money units a lot)."""
    long_volume = position.long_today + position.long_history
    short_volume = position.short_today + position.short_history
    return (long_volume - short_volume) * mark - position.long_position_cost + position.short_position_cost


def float_profit(position: PositionView, mark: int) -> int:
    """浮动盈亏 from the open price at `mark` (money units a lot)."""
    long_volume = position.long_today + position.long_history
    short_volume = position.short_today + position.short_history
    return (long_volume - short_volume) * mark - position.long_open_cost + position.short_open_cost


def funds(
    account: AccountView, marks: Mapping[str, int], risk_open_max: int = RISK_OPEN_MAX_DEFAULT
) -> Funds:
    """Value an account's futures side; `marks` gives money units a lot per instrument held."""
    profit = sum(position_profit(p, marks[p.instrument]) for p in account.positions)
    floating = sum(float_profit(p, marks[p.instrument]) for p in account.positions)
    static = account.pre_balance + account.deposit - account.withdraw
    balance = static + account.close_profit + profit - account.commission
    available = balance - account.margin - account.frozen_margin - account.frozen_commission
    return Funds(
        pre_balance=account.pre_balance,
        static_balance=static,
        deposit=account.deposit,
        withdraw=account.withdraw,
        close_profit=account.close_profit,
        position_profit=profit,
        float_profit=floating,
        commission=account.commission,
        balance=balance,
        margin=account.margin,
        frozen_margin=account.frozen_margin,
        frozen_commission=account.frozen_commission,
        available=available,
        withdraw_quota=0
        if account.freeze & terms.FREEZE_WITHDRAW
        else withdraw_quota(
            available=available,
            profits=max(0, profit) + max(0, account.close_profit),
            charge=account.margin + account.frozen_margin,
            equity=balance - account.frozen_commission,
            risk_open_max=risk_open_max,
        ),
    )


def withdraw_quota(*, available: int, profits: int, charge: int, equity: int, risk_open_max: int) -> int:
    """What may leave: the day's gains stay, and charge ÷ (equity − quota) ≤ risk_open_max holds then."""
    quota = available - profits
    if charge > 0:
        equity_min = -(-charge * terms.RATIO_ONE // risk_open_max)
        quota = min(quota, equity - equity_min)
    return max(0, quota)

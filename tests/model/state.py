"""What the slow model remembers: instruments, accounts, lots, orders, each as the rules name them.
Held by tests/model/venue.py; everything that can be derived is derived anew each time it is asked for."""

from dataclasses import dataclass, field
from decimal import Decimal

from engine.core import terms
from engine.core.commands import CashDeposit, CashTransfer, CashWithdraw, InstrumentSpec, OrderSubmit, Rates
from tests.model.numbers import RATIO, UNITS, ZERO, half_up


@dataclass
class Lot:
    """Lots opened by one trade (合约 lot 手)."""

    trade_id: int
    open_price: Decimal
    position_price: Decimal  # the open price today, the last settlement price once it is history
    volume: int
    today: bool = True


@dataclass
class Order:
    """One order, live or finished; finished ones are kept, so that a repeat can be answered."""

    order_id: int
    body: OrderSubmit
    day: int
    price: Decimal  # limit or protection price, quote currency
    offset: int = terms.OPEN  # CLOSETODAY by another name (closetoday_alias) is CLOSE
    reserve_price: Decimal = ZERO
    left: int = 0
    budget_left: Decimal = ZERO
    status: int = terms.LIVE
    code: int = 0
    accepted_at: int = 0
    holds: bool = True  # False between steps 7 and 8 of the day

    @property
    def side(self) -> int:
        return self.body.side


@dataclass
class Account:
    account_id: int
    owner: int
    freeze: int = 0
    pre_balance: Decimal = ZERO
    deposit: Decimal = ZERO
    withdraw: Decimal = ZERO
    close_profit: Decimal = ZERO
    commission: Decimal = ZERO
    lots: dict[tuple[str, int], list[Lot]] = field(default_factory=dict)
    pools: dict[tuple[str, int], int] = field(
        default_factory=dict
    )  # opened today, close-today fee not charged
    wallets: dict[str, Decimal] = field(default_factory=dict)  # asset → all of it, locked included
    orders: list[Order] = field(default_factory=list)  # live ones, in order of acceptance
    client_ids: dict[str, Order | None] = field(default_factory=dict)  # None: claimed by a query
    claimed_day: dict[str, int] = field(default_factory=dict)
    grants: dict[int, int] = field(default_factory=dict)

    def lots_of(self, instrument: str, side: int) -> list[Lot]:
        return self.lots.setdefault((instrument, side), [])


@dataclass
class Request:
    """A cash movement asked for, by its request id."""

    body: CashDeposit | CashWithdraw | CashTransfer  # without actor and scope
    status: int  # terms.CASH_* it has come to
    day: int


class Instrument:
    """An instrument with its day; the rules of its kind in decimals."""

    def __init__(self, spec: InstrumentSpec, listing: Decimal) -> None:
        self.spec = spec
        self.rates: Rates = spec.rates
        self.rates_pending: Rates | None = None
        self.state = terms.TRADING
        self.phase = terms.CONTINUOUS
        self.tick = Decimal(spec.tick_units).scaleb(-spec.tick_scale)
        self.lot = Decimal(spec.lot_units).scaleb(-spec.lot_scale)
        self.size = self.lot if spec.kind == terms.SPOT else Decimal(spec.multiplier)
        self.unit = UNITS[spec.currency]
        self.pre_settlement = listing
        self.settlement: Decimal | None = None
        self.settlement_confirmed = False
        self.upper = 0  # ticks
        self.lower = 0
        self.last: Decimal | None = None  # of all days
        self.pre_close: Decimal | None = None
        self.prints: list[tuple[int, Decimal, int]] = []  # today's trades: time, price, volume
        self.pre_open_interest = 0
        self.outside_group = False  # larger_side_until is past
        self.buys: list[Order] = []  # best first
        self.sells: list[Order] = []

    @property
    def id(self) -> str:
        return self.spec.instrument

    @property
    def is_spot(self) -> bool:
        return self.spec.kind == terms.SPOT

    @property
    def group(self) -> str:
        return self.id if self.outside_group else self.spec.margin_group or self.spec.product

    @property
    def larger_side(self) -> int:
        return terms.LARGER_OFF if self.outside_group else self.spec.larger_side

    def book(self, side: int) -> list[Order]:
        return self.buys if side == terms.BUY else self.sells

    def best(self, side: int) -> Decimal | None:
        book = self.book(side)
        return book[0].price if book else None

    def ticks(self, price: Decimal) -> int:
        count = price / self.tick
        if count != int(count):
            raise AssertionError(f"{price} is no multiple of {self.tick}")
        return int(count)

    def value(self, price: Decimal, lots: int) -> Decimal:
        """Price × quantity in the quote currency."""
        return price * self.size * lots

    @property
    def mark(self) -> Decimal:
        return self.prints[-1][1] if self.prints else self.pre_settlement

    @property
    def last_trade_price(self) -> Decimal:
        """cp of §2: the last trade, before the day's first the previous close, never traded: pre_settlement."""
        if self.last is not None:
            return self.last
        return half_up(self.pre_settlement, self.tick)

    def per_lot(self, price: Decimal, ratio: int, amount: int) -> Decimal:
        """§5: round(price × multiplier × ratio) + amount, for a single lot."""
        return half_up(price * self.size * ratio * RATIO, self.unit) + amount * self.unit

    def margin_lot(self, side: int, price: Decimal) -> Decimal:
        if side == terms.BUY:
            return self.per_lot(price, self.rates.margin_long_ratio, self.rates.margin_long_lot)
        return self.per_lot(price, self.rates.margin_short_ratio, self.rates.margin_short_lot)

    def fee_open(self, price: Decimal) -> Decimal:
        return self.per_lot(price, self.rates.fee_open_ratio, self.rates.fee_open_lot)

    def fee_close(self, price: Decimal) -> Decimal:
        return self.per_lot(price, self.rates.fee_close_ratio, self.rates.fee_close_lot)

    def fee_today(self, price: Decimal) -> Decimal:
        return self.per_lot(price, self.rates.fee_today_ratio, self.rates.fee_today_lot)

"""Everything that can happen, one small class each: the core's only output, read by leaders and projections.
The first event of a command is its answer. Units as in commands.py."""

from dataclasses import dataclass

from engine.core.commands import InstrumentSpec, Rates


@dataclass(slots=True)
class Rejected:
    """A command refused with nothing changed. `limit` and `value` are in `unit` (terms.UNIT_*)."""

    code: int
    field: str
    limit: int
    value: int
    unit: int
    account_id: int
    instrument: str  # or the currency, for UNIT_MONEY
    client_order_id: str
    order_id: int


@dataclass(slots=True, init=False)
class OrderAccepted:
    order_id: int
    account_id: int
    instrument: str
    side: int
    offset: int
    kind: int
    time_in_force: int
    price: int  # MARKET: the protection price
    volume: int
    client_order_id: str
    post_only: bool
    budget: int

    def __init__(
        self,
        order_id: int,
        account_id: int,
        instrument: str,
        side: int,
        offset: int,
        kind: int,
        time_in_force: int,
        price: int,
        volume: int,
        client_order_id: str,
        post_only: bool,
        budget: int,
    ) -> None:
        self.order_id = order_id
        self.account_id = account_id
        self.instrument = instrument
        self.side = side
        self.offset = offset
        self.kind = kind
        self.time_in_force = time_in_force
        self.price = price
        self.volume = volume
        self.client_order_id = client_order_id
        self.post_only = post_only
        self.budget = budget


@dataclass(slots=True)
class OrderReported:
    """The answer to a repeated submit and to a query: the original and its state (terms.LIVE, FILLED, …)."""

    order_id: int
    account_id: int
    client_order_id: str
    status: int
    left: int
    code: int
    repeated: bool  # True: a repeat of a submit; False: an answer to a query


@dataclass(slots=True, init=False)
class Trade:
    trade_id: int
    instrument: str
    price: int
    volume: int
    taker_side: int
    buy_order_id: int
    sell_order_id: int
    buy_account_id: int
    sell_account_id: int
    buy_offset: int
    sell_offset: int
    buy_left: int  # of the order, after this trade; 0: filled (budget orders end by OrderEnded)
    sell_left: int
    buy_fee: int  # futures: CNY units; spot: units of the base asset
    sell_fee: int  # futures: CNY units; spot: units of the quote currency
    buy_close_profit: int  # futures, close: by day; else 0
    sell_close_profit: int
    buy_closed_today: int  # lots of today's among the closed ones
    sell_closed_today: int
    notional: int  # money units of the quote currency

    def __init__(
        self,
        trade_id: int,
        instrument: str,
        price: int,
        volume: int,
        taker_side: int,
        buy_order_id: int,
        sell_order_id: int,
        buy_account_id: int,
        sell_account_id: int,
        buy_offset: int,
        sell_offset: int,
        buy_left: int,
        sell_left: int,
        buy_fee: int,
        sell_fee: int,
        buy_close_profit: int,
        sell_close_profit: int,
        buy_closed_today: int,
        sell_closed_today: int,
        notional: int,
    ) -> None:
        self.trade_id = trade_id
        self.instrument = instrument
        self.price = price
        self.volume = volume
        self.taker_side = taker_side
        self.buy_order_id = buy_order_id
        self.sell_order_id = sell_order_id
        self.buy_account_id = buy_account_id
        self.sell_account_id = sell_account_id
        self.buy_offset = buy_offset
        self.sell_offset = sell_offset
        self.buy_left = buy_left
        self.sell_left = sell_left
        self.buy_fee = buy_fee
        self.sell_fee = sell_fee
        self.buy_close_profit = buy_close_profit
        self.sell_close_profit = sell_close_profit
        self.buy_closed_today = buy_closed_today
        self.sell_closed_today = sell_closed_today
        self.notional = notional


@dataclass(slots=True, init=False)
class OrderEnded:
    """An order left the book, or never reached it, other than by being filled."""

    order_id: int
    account_id: int
    instrument: str
    status: int  # terms.CANCELLED, EXPIRED, FILLED (a budget spent)
    left: int
    code: int

    def __init__(
        self,
        order_id: int,
        account_id: int,
        instrument: str,
        status: int,
        left: int,
        code: int,
    ) -> None:
        self.order_id = order_id
        self.account_id = account_id
        self.instrument = instrument
        self.status = status
        self.left = left
        self.code = code


@dataclass(slots=True)
class AccountOpened:
    account_id: int
    owner: int
    init_cash: int


@dataclass(slots=True)
class AccountGranted:
    account_id: int
    user: int
    rights: int


@dataclass(slots=True)
class AccountFrozen:
    account_id: int
    freeze: int


@dataclass(slots=True)
class CashMoved:
    """Money in, out or across; `amount` > 0, `movement` is terms.CASH_*."""

    account_id: int
    request_id: str
    movement: int
    book: int
    currency: str
    amount: int


@dataclass(slots=True)
class CashReported:
    """The answer to a repeated money request: what the first one came to (terms.CASH_*)."""

    account_id: int
    request_id: str
    movement: int


@dataclass(slots=True)
class InstrumentListed:
    spec: InstrumentSpec
    upper: int  # price limits of the day, ticks
    lower: int


@dataclass(slots=True)
class InstrumentStateChanged:
    instrument: str
    state: int
    phase: int


@dataclass(slots=True)
class RatesChanged:
    """`effective` False: pending until the roll; True: in force from now on with these limits."""

    instrument: str
    rates: Rates
    effective: bool
    upper: int
    lower: int


@dataclass(slots=True)
class SettlementPrice:
    instrument: str
    price: int  # 1/10,000 of the quote unit
    confirmed: bool
    traded: bool  # False: nothing traded today, the previous settlement price stands in


@dataclass(slots=True)
class PositionSettled:
    """The day's variation of one account in one instrument, posted against the instrument's clearing account."""

    account_id: int
    instrument: str
    variation: int


@dataclass(slots=True)
class AccountSettled:
    """An account's day, closed: balance (money units) becomes the next day's pre_balance."""

    account_id: int
    trading_day: int
    pre_balance: int
    deposit: int
    withdraw: int
    close_profit: int
    position_profit: int
    commission: int
    balance: int
    margin: int


@dataclass(slots=True)
class DayStepDone:
    run_id: int
    step: int
    cursor: int  # where the next chunk begins
    finished: bool


@dataclass(slots=True)
class DayOpened:
    trading_day: int


@dataclass(slots=True)
class VenueChanged:
    setting: str
    value: int


@dataclass(slots=True)
class TimeAdvanced:
    """The answer to AdvanceTime."""


Event = (
    Rejected
    | OrderAccepted
    | OrderReported
    | Trade
    | OrderEnded
    | AccountOpened
    | AccountGranted
    | AccountFrozen
    | CashMoved
    | CashReported
    | InstrumentListed
    | InstrumentStateChanged
    | RatesChanged
    | SettlementPrice
    | PositionSettled
    | AccountSettled
    | DayStepDone
    | DayOpened
    | VenueChanged
    | TimeAdvanced
)

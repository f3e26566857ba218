"""Everything that can be asked of the exchange, one small class each; called by gateways and the clearing house.
`actor` is the acting user (0: the venue itself), `scope` the bits of terms.SCOPE_* its key carries. Prices are
ticks, volumes whole lots, money integer units of the currency, ratios 10⁻⁹."""

from dataclasses import dataclass, field
from typing import Any

from engine.core import terms


@dataclass(slots=True)
class Rates:
    """What the day's roll may change: margin, fees, limits, sizes (trading-rules.md §1)."""

    margin_long_ratio: int = 0
    margin_short_ratio: int = 0
    margin_long_lot: int = 0
    margin_short_lot: int = 0
    fee_open_ratio: int = 0  # spot: the maker's ratio
    fee_open_lot: int = 0
    fee_close_ratio: int = 0  # spot: the taker's ratio
    fee_close_lot: int = 0
    fee_today_ratio: int = 0
    fee_today_lot: int = 0
    limit_up_ratio: int = 0  # 0: no price limit (spot)
    limit_down_ratio: int = 0
    limit_volume_min: int = 1
    limit_volume_max: int = 10_000
    market_volume_min: int = 1
    market_volume_max: int = 1_000
    position_limit: int = 0  # lots a side, per account and per owner; 0: none


@dataclass(slots=True)
class InstrumentSpec:
    """What an instrument is. Prices in ticks of tick_units / 10**tick_scale of the quote currency."""

    instrument: str  # "CFFEX.IF2512", "SPOT.BTC_USDT"
    name: str
    product: str  # "CFFEX.IF"
    kind: int  # terms.FUTURES or terms.SPOT
    currency: str  # quote currency
    base: str = ""  # spot: the asset traded
    multiplier: int = 1  # futures: units of the underlying a lot
    tick_units: int = 1
    tick_scale: int = 0
    lot_units: int = 1  # spot: a lot is lot_units / 10**lot_scale of the base asset
    lot_scale: int = 0
    margin_group: str = ""  # "" means the product
    larger_side: int = terms.LARGER_OFF
    larger_side_until: int = 0  # YYYYMMDD: after this trading day both sides are charged; 0: never
    close_rule: int = terms.CLOSE_FIFO
    close_fee_rule: int = terms.FEE_BY_LOT
    match_price_rule: int = terms.MATCH_MIDDLE
    closetoday_alias: bool = False
    allow_market: bool = True
    protection_ratio: int = 0  # market orders: farthest from the best opposite price; 0: the price limit
    band_factor: int = 10  # spot: a price is refused outside last ÷ factor … last × factor
    notional_min: int = 0  # spot, quote money units
    listing_price: int = 0  # ticks
    last_trading_day: int = 0  # YYYYMMDD, 0: perpetual
    session_template: str = "24x7"
    settlement_price_rule: int = terms.SETTLE_VWAP_DAY
    rates: Rates = field(default_factory=Rates)


@dataclass(slots=True)
class InstrumentList:
    """List a contract; it trades at once (phase CONTINUOUS) unless the day is being settled."""

    actor: int
    scope: int
    spec: InstrumentSpec


@dataclass(slots=True)
class InstrumentStateSet:
    """Suspend, resume or delist (terms.SUSPENDED / TRADING / DELISTED)."""

    actor: int
    scope: int
    instrument: str
    state: int


@dataclass(slots=True)
class InstrumentRatesSet:
    """Rates that take effect at the next roll (step 7)."""

    actor: int
    scope: int
    instrument: str
    rates: Rates


@dataclass(slots=True)
class AccountOpen:
    """Open an account for `owner` (the beneficial owner, a user id); `init_cash` is CNY futures cash."""

    actor: int
    scope: int
    account_id: int
    owner: int
    init_cash: int = 0


@dataclass(slots=True)
class AccountGrant:
    """Let `user` act on the account within `rights` (terms.SCOPE_*); 0 takes the grant away."""

    actor: int
    scope: int
    account_id: int
    user: int
    rights: int


@dataclass(slots=True)
class AccountFreeze:
    """Set the account's freeze bits (terms.FREEZE_*); 0 unfreezes. Cancelling stays possible."""

    actor: int
    scope: int
    account_id: int
    freeze: int


@dataclass(slots=True)
class OrderSubmit:
    """Submit an order. `price` 0 for MARKET; `budget` only for a spot market buy (quote units), then volume is 0."""

    actor: int
    scope: int
    account_id: int
    instrument: str
    side: int
    offset: int
    kind: int  # terms.LIMIT, MARKET
    time_in_force: int
    price: int
    volume: int
    client_order_id: str = ""  # "" only for orders of the venue itself
    post_only: bool = False
    budget: int = 0


_BODY = (
    "account_id",
    "instrument",
    "side",
    "offset",
    "kind",
    "time_in_force",
    "price",
    "volume",
    "client_order_id",
    "post_only",
    "budget",
)


def body_of(command: OrderSubmit | None) -> list[Any]:
    """What makes two orders with one client order id the same order; empty for an id that was only asked for."""
    return [getattr(command, name) for name in _BODY] if command is not None else []


@dataclass(slots=True)
class OrderCancel:
    """Cancel by order id, or by client order id when order_id is 0."""

    actor: int
    scope: int
    account_id: int
    order_id: int = 0
    client_order_id: str = ""


@dataclass(slots=True)
class OrderQuery:
    """Ask by client order id; an unknown id is claimed, so that a straggler is refused and the answer is final."""

    actor: int
    scope: int
    account_id: int
    client_order_id: str


@dataclass(slots=True)
class CashDeposit:
    """Credit `amount` units; `request_id` makes a repeat harmless. Only the venue may (SCOPE_OPERATE)."""

    actor: int
    scope: int
    account_id: int
    request_id: str
    book: int  # terms.BOOK_FUTURES (CNY) or BOOK_SPOT
    currency: str
    amount: int


@dataclass(slots=True)
class CashWithdraw:
    """Take `amount` out of the account at once, pending until done or refused."""

    actor: int
    scope: int
    account_id: int
    request_id: str
    book: int
    currency: str
    amount: int


@dataclass(slots=True)
class CashWithdrawEnd:
    """The venue pays a pending withdrawal out (`paid`) or refuses it (posted back)."""

    actor: int
    scope: int
    account_id: int
    request_id: str
    paid: bool


@dataclass(slots=True)
class CashTransfer:
    """Move money between two accounts of one owner, or between an account's books, in one currency."""

    actor: int
    scope: int
    account_id: int
    request_id: str
    to_account_id: int
    from_book: int
    to_book: int
    currency: str
    amount: int


@dataclass(slots=True)
class SettlementPriceSet:
    """Type or confirm a settlement price (1/10,000 of the quote unit); price 0 confirms the computed one."""

    actor: int
    scope: int
    instrument: str
    price: int


@dataclass(slots=True)
class DayStep:
    """Do (a chunk of) one step of the end of day: `step` is terms.STEP_*, `cursor` the first key not yet done."""

    actor: int
    scope: int
    run_id: int
    step: int
    cursor: int


@dataclass(slots=True)
class DayOpen:
    """Open trading day `trading_day` (YYYYMMDD); ends the run of the day before."""

    actor: int
    scope: int
    trading_day: int


@dataclass(slots=True)
class VenueSet:
    """Change a setting of the venue: init_cash_max, risk_open_max, open_orders_max, client_ids_max."""

    actor: int
    scope: int
    setting: str
    value: int


@dataclass(slots=True)
class AdvanceTime:
    """Nothing but the passing of time; also the leader's proof that its journal can be written."""

    actor: int = 0
    scope: int = 0


Command = (
    OrderSubmit
    | OrderCancel
    | OrderQuery
    | AccountOpen
    | AccountGrant
    | AccountFreeze
    | CashDeposit
    | CashWithdraw
    | CashWithdrawEnd
    | CashTransfer
    | InstrumentList
    | InstrumentStateSet
    | InstrumentRatesSet
    | SettlementPriceSet
    | DayStep
    | DayOpen
    | VenueSet
    | AdvanceTime
)

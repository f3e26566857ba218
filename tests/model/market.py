"""The small market the random streams and the examples trade on: real products' rules, few accounts.
Called by tests/model/generate.py, tests/model/scenario.py and the tests of the core."""

from dataclasses import replace

from engine.core import terms
from engine.core.commands import (
    AccountOpen,
    CashDeposit,
    Command,
    DayOpen,
    InstrumentList,
    InstrumentSpec,
    Rates,
    VenueSet,
)

OPERATE = terms.SCOPE_OPERATE
TRADER = terms.SCOPE_READ | terms.SCOPE_TRADE | terms.SCOPE_TRANSFER
PERCENT = terms.RATIO_ONE // 100


def futures_rates(**changes: int) -> Rates:
    """10 % margin, limits ±10 %, no fee: what an example does not say."""
    base = {
        "margin_long_ratio": 10 * PERCENT,
        "margin_short_ratio": 10 * PERCENT,
        "limit_up_ratio": 10 * PERCENT,
        "limit_down_ratio": 10 * PERCENT,
    }
    return Rates(**(base | changes))


def fee(ratio: int, today: int | None = None) -> dict[str, int]:
    """The same fee by money on open and close; close-today as given (10⁻⁹)."""
    today = ratio if today is None else today
    return {"fee_open_ratio": ratio, "fee_close_ratio": ratio, "fee_today_ratio": today}


def coin_rates() -> Rates:
    """Maker 0.08 %, taker 0.1 %."""
    return Rates(
        fee_open_ratio=800_000, fee_close_ratio=1_000_000, limit_volume_max=100_000, market_volume_max=50_000
    )


def index_future(
    instrument: str = "CFFEX.IF2512", product: str = "CFFEX.IF", listing: int = 19_000
) -> InstrumentSpec:
    """IF: ×300, tick 0.2, 12 %, fee 0.000023 of money, close-today ten times that from the day's pool."""
    return InstrumentSpec(
        instrument=instrument,
        name=instrument,
        product=product,
        kind=terms.FUTURES,
        currency="CNY",
        multiplier=300,
        tick_units=2,
        tick_scale=1,
        margin_group="CFFEX.INDEX",
        larger_side=terms.LARGER_ON,
        close_rule=terms.CLOSE_FIFO,
        close_fee_rule=terms.FEE_TODAY_POOL,
        match_price_rule=terms.MATCH_MIDDLE,
        protection_ratio=5 * PERCENT,
        listing_price=listing,
        settlement_price_rule=terms.SETTLE_VWAP_LAST_HOUR,
        rates=futures_rates(
            margin_long_ratio=12 * PERCENT, margin_short_ratio=12 * PERCENT, **fee(23_000, 230_000)
        ),
    )


def copper(larger_side: int = terms.LARGER_ON) -> InstrumentSpec:
    """cu: ×5, tick 10, EXPLICIT, limits ±6 %, fee by money and by lot."""
    return InstrumentSpec(
        instrument="SHFE.cu2512",
        name="cu2512",
        product="SHFE.cu",
        kind=terms.FUTURES,
        currency="CNY",
        multiplier=5,
        tick_units=10,
        larger_side=larger_side,
        close_rule=terms.CLOSE_EXPLICIT,
        allow_market=False,
        listing_price=7_001,
        rates=futures_rates(
            limit_up_ratio=6 * PERCENT,
            limit_down_ratio=6 * PERCENT,
            fee_open_ratio=50_000,
            fee_close_ratio=50_000,
            fee_today_ratio=100_000,
            fee_today_lot=33,
        ),
    )


def rebar(larger_side: int = terms.LARGER_ON) -> InstrumentSpec:
    """rb: ×10, tick 1, 10 %, EXPLICIT; no fee, so that margins stand alone."""
    return InstrumentSpec(
        instrument="SHFE.rb2601",
        name="rb2601",
        product="SHFE.rb",
        kind=terms.FUTURES,
        currency="CNY",
        multiplier=10,
        larger_side=larger_side,
        close_rule=terms.CLOSE_EXPLICIT,
        listing_price=3_500,
        rates=futures_rates(),
    )


def meal() -> InstrumentSpec:
    """m: ×10, tick 1, FIFO, one fee by lot, uneven margins, CLOSETODAY means CLOSE."""
    return InstrumentSpec(
        instrument="DCE.m2601",
        name="m2601",
        product="DCE.m",
        kind=terms.FUTURES,
        currency="CNY",
        multiplier=10,
        close_rule=terms.CLOSE_FIFO,
        closetoday_alias=True,
        listing_price=2_800,
        rates=futures_rates(
            margin_long_ratio=7 * PERCENT,
            margin_short_ratio=8 * PERCENT,
            margin_short_lot=1_234,
            fee_open_lot=15_000,
            fee_close_lot=15_000,
            fee_today_lot=7_500,
            position_limit=60,
            limit_volume_max=40,
        ),
    )


def sugar() -> InstrumentSpec:
    """SR: ×10, tick 1, today's lots first, the larger side of history lots only, MAKER price."""
    return InstrumentSpec(
        instrument="CZCE.SR601",
        name="SR601",
        product="CZCE.SR",
        kind=terms.FUTURES,
        currency="CNY",
        multiplier=10,
        larger_side=terms.LARGER_AT_SETTLEMENT,
        close_rule=terms.CLOSE_TODAY_FIRST,
        match_price_rule=terms.MATCH_MAKER,
        listing_price=5_500,
        rates=futures_rates(margin_long_ratio=123_456_789, fee_open_ratio=77_777, fee_close_ratio=33_333),
    )


def bitcoin(notional_min: int = 5_000_000) -> InstrumentSpec:
    """BTC_USDT: tick 0.1, lots of 0.00001, fees 0.08 % / 0.1 %, worth 5 USDT at least."""
    return InstrumentSpec(
        instrument="SPOT.BTC_USDT",
        name="BTC_USDT",
        product="SPOT.BTC_USDT",
        kind=terms.SPOT,
        currency="USDT",
        base="BTC",
        tick_units=1,
        tick_scale=1,
        lot_units=1,
        lot_scale=5,
        match_price_rule=terms.MATCH_MAKER,
        protection_ratio=5 * PERCENT,
        notional_min=notional_min,
        listing_price=600_000,
        rates=coin_rates(),
    )


def solana() -> InstrumentSpec:
    """SOL_USDC: tick 0.01, lots of 0.01."""
    return InstrumentSpec(
        instrument="SPOT.SOL_USDC",
        name="SOL_USDC",
        product="SPOT.SOL_USDC",
        kind=terms.SPOT,
        currency="USDC",
        base="SOL",
        tick_scale=2,
        lot_units=1,
        lot_scale=2,
        match_price_rule=terms.MATCH_MAKER,
        protection_ratio=2 * PERCENT,
        listing_price=2_050,
        rates=coin_rates(),
    )


ALL = [
    index_future(),
    index_future("CFFEX.IH2512", "CFFEX.IH", 13_000),
    replace(copper(), larger_side_until=20251124),
    rebar(terms.LARGER_OFF),
    meal(),
    sugar(),
    bitcoin(),
    solana(),
]
FIRST_DAY = 20251121
COINS = {"USDT": 20_000_000_000, "BTC": 50_000_000, "USDC": 10_000_000_000, "SOL": 500 * 10**9}
OWNERS = {1: 101, 2: 102, 3: 103, 4: 103, 5: 104, 6: 105}  # account → owner; 103 has two


def setup() -> list[Command]:
    """The first day opened, everything listed, six accounts with cash and coins."""
    commands: list[Command] = [
        DayOpen(0, OPERATE, FIRST_DAY),
        VenueSet(0, OPERATE, "init_cash_max", 20_000_000_0000),
        VenueSet(0, OPERATE, "open_orders_max", 40),
        VenueSet(0, OPERATE, "client_ids_max", 2_000),
    ]
    commands += [InstrumentList(0, OPERATE, spec) for spec in ALL]
    for account_id, owner in OWNERS.items():
        commands.append(AccountOpen(owner, TRADER, account_id, owner, init_cash=3_000_000_0000 * account_id))
        for asset, amount in COINS.items():
            request_id = f"seed-{account_id}-{asset}"
            commands.append(CashDeposit(0, OPERATE, account_id, request_id, terms.BOOK_SPOT, asset, amount))
    return commands

"""The demo's instruments: real products with the settings their exchanges publish, in the contract months of the day.
Called by exchange/demo/seed.py and makers; listing prices are play prices of the right order of magnitude."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from engine.core import terms
from engine.core.commands import InstrumentSpec, Rates
from exchange.demo import months
from exchange.demo.months import Month
from market.calendar import trading_days_before, yyyymmdd

YUAN: Final = 10 ** terms.CURRENCY_SCALES["CNY"]
CFFEX_INDEX_GROUP: Final = "CFFEX.IF+IH+IC+IM"
# SHFE charges the larger side until five trading days before a contract's last (trading-rules.md §5).
LARGER_SIDE_DAYS: Final = 5


def ratio(text: str) -> int:
    """A decimal ratio, at most nine places, in units of 10⁻⁹: ratio("0.000023") is 23,000."""
    whole, _, places = text.partition(".")
    return int(whole) * terms.RATIO_ONE + int(places.ljust(9, "0"))


@dataclass(frozen=True, slots=True)
class Product:
    """A futures product. `spec` is complete but for what depends on the month."""

    product: str  # "CFFEX.IF"
    name: str
    month_of: Callable[[date], Month]
    last_day_of: Callable[[Month], date]
    spec: InstrumentSpec
    larger_side_days: int = 0
    month_places: int = 4

    def contract(self, today: date) -> InstrumentSpec:
        """The contract that trades most on the date."""
        month = self.month_of(today)
        last = self.last_day_of(month)
        until = trading_days_before(last, self.larger_side_days) if self.larger_side_days else None
        digits = months.month_digits(month, self.month_places)
        return replace(
            self.spec,
            instrument=f"{self.product}{digits}",
            name=f"{self.name}{digits}",
            last_trading_day=yyyymmdd(last),
            larger_side_until=yyyymmdd(until) if until else 0,
            rates=replace(self.spec.rates),
        )


def futures(product: str, rates: Rates, **settings: int | str | bool) -> InstrumentSpec:
    """A futures specification in yuan; the month's fields follow."""
    common = InstrumentSpec(
        instrument="", name="", product=product, kind=terms.FUTURES, currency="CNY", rates=rates
    )
    return replace(common, **settings)  # type: ignore[arg-type]


def limits(text: str) -> dict[str, int]:
    """The same price limit upwards and downwards."""
    return {"limit_up_ratio": ratio(text), "limit_down_ratio": ratio(text)}


def margin(text: str) -> dict[str, int]:
    """The same margin ratio for both sides."""
    return {"margin_long_ratio": ratio(text), "margin_short_ratio": ratio(text)}


# CFFEX index futures. Contract specifications: ×300, tick 0.2, ±10 %; margin 12 % and the fees 0.000023 with
# 0.000345 on closing today's lots: reference-systems.md B9, B11. Sizes: CFFEX trading rules, 20 lots a limit
# order, 10 a market order. Market orders are bounded by the price limit, so they need no ratio of their own.
INDEX_RATES: Final = Rates(
    **margin("0.12"), **limits("0.10"),
    fee_open_ratio=ratio("0.000023"), fee_close_ratio=ratio("0.000023"), fee_today_ratio=ratio("0.000345"),
    limit_volume_max=20, market_volume_max=10, position_limit=5_000,
)  # fmt: skip


def index_future(product: str, listing_price: int) -> InstrumentSpec:
    """IF and IH differ in name and level only."""
    return futures(
        product, INDEX_RATES, multiplier=300, tick_units=2, tick_scale=1,
        margin_group=CFFEX_INDEX_GROUP, larger_side=terms.LARGER_ON, close_rule=terms.CLOSE_FIFO,
        close_fee_rule=terms.FEE_TODAY_POOL, settlement_price_rule=terms.SETTLE_VWAP_LAST_HOUR,
        listing_price=listing_price,
    )  # fmt: skip


# SHFE: closes by EXPLICIT offset, larger side on, no market orders (trading-rules.md §1, §2). Copper: 5 t, tick 10,
# ±6 %, 9 % margin (B11), 0.00005 and twice that on today's lots. Steel: 10 t, tick 1, ±5 %, 7 %, 0.0001.
# 500 lots a limit order: SHFE trading rules. Position limits: settings of this venue.
COPPER: Final = futures(
    "SHFE.cu",
    Rates(
        **margin("0.09"), **limits("0.06"),
        fee_open_ratio=ratio("0.00005"), fee_close_ratio=ratio("0.00005"), fee_today_ratio=ratio("0.0001"),
        limit_volume_max=500, position_limit=8_000,
    ),
    multiplier=5, tick_units=10, larger_side=terms.LARGER_ON, close_rule=terms.CLOSE_EXPLICIT,
    allow_market=False, listing_price=8_600,
)  # fmt: skip
STEEL: Final = futures(
    "SHFE.rb",
    Rates(
        **margin("0.07"), **limits("0.05"),
        fee_open_ratio=ratio("0.0001"), fee_close_ratio=ratio("0.0001"), fee_today_ratio=ratio("0.0001"),
        limit_volume_max=500, position_limit=45_000,
    ),
    multiplier=10, tick_units=1, larger_side=terms.LARGER_ON, close_rule=terms.CLOSE_EXPLICIT,
    allow_market=False, listing_price=3_100,
)  # fmt: skip

# DCE soybean meal: 10 t, tick 1, ±6 %, 7 % margin, 1.50 yuan a lot on every side. 1,000 lots an order: DCE trading
# rules. CZCE sugar: 10 t, tick 1, ±6 %, 7 %, 3 yuan a lot; 1,000 lots a limit order, 200 a market order.
MEAL: Final = futures(
    "DCE.m",
    Rates(
        **margin("0.07"), **limits("0.06"),
        fee_open_lot=3 * YUAN // 2, fee_close_lot=3 * YUAN // 2, fee_today_lot=3 * YUAN // 2,
        limit_volume_max=1_000, market_volume_max=1_000, position_limit=25_000,
    ),
    multiplier=10, tick_units=1, close_rule=terms.CLOSE_FIFO, listing_price=3_050,
)  # fmt: skip
SUGAR: Final = futures(
    "CZCE.SR",
    Rates(
        **margin("0.07"), **limits("0.06"),
        fee_open_lot=3 * YUAN, fee_close_lot=3 * YUAN, fee_today_lot=3 * YUAN,
        limit_volume_max=1_000, market_volume_max=200, position_limit=25_000,
    ),
    multiplier=10, tick_units=1, close_rule=terms.CLOSE_FIFO, listing_price=5_450,
)  # fmt: skip

PRODUCTS: Final = (
    Product(
        "CFFEX.IF", "沪深300股指", months.front_month, months.third_friday,
        index_future("CFFEX.IF", 23_000),
    ),
    Product(
        "CFFEX.IH", "上证50股指", months.front_month, months.third_friday,
        index_future("CFFEX.IH", 15_000),
    ),
    Product("SHFE.cu", "沪铜", months.next_month, months.fifteenth, COPPER, LARGER_SIDE_DAYS),
    Product(
        "SHFE.rb", "螺纹钢", lambda today: months.main_month(today, (1, 5, 10)), months.fifteenth, STEEL,
        LARGER_SIDE_DAYS,
    ),
    Product(
        "DCE.m", "豆粕", lambda today: months.main_month(today, (1, 5, 9)), months.tenth_trading_day, MEAL
    ),
    Product(
        "CZCE.SR", "白糖", lambda today: months.main_month(today, (1, 5, 9)), months.tenth_trading_day,
        SUGAR, month_places=3,
    ),
)  # fmt: skip


def spot(base: str, quote: str, **settings: int) -> InstrumentSpec:
    """A spot market: trades at the maker's price, 0.1 % for maker and taker, market orders within 5 % of the best."""
    return replace(
        InstrumentSpec(
            instrument=f"SPOT.{base}_{quote}", name=f"{base}/{quote}", product=f"SPOT.{base}_{quote}",
            kind=terms.SPOT, currency=quote, base=base, match_price_rule=terms.MATCH_MAKER,
            protection_ratio=ratio("0.05"),
        ),
        **settings,  # type: ignore[arg-type]
    )  # fmt: skip


def spot_rates(volume_max: int) -> Rates:
    """Fees of the large spot venues' first tier; sizes in lot steps."""
    return Rates(
        fee_open_ratio=ratio("0.001"), fee_close_ratio=ratio("0.001"),
        limit_volume_max=volume_max, market_volume_max=volume_max,
    )  # fmt: skip


SPOTS: Final = (
    # 90,000.0 with tick 0.1; a lot is 0.00001 BTC, an order at most 100 BTC and at least 5 USDT.
    spot(
        "BTC", "USDT", tick_units=1, tick_scale=1, lot_units=1, lot_scale=5, listing_price=900_000,
        notional_min=5 * 10 ** terms.CURRENCY_SCALES["USDT"],
    ),
    # 140.00 with tick 0.01; a lot is 0.001 SOL, an order at most 10,000 SOL and at least 5 USDC.
    spot(
        "SOL", "USDC", tick_units=1, tick_scale=2, lot_units=1, lot_scale=3, listing_price=14_000,
        notional_min=5 * 10 ** terms.CURRENCY_SCALES["USDC"],
    ),
)  # fmt: skip


def instruments(today: date) -> list[InstrumentSpec]:
    """Everything the demo lists on the date (of the exchanges' clock)."""
    return [product.contract(today) for product in PRODUCTS] + [
        replace(spec, rates=spot_rates(10_000_000)) for spec in SPOTS
    ]

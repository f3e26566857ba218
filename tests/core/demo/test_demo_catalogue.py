"""The demo lists real products in the contract months that trade on the date, and the core takes every one.
Run by pytest in the core tier."""

from datetime import UTC, date, datetime, timedelta

import pytest

from engine.core import terms
from engine.core.commands import DayOpen, InstrumentList, InstrumentSpec
from engine.core.engine import Engine
from engine.core.events import InstrumentListed
from exchange.demo.catalogue import instruments
from exchange.demo.makers.run import STYLES
from exchange.demo.months import third_friday
from market.calendar import date_of, exchange_date, trading_day_after, trading_day_on_or_after, yyyymmdd


@pytest.mark.parametrize(
    ("today", "ids"),
    [
        (date(2025, 11, 10), ["IF2511", "IH2511", "cu2512", "rb2601", "m2601", "SR601"]),
        (date(2025, 11, 21), ["IF2512", "IH2512", "cu2512", "rb2601", "m2601", "SR601"]),
        (date(2025, 12, 1), ["IF2512", "IH2512", "cu2601", "rb2605", "m2605", "SR605"]),
        (date(2029, 11, 30), ["IF2912", "IH2912", "cu2912", "rb3001", "m3001", "SR001"]),
    ],
)
def test_contracts_of_the_months_that_trade_most(today: date, ids: list[str]) -> None:
    listed = instruments(today)
    assert [spec.instrument.partition(".")[2] for spec in listed] == [*ids, "BTC_USDT", "SOL_USDC"]


@pytest.mark.parametrize("days", range(0, 800, 13))
def test_the_core_lists_every_one_on_any_date(days: int) -> None:
    today = date(2025, 1, 1) + timedelta(days=days)
    engine = Engine()
    engine.apply([DayOpen(terms.VENUE, terms.SCOPE_OPERATE, 20250102)], 1, 1)
    specs = instruments(today)
    applied = engine.apply([InstrumentList(terms.VENUE, terms.SCOPE_OPERATE, spec) for spec in specs], 2, 2)
    assert [type(event) for event in applied.events] == [InstrumentListed] * 8
    assert all(spec.last_trading_day > yyyymmdd(today) for spec in specs if spec.kind == terms.FUTURES)


def by_product() -> dict[str, InstrumentSpec]:
    return {spec.product: spec for spec in instruments(date(2025, 11, 21))}


def test_settings_are_the_exchanges_own() -> None:
    listed = by_product()
    index, copper, meal = listed["CFFEX.IF"], listed["SHFE.cu"], listed["DCE.m"]
    assert (index.multiplier, index.tick_units, index.tick_scale) == (300, 2, 1)
    assert (index.rates.fee_close_ratio, index.rates.fee_today_ratio) == (23_000, 345_000)
    assert index.rates.margin_long_ratio == index.rates.margin_short_ratio == 120_000_000
    assert index.close_fee_rule == terms.FEE_TODAY_POOL
    assert index.margin_group == listed["CFFEX.IH"].margin_group == "CFFEX.IF+IH+IC+IM"
    assert index.larger_side == copper.larger_side == terms.LARGER_ON
    assert [copper.close_rule, meal.close_rule] == [terms.CLOSE_EXPLICIT, terms.CLOSE_FIFO]
    assert [copper.allow_market, meal.allow_market] == [False, True]
    assert (index.last_trading_day, copper.last_trading_day, copper.larger_side_until) == (
        20251219, 20251215, 20251208,
    )  # fmt: skip
    assert {spec.session_template for spec in listed.values()} == {"24x7"}


def test_the_house_quotes_everything_that_is_listed() -> None:
    assert set(STYLES) == set(by_product())


def test_contracts_share_no_rates_object() -> None:
    first, second = instruments(date(2025, 11, 21)), instruments(date(2025, 11, 21))
    assert all(one.rates is not two.rates for one, two in zip(first, second, strict=True))


def test_dates_of_the_market() -> None:
    friday, monday = date(2025, 11, 21), date(2025, 11, 24)
    assert trading_day_after(friday) == trading_day_on_or_after(date(2025, 11, 22)) == monday
    assert third_friday((2025, 8)) == date(2025, 8, 15)
    assert date_of(yyyymmdd(friday)) == friday
    assert exchange_date(datetime(2025, 11, 21, 16, 0, tzinfo=UTC)) == date(2025, 11, 22)
    with pytest.raises(ValueError, match="month"):
        date_of(20251345)

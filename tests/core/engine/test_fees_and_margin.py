"""Fees and margin are rounded per single lot, so that no split of an order changes a sum (trading-rules.md §4–5).
Run by pytest in the core tier; needs no service."""

from dataclasses import replace
from decimal import Decimal

import pytest

from engine.core import terms
from tests.model.market import PERCENT, copper, futures_rates, index_future, meal, rebar
from tests.model.scenario import Scenario

BUY, SELL = terms.BUY, terms.SELL
CU, RB, M, IF = "SHFE.cu2512", "SHFE.rb2601", "DCE.m2601", "CFFEX.IF2512"


@pytest.mark.parametrize("split", [[7], [1] * 7, [3, 4], [2, 2, 2, 1]])
def test_any_split_pays_the_same(split: list[int]) -> None:
    rates = futures_rates(margin_long_ratio=123_456_789, fee_open_ratio=33_333, fee_open_lot=1)
    venue = Scenario(replace(rebar(), rates=rates))
    venue.account(1, "1000000")
    for volume in split:
        venue.filled(1, BUY, RB, volume, 3_501)
    # 35,010 × 0.123456789 = 4322.2221… → 4322.2222; 35,010 × 0.000033333 = 1.16698… → 1.1670 + 0.0001
    assert venue.funds(1).margin == 7 * Decimal("4322.2222")
    assert venue.funds(1).commission == 7 * Decimal("1.1671")


def test_half_a_unit_goes_up() -> None:
    rates = futures_rates(margin_long_ratio=10_000_000, fee_open_ratio=50_000)
    venue = Scenario(replace(rebar(), multiplier=1, rates=rates))
    venue.account(1, "1000000")
    venue.filled(1, BUY, RB, 1, 3_501)
    assert venue.funds(1).commission == Decimal("0.1751")  # 3501 × 0.00005 = 0.17505
    assert venue.funds(1).margin == Decimal("35.01")


def test_long_and_short_have_their_own_margins_by_money_and_by_lot() -> None:
    venue = Scenario(meal())
    venue.account(1, "1000000")
    venue.filled(1, BUY, M, 2, 2_800)
    venue.filled(1, SELL, M, 3, 2_800)
    position = venue.position(1, M)
    assert position.long_margin == 2 * 1_960_0000
    assert position.short_margin == 3 * (2_240_0000 + 1_234)


def test_by_lot_charges_todays_lots_close_today_and_history_close() -> None:
    venue = Scenario(meal())  # close 1.50, close-today 0.75 a lot
    venue.account(1, "1000000")
    venue.filled(1, BUY, M, 3, 2_800)
    venue.day_end({})
    venue.filled(1, BUY, M, 2, 2_800)
    trade = venue.filled(1, SELL, M, 4, 2_800, offset=terms.CLOSE).trades[0]
    assert trade.sell_fee == 3 * 15_000 + 1 * 7_500


def test_the_pool_charges_close_today_for_what_was_opened_today_whichever_lots_are_closed() -> None:
    venue = Scenario(index_future())  # FIFO lots, close-today from the day's pool
    venue.account(1, "10000000")
    venue.filled(1, BUY, IF, 2, "3800.0")
    venue.day_end({IF: "3800.0"})
    venue.filled(1, BUY, IF, 1, "3800.0")
    close, today = Decimal("26.22") * 10_000, Decimal("262.2") * 10_000
    first = venue.filled(1, SELL, IF, 2, "3800.0", offset=terms.CLOSE).trades[0]
    assert first.sell_closed_today == 0  # the history lots went, yet one pays close-today
    assert first.sell_fee == today + close
    second = venue.filled(1, SELL, IF, 1, "3800.0", offset=terms.CLOSE).trades[0]
    assert second.sell_closed_today == 1
    assert second.sell_fee == close  # the pool is empty


def test_the_pool_is_emptied_at_settlement() -> None:
    venue = Scenario(index_future())
    venue.account(1, "10000000")
    venue.filled(1, BUY, IF, 2, "3800.0")
    venue.day_end({IF: "3800.0"})
    trade = venue.filled(1, SELL, IF, 2, "3800.0", offset=terms.CLOSE).trades[0]
    assert trade.sell_fee == 2 * 262_200


def test_margin_does_not_move_with_the_mark() -> None:
    venue = Scenario(rebar())
    venue.account(1, "1000000")
    venue.filled(1, BUY, RB, 5, 3_500)
    venue.mark(RB, 3_700)
    assert venue.funds(1).margin == 17_500


def test_new_rates_take_effect_at_the_roll() -> None:
    from engine.core.commands import InstrumentRatesSet
    from tests.model.market import OPERATE

    venue = Scenario(rebar())
    venue.account(1, "1000000")
    venue.filled(1, BUY, RB, 5, 3_500)
    venue.send(InstrumentRatesSet(0, OPERATE, RB, futures_rates(margin_long_ratio=20 * PERCENT)))
    assert venue.funds(1).margin == 17_500
    venue.day_end({RB: "3500"})
    assert venue.funds(1).margin == 35_000
    assert venue.engine.instrument_view(RB).spec.rates.margin_long_ratio == 20 * PERCENT


def test_an_open_order_reserves_margin_and_fee_at_its_price_and_returns_them() -> None:
    rates = replace(copper().rates, fee_open_lot=100)
    venue = Scenario(replace(copper(), rates=rates))
    venue.account(1, "1000000")
    order = venue.buy(1, CU, 3, 69_990)
    funds = venue.funds(1)
    assert funds.frozen_margin == 3 * Decimal("34995")
    assert funds.frozen_commission == 3 * (Decimal("17.4975") + Decimal("0.01"))
    venue.sell(9_001, CU, 1, 69_990)
    assert venue.funds(1).frozen_margin == 2 * Decimal("34995")
    venue.cancel(1, order.seq)
    funds = venue.funds(1)
    assert (funds.frozen_margin, funds.frozen_commission) == (0, 0)
    assert funds.commission == Decimal("17.5075")


def test_a_better_fill_returns_the_difference() -> None:
    venue = Scenario(rebar())
    venue.account(1, "1000000")
    venue.mark(RB, 3_400)
    venue.sell(9_001, RB, 2, 3_400)
    venue.buy(1, RB, 2, 3_600)
    funds = venue.funds(1)
    assert (funds.margin, funds.frozen_margin, funds.available) == (6_800, 0, 993_200)

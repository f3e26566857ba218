"""Every worked example of the rules of trading comes out to the last digit (trading-rules.md §1, §4–6, §9).
Run by pytest in the core tier; needs no service."""

from dataclasses import replace
from decimal import Decimal

import pytest

from engine.core import terms
from engine.core.codes import Code
from tests.model.market import PERCENT, copper, futures_rates, index_future, rebar, solana
from tests.model.scenario import Scenario

BUY, SELL = terms.BUY, terms.SELL
IF, CU, RB, SOL = "CFFEX.IF2512", "SHFE.cu2512", "SHFE.rb2601", "SPOT.SOL_USDC"


@pytest.mark.parametrize(
    ("pre_settlement_ticks", "tick_units", "tick_scale", "ratio", "upper", "lower"),
    [
        (19_018, 2, 1, 10 * PERCENT, "4183.8", "3423.4"),  # 3803.6 ± 10 %, tick 0.2
        (7_001, 10, 0, 6 * PERCENT, "74210", "65810"),  # 70010 ± 6 %, tick 10
        (3, 1, 0, PERCENT, "4", "2"),  # at least one tick each side
        (1, 1, 0, 10 * PERCENT, "2", "1"),  # never below one tick
    ],
)
def test_price_limits_are_rounded_inwards_to_the_tick(
    pre_settlement_ticks: int, tick_units: int, tick_scale: int, ratio: int, upper: str, lower: str
) -> None:
    rates = futures_rates(limit_up_ratio=ratio, limit_down_ratio=ratio)
    spec = replace(
        rebar(), tick_units=tick_units, tick_scale=tick_scale, listing_price=pre_settlement_ticks, rates=rates
    )
    venue = Scenario(spec)
    view = venue.engine.instrument_view(RB)
    assert (venue.price(RB, view.upper), venue.price(RB, view.lower)) == (Decimal(upper), Decimal(lower))


def test_the_index_future_of_section_6_over_two_days() -> None:
    venue = Scenario(index_future())
    venue.account(1, "1000000")

    venue.filled(1, BUY, IF, 2, "3800.0")
    funds = venue.funds(1)
    assert funds.commission == Decimal("52.44")
    assert (funds.balance, funds.margin, funds.available) == (
        Decimal("999947.56"),
        Decimal("273600.00"),
        Decimal("726347.56"),
    )

    venue.mark(IF, "3810.0")
    funds = venue.funds(1)
    assert funds.position_profit == 6_000
    assert (funds.balance, funds.margin, funds.available) == (
        Decimal("1005947.56"),
        Decimal("273600.00"),
        Decimal("732347.56"),
    )

    venue.day_end({IF: "3805.0"})
    funds = venue.funds(1)
    assert (funds.balance, funds.margin, funds.available) == (
        Decimal("1002947.56"),
        Decimal("273960.00"),
        Decimal("728987.56"),
    )
    assert funds.position_profit == 0
    assert funds.float_profit == 3_000

    answer = venue.filled(1, SELL, IF, 1, "3820.0", offset=terms.CLOSE)
    assert answer.trades[0].sell_close_profit == 4_500_0000
    assert answer.trades[0].sell_fee == 26_3580
    funds = venue.funds(1)
    assert (funds.close_profit, funds.commission) == (Decimal(4_500), Decimal("26.358"))
    assert (funds.balance, funds.margin, funds.available) == (
        Decimal("1011921.202"),
        Decimal("136980.00"),
        Decimal("874941.202"),
    )


def copper_short() -> Scenario:
    """cu ×5, 10 %: short 3 history settled at 70,000 and 2 of today at 70,200, no fees."""
    spec = replace(copper(), rates=futures_rates())
    venue = Scenario(spec)
    venue.account(1, "1000000")
    venue.filled(1, SELL, CU, 3, 70_010)
    venue.day_end({CU: "70000"})
    venue.filled(1, SELL, CU, 2, 70_200)
    return venue


def test_copper_margin_of_history_and_todays_lots() -> None:
    assert copper_short().funds(1).margin == 175_200


def test_copper_closes_history_by_close_and_today_by_closetoday() -> None:
    venue = copper_short()
    history = venue.filled(1, BUY, CU, 3, 69_900, offset=terms.CLOSE)
    assert history.trades[0].buy_close_profit == 1_500_0000
    assert venue.lots(1, CU) == (0, 0, 2, 0)
    today = venue.filled(1, BUY, CU, 2, 69_900, offset=terms.CLOSETODAY)
    assert today.trades[0].buy_close_profit == 3_000_0000
    assert venue.lots(1, CU) == (0, 0, 0, 0)
    assert venue.funds(1).margin == 0


def test_copper_close_of_four_is_refused_with_three_history_lots() -> None:
    venue = copper_short()
    before = venue.funds(1)
    answer = venue.buy(1, CU, 4, 69_900, offset=terms.CLOSE)
    refusal = answer.rejected
    assert (answer.code, refusal.limit, refusal.value) == (Code.INSUFFICIENT_POSITION_HISTORY, 3, 4)
    assert venue.funds(1) == before
    assert venue.lots(1, CU) == (0, 0, 2, 3)


def test_rebar_charges_the_larger_side() -> None:
    venue = Scenario(rebar())
    venue.account(1, "1000000")
    venue.filled(1, BUY, RB, 10, 3_500)
    venue.filled(1, SELL, RB, 6, 3_520)
    assert venue.funds(1).margin == 35_000
    order = venue.sell(1, RB, 6, 3_530)
    funds = venue.funds(1)
    assert funds.margin == 35_000
    assert funds.frozen_margin == 7_300
    assert venue.order_of(order.seq).frozen_margin == 21_180_0000


def test_spot_buy_of_section_9() -> None:
    """BUY 10 @ 20.50 locks 205.00; 6 filled @ 20.40 → pays 122.40, 0.60 released, taker fee 0.006 base."""
    venue = Scenario(replace(solana(), lot_units=1, lot_scale=0))
    venue.account(1, USDC="205")
    venue.account(2, SOL="6")
    venue.sell(2, SOL, 6, "20.40")
    answer = venue.buy(1, SOL, 10, "20.50")
    assert [(t.price, t.volume, t.notional) for t in answer.trades] == [(2_040, 6, 122_400_000)]
    assert answer.trades[0].buy_fee == 6_000_000  # 0.006 SOL
    assert venue.wallet(1, "USDC") == (Decimal("0.60"), Decimal("82.00"))
    assert venue.wallet(1, "SOL") == (Decimal("5.994"), Decimal(0))
    assert venue.wallet(2, "USDC") == (Decimal("122.40") - Decimal("0.09792"), Decimal(0))
    venue.cancel(1, answer.seq)
    assert venue.wallet(1, "USDC") == (Decimal("82.60"), Decimal(0))


def test_spot_buy_locks_price_times_quantity() -> None:
    venue = Scenario(replace(solana(), lot_units=1, lot_scale=0))
    venue.account(1, USDC="205")
    venue.buy(1, SOL, 10, "20.50")
    assert venue.wallet(1, "USDC") == (Decimal(0), Decimal("205.00"))

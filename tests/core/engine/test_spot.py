"""Spot: what is locked, what is paid, who pays which fee in what, and the market buy by budget (trading-rules.md §9).
Run by pytest in the core tier; needs no service."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.core import terms
from engine.core.codes import Code
from tests.model.market import bitcoin, solana
from tests.model.scenario import Answer, Scenario

SOL = "SPOT.SOL_USDC"
BTC = "SPOT.BTC_USDT"


def whole_coins(**changes: Any) -> Scenario:
    """SOL in lots of one coin, tick 0.01; account 1 has money, 2 and 3 have coins."""
    venue = Scenario(replace(solana(), lot_units=1, lot_scale=0, **changes))
    venue.account(1, USDC="1000")
    venue.account(2, SOL="100")
    venue.account(3, SOL="100")
    return venue


def market_buy(venue: Scenario, budget: str, **other: Any) -> Answer:
    units = int(Decimal(budget) * 10**6)
    fields: dict[str, Any] = {"kind": terms.MARKET, "time_in_force": terms.IOC, "budget": units}
    return venue.buy(1, SOL, 0, 0, **(fields | other))


def test_a_sell_locks_the_base_asset_and_a_cancel_returns_it() -> None:
    venue = whole_coins()
    order = venue.sell(2, SOL, 30, "21.00")
    assert venue.wallet(2, "SOL") == (70, 30)
    venue.cancel(2, order.seq)
    assert venue.wallet(2, "SOL") == (100, 0)


def test_partial_fills_keep_locked_at_price_times_what_is_left() -> None:
    venue = whole_coins()
    order = venue.buy(1, SOL, 10, "20.50")
    for left in (7, 4, 1):
        venue.sell(2, SOL, 3, "20.00")
        assert venue.wallet(1, "USDC")[1] == Decimal("20.50") * left
    venue.sell(2, SOL, 1, "20.00")
    assert venue.wallet(1, "USDC") == (1_000 - 205, 0)
    assert order.seq not in venue.engine.orders


def test_the_maker_pays_his_ratio_and_the_taker_his() -> None:
    venue = whole_coins()
    venue.sell(2, SOL, 10, "20.00")
    trade = venue.buy(1, SOL, 10, "20.00").trades[0]
    assert trade.buy_fee == 10_000_000  # taker: 0.1 % of 10 SOL, in SOL
    assert trade.sell_fee == 160_000  # maker: 0.08 % of 200.00 USDC, in USDC


def test_a_fee_is_rounded_up_to_the_assets_unit() -> None:
    venue = Scenario(bitcoin(notional_min=0))
    venue.account(1, USDT="1000")
    venue.account(2, BTC="1")
    venue.sell(2, BTC, 1, "60000.0")
    trade = venue.buy(1, BTC, 1, "60000.0").trades[0]
    assert trade.notional == 600_000  # 0.6 USDT
    assert trade.buy_fee == 1  # 0.1 % of 0.00001 BTC is 10⁻⁸: exactly one unit
    venue.sell(2, BTC, 3, "59999.9")
    trade = venue.buy(1, BTC, 3, "59999.9").trades[0]
    assert trade.sell_fee == 1_440  # 0.08 % of 1.799997 = 0.0014399976 → up to 0.001440


def test_a_fee_never_exceeds_what_is_received() -> None:
    rates = replace(solana().rates, fee_close_ratio=2 * terms.RATIO_ONE)
    venue = whole_coins(rates=rates)
    venue.sell(2, SOL, 1, "20.00")
    trade = venue.buy(1, SOL, 1, "20.00").trades[0]
    assert trade.buy_fee == 1_000_000_000
    assert venue.wallet(1, "SOL") == (0, 0)


def test_a_price_outside_the_band_is_refused_with_the_bound() -> None:
    venue = whole_coins()
    above, below = venue.buy(1, SOL, 1, "205.01"), venue.buy(1, SOL, 1, "2.04")
    assert (above.code, above.rejected.limit) == (Code.PRICE_ABOVE_UPPER_LIMIT, 20_500)
    assert (below.code, below.rejected.limit) == (Code.PRICE_BELOW_LOWER_LIMIT, 205)
    assert venue.wallet(1, "USDC") == (1_000, 0)


def test_a_market_buy_spends_its_budget_level_by_level() -> None:
    venue = whole_coins()
    venue.sell(2, SOL, 3, "20.00")
    venue.sell(3, SOL, 10, "20.10")
    answer = market_buy(venue, "110")
    assert [(t.price, t.volume) for t in answer.trades] == [(2_000, 3), (2_010, 2)]
    assert answer.ended is not None
    assert (answer.ended.status, answer.ended.code) == (terms.FILLED, 0)
    assert venue.wallet(1, "USDC") == (1_000 - 60 - Decimal("40.20"), 0)  # 9.80 buys no coin: unlocked
    assert venue.wallet(1, "SOL") == (Decimal("4.995"), 0)


def test_a_market_buy_ends_at_its_protection_price() -> None:
    venue = whole_coins()  # protection 2 %: from 20.00 not beyond 20.40
    venue.sell(2, SOL, 3, "20.00")
    venue.sell(3, SOL, 10, "20.41")
    answer = market_buy(venue, "110")
    assert sum(t.volume for t in answer.trades) == 3
    assert answer.ended is not None
    assert (answer.ended.status, answer.ended.code) == (terms.EXPIRED, Code.PROTECTION_REACHED)
    assert venue.wallet(1, "USDC") == (940, 0)


def test_a_market_buy_ends_when_the_book_is_empty() -> None:
    venue = whole_coins()
    venue.sell(2, SOL, 3, "20.00")
    answer = market_buy(venue, "110")
    assert answer.ended is not None
    assert (answer.ended.status, answer.ended.code) == (terms.EXPIRED, Code.NO_OPPOSITE)
    assert venue.wallet(1, "USDC") == (940, 0)


def test_a_market_buy_that_fills_nothing_is_expired_not_filled() -> None:
    venue = whole_coins()
    venue.sell(2, SOL, 3, "20.00")
    answer = market_buy(venue, "19.99")  # does not buy one coin
    assert answer.trades == []
    assert answer.ended is not None
    assert (answer.ended.status, answer.ended.code) == (terms.EXPIRED, Code.NOT_FILLABLE)
    assert venue.wallet(1, "USDC") == (1_000, 0)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"time_in_force": terms.FOK}, Code.TIME_IN_FORCE_NOT_SUPPORTED),
        ({"budget": 0}, Code.BUDGET_INVALID),
        ({"budget": -1}, Code.BUDGET_INVALID),
        ({"budget": 2**62}, Code.BUDGET_INVALID),
        ({"budget": 1_000_000_001}, Code.INSUFFICIENT_FUNDS),
        ({"kind": terms.LIMIT, "price": 2_000}, Code.BUDGET_INVALID),
    ],
)
def test_a_budget_order_that_cannot_be_is_refused(changes: dict[str, int], code: Code) -> None:
    venue = whole_coins()
    venue.sell(2, SOL, 3, "20.00")
    price = Decimal(changes.pop("price", 0)) / 100
    fields: dict[str, Any] = {"kind": terms.MARKET, "time_in_force": terms.IOC, "budget": 10**8} | changes
    answer = venue.buy(1, SOL, 0, str(price) if price else 0, **fields)
    assert answer.code == code
    assert venue.wallet(1, "USDC") == (1_000, 0)


def test_the_minimum_notional_is_tested_on_price_budget_and_last() -> None:
    venue = whole_coins(notional_min=100_000_000)  # 100 USDC
    limit = venue.buy(1, SOL, 4, "24.99")
    assert (limit.code, limit.rejected.limit, limit.rejected.value) == (
        Code.NOTIONAL_BELOW_MINIMUM,
        100_000_000,
        99_960_000,
    )
    assert market_buy(venue, "99.99").code == Code.NOTIONAL_BELOW_MINIMUM
    sell = venue.sell(2, SOL, 4, 0, kind=terms.MARKET, time_in_force=terms.IOC)  # listing price 20.50 × 4
    assert (sell.code, sell.rejected.value) == (Code.NOTIONAL_BELOW_MINIMUM, 82_000_000)
    assert venue.buy(1, SOL, 4, "25.00").code == Code.OK


def test_futures_cash_and_wallets_are_separate_and_meet_by_transfer() -> None:
    venue = Scenario(solana())
    venue.account(1, "1000")
    venue.account(2, "0", owner=101)
    from engine.core.commands import CashTransfer
    from tests.model.market import TRADER

    futures, spot = terms.BOOK_FUTURES, terms.BOOK_SPOT
    moved = venue.send(CashTransfer(101, TRADER, 1, "t1", 1, futures, spot, "CNY", 400_0000))
    assert moved.code == Code.OK
    assert venue.wallet(1, "CNY") == (400, 0)
    assert venue.funds(1).balance == 600
    across = venue.send(CashTransfer(101, TRADER, 1, "t2", 2, spot, futures, "CNY", 150_0000))
    assert across.code == Code.OK
    assert (venue.wallet(1, "CNY"), venue.funds(2).balance) == ((250, 0), 150)
    too_much = venue.send(CashTransfer(101, TRADER, 1, "t3", 2, spot, futures, "CNY", 250_0100))
    assert (too_much.code, too_much.rejected.limit) == (Code.WITHDRAW_QUOTA_EXCEEDED, 250_0000)
    repeated = venue.send(CashTransfer(101, TRADER, 1, "t2", 2, spot, futures, "CNY", 150_0000))
    assert repeated.code == Code.OK
    assert (venue.wallet(1, "CNY"), venue.funds(2).balance) == ((250, 0), 150)

"""No account spends what it has not: available ≥ 0 at acceptance, freezes are the live orders' (P2).
Run by pytest in the core tier; needs no service."""

from dataclasses import replace
from decimal import Decimal

import pytest

from engine.core import terms
from engine.core.codes import Code
from engine.core.events import OrderAccepted
from tests.model.generate import START_NS, Generator
from tests.model.judge import Judge
from tests.model.market import copper, futures_rates, index_future, rebar, setup, sugar
from tests.model.scenario import Scenario

BUY, SELL = terms.BUY, terms.SELL
RB, IF, CU, SR = "SHFE.rb2601", "CFFEX.IF2512", "SHFE.cu2512", "CZCE.SR601"


def test_fifty_orders_with_funds_for_ten() -> None:
    venue = Scenario(rebar(terms.LARGER_OFF))
    venue.account(1, "40000")  # ten lots cost 35,000 of margin; the risk level 0.95 leaves 38,000
    answers = [venue.buy(1, RB, 1, 3_500) for _ in range(50)]
    assert [a.code for a in answers].count(Code.OK) == 10
    assert {a.code for a in answers[10:]} == {Code.RISK_RATIO_TOO_HIGH}
    assert venue.funds(1).frozen_margin == 35_000


def test_money_exactly_enough_for_margin_and_fee_and_a_unit_less() -> None:
    rates = futures_rates(fee_open_lot=5_0000)
    venue = Scenario(replace(rebar(terms.LARGER_OFF), rates=rates))
    venue.send_setting("risk_open_max", terms.RATIO_ONE)
    venue.account(1, "3505.00")
    venue.account(2, "3504.99")
    assert venue.buy(1, RB, 1, 3_500).code == Code.OK
    assert venue.funds(1).available == 0
    refused = venue.buy(2, RB, 1, 3_500)
    assert (refused.code, refused.rejected.limit, refused.rejected.value) == (
        Code.INSUFFICIENT_FUNDS,
        3504_9900,
        3505_0000,
    )
    assert venue.funds(2).available == Decimal("3504.99")


def test_the_opening_level_of_0_95_is_met_exactly() -> None:
    venue = Scenario(rebar(terms.LARGER_OFF))
    venue.account(1, "100000")
    assert venue.buy(1, RB, 27, 3_500).code == Code.OK  # 94,500 of 100,000
    refused = venue.buy(1, RB, 1, 3_150)
    assert (refused.code, refused.rejected.value, refused.rejected.limit) == (
        Code.RISK_RATIO_TOO_HIGH,
        976_500_000,
        950_000_000,
    )
    assert venue.funds(1).frozen_margin == 94_500
    venue.account(2, "70000")
    assert venue.buy(2, RB, 19, 3_500).code == Code.OK  # 66,500 ÷ 70,000 = 0.95 exactly


def test_the_check_uses_the_groups_charge_not_the_gross() -> None:
    venue = Scenario(rebar())
    venue.account(1, "40000")
    venue.filled(1, BUY, RB, 10, 3_500)
    assert venue.sell(1, RB, 10, 3_500).code == Code.OK  # the short side is covered by the long one
    assert venue.funds(1).frozen_margin == 0
    assert venue.sell(1, RB, 1, 3_500).code == Code.RISK_RATIO_TOO_HIGH  # 38,500 of 40,000


def test_two_contracts_of_one_group_share_the_larger_side() -> None:
    ih = index_future("CFFEX.IH2512", "CFFEX.IH", 13_000)
    venue = Scenario(index_future(), ih)
    venue.account(1, "1000000")
    venue.filled(1, BUY, IF, 2, "3800.0")  # 273,600 long
    venue.filled(1, SELL, "CFFEX.IH2512", 2, "2600.0")  # 187,200 short
    assert venue.funds(1).margin == 273_600
    venue.sell(1, "CFFEX.IH2512", 2, "2610.0")
    assert venue.funds(1).frozen_margin == 2 * 300 * 2610 * 12 // 100 + 187_200 - 273_600


def test_at_settlement_discounts_history_lots_only() -> None:
    rates = futures_rates()
    venue = Scenario(replace(sugar(), rates=rates))
    venue.account(1, "1000000")
    venue.filled(1, BUY, SR, 3, 5_500)
    venue.filled(1, SELL, SR, 2, 5_500)
    assert venue.funds(1).margin == 5 * 5_500
    venue.day_end({SR: "5500"})
    assert venue.funds(1).margin == 3 * 5_500
    venue.filled(1, SELL, SR, 1, 5_500)
    assert venue.funds(1).margin == 4 * 5_500


def test_past_its_last_days_a_contract_is_charged_on_both_sides() -> None:
    venue = Scenario(replace(rebar(), larger_side_until=20251121))
    venue.account(1, "1000000")
    venue.filled(1, BUY, RB, 3, 3_500)
    venue.filled(1, SELL, RB, 2, 3_500)
    assert venue.funds(1).margin == 3 * 3_500
    venue.day_end({RB: "3500"})
    assert venue.funds(1).margin == 5 * 3_500


def test_a_fill_worse_than_reserved_takes_the_rest_from_available() -> None:
    """Shorts sold above their limit need more margin: available may fall below 0, then only closing is taken."""
    venue = Scenario(rebar(terms.LARGER_OFF))
    venue.account(1, "10000")
    venue.filled(1, BUY, RB, 2, 3_500)
    venue.mark(RB, 3_200)
    funds = venue.funds(1)
    assert funds.available == 10_000 - 6_000 - 7_000
    assert venue.buy(1, RB, 1, 3_200).code == Code.INSUFFICIENT_FUNDS
    venue.day_end({RB: "3200"})
    assert venue.sell(1, RB, 2, 3_200, offset=terms.CLOSE).code == Code.OK


def test_a_close_pays_its_fee_even_when_available_is_negative() -> None:
    rates = futures_rates(fee_close_lot=50_0000, fee_today_lot=50_0000)
    venue = Scenario(replace(rebar(terms.LARGER_OFF), rates=rates, close_rule=terms.CLOSE_FIFO))
    venue.account(1, "10000")
    venue.filled(1, BUY, RB, 2, 3_500)
    venue.mark(RB, 3_160)
    assert venue.funds(1).available == 10_000 - 6_800 - 7_000
    venue.filled(1, SELL, RB, 2, 3_160, offset=terms.CLOSE)
    funds = venue.funds(1)
    assert (funds.close_profit, funds.commission, funds.balance) == (-6_800, 100, 3_100)


def test_a_sell_open_reserves_at_the_best_bid_when_that_is_higher() -> None:
    venue = Scenario(rebar(terms.LARGER_OFF))
    venue.account(1, "100000")
    venue.buy(9_001, RB, 3, 3_600)
    order = venue.sell(1, RB, 10, 3_500)  # 3 trade, 7 rest with 3,600 reserved a lot
    assert venue.order_of(order.seq).frozen_margin == 7 * 3_600_0000
    assert venue.funds(1).frozen_margin == 7 * 3_600


def test_a_withdrawal_leaves_at_once_and_not_more_than_the_quota() -> None:
    venue = Scenario(rebar(terms.LARGER_OFF))
    venue.account(1, "100000")
    venue.filled(1, BUY, RB, 10, 3_500)  # 35,000 margin; ÷ 0.95 = 36,842.1053 must stay
    quota = venue.funds(1).withdraw_quota
    assert quota == Decimal("63157.8947")
    assert venue.withdraw(1, "63157.90").code == Code.WITHDRAW_QUOTA_EXCEEDED
    assert venue.withdraw(1, "63157.89").code == Code.OK
    assert venue.funds(1).balance == Decimal("36842.11")
    assert venue.withdraw(1, "0.01").code == Code.WITHDRAW_QUOTA_EXCEEDED


def test_gains_of_the_day_cannot_be_withdrawn() -> None:
    venue = Scenario(rebar(terms.LARGER_OFF))
    venue.account(1, "10000")
    venue.filled(1, BUY, RB, 1, 3_500)
    venue.mark(RB, 3_600)
    assert venue.funds(1).available == 10_000 + 1_000 - 3_500
    assert venue.funds(1).withdraw_quota <= 6_500


def test_lots_are_frozen_once() -> None:
    venue = Scenario(copper())
    venue.account(1, "1000000")
    venue.filled(1, BUY, CU, 5, 70_000)
    assert venue.sell(1, CU, 3, 71_000, offset=terms.CLOSETODAY).code == Code.OK
    refused = venue.sell(1, CU, 3, 71_000, offset=terms.CLOSETODAY)
    assert (refused.code, refused.rejected.limit) == (Code.INSUFFICIENT_POSITION_TODAY, 2)
    assert venue.sell(1, CU, 2, 71_000, offset=terms.CLOSETODAY).code == Code.OK


@pytest.mark.parametrize("seed", range(40, 46))
def test_what_is_accepted_was_affordable(seed: int) -> None:
    """After every accepted OPEN, before its trades, available ≥ 0: seen in the orders that only rest."""
    judge = Judge()
    for command in setup():
        judge.apply(command, START_NS)
    venue, rested = judge.model.venue, 0
    for time, made in Generator(venue, seed).commands(500):
        events = judge.apply(made, time)
        first = events[0]
        if len(events) == 1 and isinstance(first, OrderAccepted) and first.offset == terms.OPEN:
            account = venue.accounts[first.account_id]
            assert venue.money(account).available >= 0 or venue.instruments[first.instrument].is_spot
            assert all(venue.free(account, asset) >= 0 for asset in account.wallets)
            rested += 1
    assert rested > 50

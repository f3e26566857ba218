"""Self-trade prevention by owner: the taker's rest expires, earlier fills stand (P17, EXPIRE_TAKER).
Run by pytest in the core tier; needs no service."""

import pytest

from engine.core import terms
from engine.core.codes import Code
from tests.model.market import index_future, rebar
from tests.model.scenario import Scenario

RB, IF = "SHFE.rb2601", "CFFEX.IF2512"


@pytest.fixture
def venue() -> Scenario:
    """Accounts 1 and 2 belong to one owner, 3 to another."""
    venue = Scenario(rebar(), index_future())
    venue.account(1, "1000000", owner=500)
    venue.account(2, "1000000", owner=500)
    venue.account(3, "1000000")
    return venue


@pytest.mark.parametrize("taker", [1, 2])
def test_an_order_never_trades_with_its_owners_orders(venue: Scenario, taker: int) -> None:
    resting = venue.sell(1, RB, 2, 3_500)
    answer = venue.buy(taker, RB, 2, 3_500)
    assert answer.trades == []
    assert answer.ended is not None
    assert (answer.ended.status, answer.ended.code, answer.ended.left) == (terms.EXPIRED, Code.SELF_TRADE, 2)
    assert venue.order_of(resting.seq).left == 2
    assert venue.funds(taker).available + venue.funds(taker).frozen_margin == 1_000_000


def test_earlier_fills_stand(venue: Scenario) -> None:
    venue.sell(3, RB, 1, 3_500)
    venue.sell(1, RB, 2, 3_501)
    venue.sell(3, RB, 5, 3_502)
    answer = venue.buy(2, RB, 6, 3_502)
    assert [(t.sell_account_id, t.volume) for t in answer.trades] == [(3, 1)]
    assert answer.ended is not None
    assert (answer.ended.code, answer.ended.left) == (Code.SELF_TRADE, 5)
    assert venue.lots(2, RB) == (1, 0, 0, 0)


def test_an_older_order_of_another_at_the_same_price_trades_first(venue: Scenario) -> None:
    venue.sell(3, RB, 2, 3_500)
    venue.sell(1, RB, 2, 3_500)
    answer = venue.buy(1, RB, 2, 3_500)
    assert sum(t.volume for t in answer.trades) == 2
    assert answer.ended is None


def test_own_orders_do_not_fill_a_fill_or_kill(venue: Scenario) -> None:
    venue.sell(3, RB, 2, 3_500)
    venue.sell(1, RB, 2, 3_501)
    venue.sell(3, RB, 2, 3_502)
    assert venue.buy(2, RB, 3, 3_502, time_in_force=terms.FOK).trades == []
    assert sum(t.volume for t in venue.buy(2, RB, 2, 3_502, time_in_force=terms.FOK).trades) == 2


def test_market_orders_too(venue: Scenario) -> None:
    venue.sell(1, IF, 1, "3800.0")
    answer = venue.buy(2, IF, 1, 0, kind=terms.MARKET, time_in_force=terms.IOC)
    assert answer.trades == []
    assert answer.ended is not None
    assert answer.ended.code == Code.SELF_TRADE


def test_the_position_limit_counts_all_accounts_of_an_owner() -> None:
    from dataclasses import replace

    from tests.model.market import futures_rates

    venue = Scenario(replace(rebar(), rates=futures_rates(position_limit=10)))
    venue.account(1, "1000000", owner=500)
    venue.account(2, "1000000", owner=500)
    venue.account(3, "1000000")
    venue.filled(1, terms.BUY, RB, 4, 3_500)
    assert venue.buy(2, RB, 3, 3_400).code == Code.OK
    refused = venue.buy(1, RB, 4, 3_400)
    assert (refused.code, refused.rejected.limit, refused.rejected.value) == (Code.POSITION_LIMIT, 10, 11)
    assert venue.sell(1, RB, 10, 3_600).code == Code.OK  # the other side is its own
    assert venue.buy(3, RB, 10, 3_400).code == Code.OK
    assert venue.buy(1, RB, 3, 3_400).code == Code.OK

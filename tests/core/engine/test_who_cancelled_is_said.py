"""A cancelled order says whether its owner or the exchange ended it (P19).
Run by pytest in the core tier; needs no service."""

from dataclasses import replace

import pytest

from engine.core import terms
from engine.core.codes import Code
from engine.core.commands import AccountGrant, OrderCancel, OrderSubmit
from engine.core.events import OrderEnded
from tests.model.market import OPERATE, TRADER, rebar
from tests.model.scenario import Scenario

RB = "SHFE.rb2601"
ORDER = OrderSubmit(101, TRADER, 1, RB, terms.BUY, terms.OPEN, terms.LIMIT, terms.GTC, 3_400, 2, "mine")


@pytest.fixture
def venue() -> Scenario:
    venue = Scenario(rebar())
    venue.account(1, "1000000")
    venue.send(AccountGrant(101, TRADER, 1, 102, terms.SCOPE_TRADE))
    return venue


@pytest.mark.parametrize(
    ("actor", "scope", "code"),
    [
        (101, TRADER, Code.CANCELLED_BY_CLIENT),
        (101, TRADER | OPERATE, Code.CANCELLED_BY_CLIENT),
        (102, TRADER, Code.CANCELLED_BY_CLIENT),
        (102, TRADER | OPERATE, Code.CANCELLED_BY_CLIENT),
        (terms.VENUE, OPERATE, Code.CANCELLED_BY_VENUE),
        (103, TRADER | OPERATE, Code.CANCELLED_BY_VENUE),
    ],
)
def test_the_end_names_who_asked(venue: Scenario, actor: int, scope: int, code: Code) -> None:
    order = venue.send(ORDER)
    answer = venue.send(OrderCancel(actor, scope, 1, order.seq))
    (ended,) = answer.events
    assert isinstance(ended, OrderEnded)
    assert (ended.status, ended.left, ended.code) == (terms.CANCELLED, 2, code)


def test_a_repeat_of_an_order_the_exchange_cancelled_says_so(venue: Scenario) -> None:
    order = venue.send(ORDER)
    venue.send(OrderCancel(terms.VENUE, OPERATE, 1, order.seq))
    (again,) = venue.send(replace(ORDER)).events
    assert getattr(again, "code", None) == Code.CANCELLED_BY_VENUE

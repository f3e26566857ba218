"""A client order id is one order: repeats get the original, other bodies conflict, queries always answer (P14, P15).
Run by pytest in the core tier; needs no service."""

from dataclasses import replace
from typing import Any

import pytest

from engine.core import terms
from engine.core.codes import Code
from engine.core.commands import OrderCancel, OrderQuery, OrderSubmit, VenueSet
from engine.core.engine import Engine
from engine.core.events import OrderReported, Rejected
from engine.messages import wire_decode, wire_encode
from tests.model.market import OPERATE, TRADER, rebar
from tests.model.scenario import Answer, Scenario

RB = "SHFE.rb2601"
ORDER = OrderSubmit(101, TRADER, 1, RB, terms.BUY, terms.OPEN, terms.LIMIT, terms.GTC, 3_400, 2, "mine")


@pytest.fixture
def venue() -> Scenario:
    venue = Scenario(rebar())
    venue.account(1, "1000000")
    venue.account(2, "1000000")
    return venue


def query(venue: Scenario, client_order_id: str) -> OrderReported:
    answer = venue.send(OrderQuery(101, TRADER, 1, client_order_id))
    assert isinstance(answer.events[0], OrderReported)
    return answer.events[0]


def reported(answer: Answer) -> tuple[int, int, int, int]:
    """(order id, status, left, code) of a repeat's answer."""
    event = answer.events[0]
    assert isinstance(event, OrderReported)
    assert event.repeated
    return event.order_id, event.status, event.left, event.code


def test_twenty_repeats_are_one_order(venue: Scenario) -> None:
    first = venue.send(ORDER)
    for _ in range(20):
        assert reported(venue.send(ORDER)) == (first.seq, terms.LIVE, 2, 0)
    assert list(venue.engine.orders) == [first.seq]
    assert venue.funds(1).frozen_margin == 6_800


@pytest.mark.parametrize(
    "change",
    [
        {"price": 3_401},
        {"volume": 3},
        {"side": terms.SELL},
        {"offset": terms.CLOSE},
        {"time_in_force": terms.DAY},
        {"post_only": True},
        {"instrument": "SHFE.cu2512"},
        {"budget": 1},
        {"kind": terms.MARKET},
    ],
)
def test_another_body_conflicts_and_changes_nothing(venue: Scenario, change: dict[str, Any]) -> None:
    venue.send(ORDER)
    before = venue.funds(1)
    assert venue.send(replace(ORDER, **change)).code == Code.CLIENT_ORDER_ID_CONFLICT
    assert venue.funds(1) == before
    assert len(venue.engine.orders) == 1


def test_a_repeat_tells_how_a_finished_order_ended(venue: Scenario) -> None:
    first = venue.send(ORDER)
    venue.filled(2, terms.SELL, RB, 1, 3_410)  # another price: untouched
    venue.sell(2, RB, 2, 3_400)
    assert reported(venue.send(ORDER)) == (first.seq, terms.FILLED, 0, 0)
    other = replace(ORDER, client_order_id="other", price=3_390)
    second = venue.send(other)
    venue.cancel(1, second.seq)
    assert reported(venue.send(other)) == (second.seq, terms.CANCELLED, 2, Code.CANCELLED_BY_CLIENT)


def test_a_refused_order_is_remembered_with_its_code(venue: Scenario) -> None:
    huge = replace(ORDER, volume=9_999, client_order_id="big")
    first = venue.send(huge)
    assert first.code == Code.INSUFFICIENT_FUNDS
    venue.deposit(1, "100000000")
    assert reported(venue.send(huge)) == (first.seq, terms.REJECTED, 9_999, Code.INSUFFICIENT_FUNDS)
    assert len(venue.engine.orders) == 0


def test_ids_are_per_account(venue: Scenario) -> None:
    one, two = venue.send(ORDER), venue.send(replace(ORDER, actor=102, account_id=2))
    assert (one.code, two.code) == (Code.OK, Code.OK)
    assert len(venue.engine.orders) == 2


def test_a_stranger_cannot_probe_an_id(venue: Scenario) -> None:
    venue.send(ORDER)
    assert venue.send(replace(ORDER, actor=102)).code == Code.NOT_PERMITTED
    answer = venue.send(OrderQuery(102, TRADER, 1, "mine"))
    assert answer.code == Code.NOT_PERMITTED


def test_a_query_answers_with_the_state(venue: Scenario) -> None:
    first = venue.send(ORDER)
    event = query(venue, "mine")
    assert (event.order_id, event.status, event.left, event.repeated) == (first.seq, terms.LIVE, 2, False)


def test_a_query_of_an_unknown_id_claims_it_and_the_straggler_is_refused(venue: Scenario) -> None:
    assert query(venue, "mine").status == terms.UNKNOWN
    before = venue.funds(1)
    assert venue.send(ORDER).code == Code.CLIENT_ORDER_ID_CLAIMED
    assert query(venue, "mine").status == terms.UNKNOWN
    assert venue.funds(1) == before
    assert len(venue.engine.orders) == 0


def test_an_id_is_known_on_the_next_day_and_forgotten_on_the_one_after(venue: Scenario) -> None:
    first = venue.send(replace(ORDER, time_in_force=terms.DAY))
    again = replace(ORDER, time_in_force=terms.DAY)
    venue.day_end({})
    assert reported(venue.send(again)) == (first.seq, terms.EXPIRED, 2, Code.DAY_ENDED)
    venue.day_end({})
    assert venue.send(again).accepted.order_id > first.seq


def test_the_id_of_a_live_order_is_known_as_long_as_it_lives(venue: Scenario) -> None:
    first = venue.send(ORDER)
    for _ in range(4):
        venue.day_end({})
    assert reported(venue.send(ORDER)) == (first.seq, terms.LIVE, 2, 0)
    venue.cancel(1, first.seq)
    assert reported(venue.send(ORDER))[1] == terms.CANCELLED


def test_an_old_order_filled_while_its_owner_slept_is_still_known_that_day(venue: Scenario) -> None:
    first = venue.send(ORDER)
    for _ in range(3):
        venue.day_end({})
    venue.sell(2, RB, 2, 3_400)  # the first thing of this day that touches account 1
    assert reported(venue.send(ORDER)) == (first.seq, terms.FILLED, 0, 0)
    cancel = venue.cancel(1, first.seq)
    assert cancel.code == Code.ORDER_FINISHED


def test_a_finished_order_says_how_it_ended_to_a_cancel_the_next_day(venue: Scenario) -> None:
    first = venue.send(ORDER)
    venue.sell(2, RB, 2, 3_400)
    venue.day_end({})
    cancel = venue.cancel(1, first.seq)
    assert (cancel.code, cancel.rejected.value) == (Code.ORDER_FINISHED, terms.FILLED)
    by_id = venue.cancel(1, client_order_id="mine")
    assert by_id.code == Code.ORDER_FINISHED


def test_ids_of_a_day_are_limited(venue: Scenario) -> None:
    venue.send(VenueSet(0, OPERATE, "client_ids_max", 3))
    for n in range(3):
        assert venue.send(replace(ORDER, client_order_id=f"n{n}", volume=1)).code == Code.OK
    refused = venue.send(replace(ORDER, client_order_id="n3", volume=1))
    assert (refused.code, refused.rejected.limit) == (Code.CLIENT_ORDER_IDS_EXHAUSTED, 3)
    assert venue.send(OrderQuery(101, TRADER, 1, "n4")).code == Code.CLIENT_ORDER_IDS_EXHAUSTED
    assert query(venue, "n1").status == terms.LIVE


@pytest.mark.parametrize("client_order_id", ["", "x" * 129, "é", "a\nb", "\x7f", "１"])
def test_a_malformed_id_is_refused(venue: Scenario, client_order_id: str) -> None:
    answer = venue.send(replace(ORDER, client_order_id=client_order_id))
    assert (answer.code, answer.rejected.limit) == (Code.CLIENT_ORDER_ID_INVALID, 128)
    assert len(venue.engine.orders) == 0


def test_the_longest_id_is_taken(venue: Scenario) -> None:
    assert venue.send(replace(ORDER, client_order_id="x" * 128)).code == Code.OK


def test_a_restored_copy_knows_the_same_finished_orders(venue: Scenario) -> None:
    """Accepted yesterday, filled today: after the next roll original and copy answer a cancel alike."""
    first = venue.send(ORDER)
    venue.day_end({})
    venue.sell(2, RB, 2, 3_400)
    original = Engine.load(wire_decode(wire_encode(venue.engine.dump())))
    copy = Engine.load(wire_decode(wire_encode(original.dump())))
    cancel = OrderCancel(101, TRADER, 1, first.seq)
    for engine in (venue.engine, original, copy):
        event = engine.apply([cancel], engine.seq + 1, venue.time).events[0]
        assert isinstance(event, Rejected)
        assert (event.code, event.value) == (Code.ORDER_FINISHED, terms.FILLED)
    assert wire_encode(copy.dump()) == wire_encode(original.dump()) == wire_encode(venue.engine.dump())

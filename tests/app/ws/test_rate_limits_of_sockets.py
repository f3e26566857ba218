"""Orders on a socket are charged to the user's budget, one by one or in frames; cancels have their own (P20)."""

from typing import Any

import pytest

from accounts.throttles import Rate
from engine.core.codes import Code
from tests.support.floor import Floor

TIGHT = {"order": (Rate(0.001, 3), Rate(1_000, 1_000)), "cancel": (Rate(0.001, 2), Rate(1_000, 1_000))}


@pytest.fixture(autouse=True)
def _tight(settings: Any) -> None:
    settings.OUTCRY_THROTTLES = TIGHT


async def test_a_pipelined_burst_gets_exactly_its_budget(floor: Floor, connect: Any) -> None:
    alice, bob = await connect(floor.alice.person), await connect(floor.bob.person)
    for number in range(10):
        alice.send(type="submit_order", request_id=number, **floor.order(price=3790))
    answers = [await alice.next() for _ in range(10)]
    assert [answer["success"] for answer in answers].count(True) == 3
    refused = [answer for answer in answers if not answer["success"]]
    assert {answer["code"] for answer in refused} == {Code.THROTTLED}
    assert all(answer["retry_after"] >= 1 for answer in refused)
    assert len(floor.engine.orders) == 3
    order_id = next(answer["order_id"] for answer in answers if answer["success"])
    assert (await alice.ask(type="cancel_order", order_id=order_id))["success"]
    assert (await bob.ask(type="submit_order", **floor.order()))["success"]


async def test_a_frame_of_orders_costs_its_entries(floor: Floor, connect: Any) -> None:
    alice = await connect(floor.alice.person)
    assert (await alice.ask(type="submit_orders", orders=[floor.order(price=3790)] * 2))["success_count"] == 2
    refused = await alice.ask(type="submit_orders", orders=[floor.order(price=3790)] * 2)
    assert (refused["type"], refused["code"]) == ("error", Code.THROTTLED)
    assert len(floor.engine.orders) == 2

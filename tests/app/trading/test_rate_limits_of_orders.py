"""Orders are limited by user; cancels have their own budget (P20)."""

from typing import Any

import pytest

from accounts.throttles import Rate
from engine.core.codes import Code
from tests.support.floor import Floor

TIGHT = {"order": (Rate(0.001, 3), Rate(1_000, 1_000)), "cancel": (Rate(0.001, 2), Rate(1_000, 1_000))}


@pytest.fixture(autouse=True)
def _tight(settings: Any) -> None:
    settings.OUTCRY_THROTTLES = TIGHT


def test_a_burst_of_orders_is_stopped_and_the_user_can_still_cancel(floor: Floor) -> None:
    alice = floor.alice.person
    orders = [alice.post("/api/order/submit", floor.order(price=3790)).data for _ in range(3)]
    before = floor.fingerprint()
    refused = alice.post("/api/order/submit", floor.order())
    assert (refused.status, refused.code) == (429, Code.THROTTLED)
    assert int(refused.headers["Retry-After"]) >= 1
    assert floor.fingerprint() == before
    assert alice.post("/api/order/cancel", {"order_id": orders[0]["order_id"]}).data["status"] == "cancelled"
    assert floor.bob.person.post("/api/order/submit", floor.order()).data["status"] == "submitted"


def test_a_batch_costs_as_much_as_its_entries(floor: Floor) -> None:
    alice = floor.alice.person
    alice.post("/api/order/batch", {"orders": [floor.order(price=3790)] * 2}).data  # noqa: B018
    refused = alice.post("/api/order/batch", {"orders": [floor.order(price=3790)] * 2})
    assert (refused.status, refused.code) == (429, Code.THROTTLED)
    assert len(floor.engine.orders) == 2

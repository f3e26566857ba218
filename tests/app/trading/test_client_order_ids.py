"""A client order id has one effect (P14), and its outcome can always be asked for (P15)."""

from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from engine.core.codes import Code
from tests.support.floor import Floor
from tests.support.people import Answer

SUBMIT = "/api/order/submit"


def test_twenty_parallel_repeats_are_one_order_and_one_answer(floor: Floor) -> None:
    body = floor.order(client_order_id="once", volume=2)

    def submit(_: int) -> Answer:
        try:
            return floor.alice.person.post(SUBMIT, body)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        answers = [answer.data for answer in pool.map(submit, range(20))]
    assert len(floor.engine.orders) == 1
    assert len({answer["order_id"] for answer in answers}) == 1
    assert sorted(answer["repeated"] for answer in answers) == [False] + [True] * 19
    assert {answer["status"] for answer in answers} == {"submitted"}


def test_the_same_id_with_another_body_conflicts(floor: Floor) -> None:
    floor.alice.person.post(SUBMIT, floor.order(client_order_id="once")).data  # noqa: B018
    before = floor.fingerprint()
    answer = floor.alice.person.post(SUBMIT, floor.order(client_order_id="once", volume=2))
    assert (answer.status, answer.code) == (409, Code.CLIENT_ORDER_ID_CONFLICT)
    assert floor.fingerprint() == before


def test_a_repeat_of_a_filled_order_says_that_it_is_filled(floor: Floor) -> None:
    body = floor.order(client_order_id="once")
    first = floor.alice.person.post(SUBMIT, body).data
    floor.bob.person.post(SUBMIT, floor.order(direction="SELL")).data  # noqa: B018
    again = floor.alice.person.post(SUBMIT, body).data
    assert (again["order_id"], again["status"], again["repeated"]) == (first["order_id"], "filled", True)


def test_an_outcome_can_be_asked_for(floor: Floor) -> None:
    order = floor.alice.person.post(SUBMIT, floor.order(client_order_id="lost")).data
    asked = floor.alice.person.post("/api/order/query", {"client_order_id": "lost"}).data
    assert (asked["order_id"], asked["status"]) == (order["order_id"], "live")


def test_an_unknown_id_is_claimed_so_that_the_answer_stays_true(floor: Floor) -> None:
    asked = floor.alice.person.post("/api/order/query", {"client_order_id": "straggler"}).data
    assert (asked["order_id"], asked["status"]) == (None, "unknown")
    before = floor.fingerprint()
    late = floor.alice.person.post(SUBMIT, floor.order(client_order_id="straggler"))
    assert (late.status, late.code) == (409, Code.CLIENT_ORDER_ID_CLAIMED)
    assert floor.fingerprint() == before


def test_anothers_ids_are_not_mine(floor: Floor) -> None:
    floor.alice.person.post(SUBMIT, floor.order(client_order_id="x")).data  # noqa: B018
    answer = floor.bob.person.post(
        "/api/order/query", {"client_order_id": "x", "account_id": floor.alice.account}
    )
    assert (answer.status, answer.code) == (404, Code.ACCOUNT_NOT_FOUND)
    assert floor.bob.person.post("/api/order/query", {"client_order_id": "x"}).data["status"] == "unknown"


def test_a_cut_after_the_commit_leaves_exactly_one_order(floor: Floor) -> None:
    """The leader dies with the order durable and no answer sent; the door asks again under the same id."""
    floor.alice.person.post(SUBMIT, floor.order(price=3790)).data  # noqa: B018
    floor.venue.restart()
    answer = floor.alice.person.post(SUBMIT, floor.order(client_order_id="after"))
    assert answer.data["status"] == "submitted"
    assert len(floor.engine.orders) == 2

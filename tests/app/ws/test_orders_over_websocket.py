"""Order entry on /ws: singly, in batches, pipelined; each answer with its request id."""

from typing import Any

from engine.core.codes import Code
from tests.support.floor import Floor


async def test_an_order_is_answered_with_its_id_and_sequence(floor: Floor, connect: Any) -> None:
    socket = await connect(floor.alice.person)
    answer = await socket.ask(type="submit_order", request_id=7, **floor.order(client_order_id="a"))
    (order,) = floor.engine.orders.values()
    assert answer["type"] == "order_response"
    assert (answer["success"], answer["order_id"], answer["seq"]) == (
        True,
        str(order.order_id),
        order.order_id,
    )
    assert (answer["status"], answer["client_order_id"]) == ("submitted", "a")
    done = await socket.ask(type="cancel_order", client_order_id="a")
    assert (done["success"], done["order_id"], done["status"]) == (True, str(order.order_id), "cancelled")
    assert floor.engine.orders == {}


async def test_a_batch_of_orders_in_one_frame(floor: Floor, connect: Any) -> None:
    socket = await connect(floor.alice.person)
    orders = [floor.order(price=3700 + i) for i in range(10)] + [floor.order(price="3800.1")]
    answer = await socket.ask(type="submit_orders", orders=orders)
    assert (answer["total"], answer["success_count"], answer["failed_count"]) == (11, 10, 1)
    assert answer["results"][10]["error"]["code"] == Code.PRICE_OFF_TICK
    ids = [row["order_id"] for row in answer["results"][:10]]
    assert ids == [str(order_id) for order_id in floor.engine.orders]
    answer = await socket.ask(type="cancel_orders", order_ids=ids)
    assert answer["success_count"] == 10
    assert floor.engine.orders == {}


async def test_pipelined_orders_keep_their_order(floor: Floor, connect: Any) -> None:
    """A cancel by client order id is never carried out before the submit that came before it."""
    socket = await connect(floor.alice.person)
    for number in range(50):
        socket.send(type="submit_order", request_id=number, **floor.order(client_order_id=f"n{number}"))
        socket.send(type="cancel_order", request_id=1000 + number, client_order_id=f"n{number}")
    answers = [await socket.next() for _ in range(100)]
    assert all(answer["success"] for answer in answers), [a for a in answers if not a["success"]]
    assert floor.engine.orders == {}


async def test_queries_answer_with_their_type(floor: Floor, connect: Any) -> None:
    socket = await connect(floor.alice.person)
    order = await socket.ask(type="submit_order", **floor.order(client_order_id="q"))
    asked = await socket.ask(type="query_order", order_id=order["order_id"])
    assert (asked["type"], asked["request_type"]) == ("query_response", "query_order")
    assert (asked["data"]["status"], asked["data"]["client_order_id"]) == ("submitted", "q")
    by_client = await socket.ask(type="query_order", client_order_id="q")
    assert (by_client["data"]["order_id"], by_client["data"]["status"]) == (order["order_id"], "live")
    account = (await socket.ask(type="query_account"))["data"]
    assert (account["balance"], account["frozen_margin"]) == (10_000_000, 136_800)
    positions = await socket.ask(type="query_position", instrument_id="IF2512")
    assert positions["data"] == []


async def test_anothers_order_cannot_be_seen_or_cancelled(floor: Floor, connect: Any) -> None:
    alice, bob = await connect(floor.alice.person), await connect(floor.bob.person)
    order = await alice.ask(type="submit_order", **floor.order())
    before = floor.fingerprint()
    seen = await bob.ask(type="query_order", order_id=order["order_id"])
    assert (seen["type"], seen["code"]) == ("error", Code.ORDER_NOT_FOUND)
    cancelled = await bob.ask(type="cancel_order", order_id=order["order_id"])
    assert (cancelled["success"], cancelled["error_code"]) == (False, Code.ORDER_NOT_FOUND)
    for kind in ("query_account", "query_position"):
        refused = await bob.ask(type=kind, account_id=floor.alice.account)
        assert (refused["type"], refused["code"]) == ("error", Code.ACCOUNT_NOT_FOUND)
    submitted = await bob.ask(type="submit_order", **floor.order(account_id=floor.alice.account))
    assert submitted["error_code"] == Code.ACCOUNT_NOT_FOUND
    watched = await bob.ask(type="subscribe", channels=["order"], account_ids=[floor.alice.account])
    assert (watched["type"], watched["code"]) == ("error", Code.ACCOUNT_NOT_FOUND)
    assert floor.fingerprint() == before

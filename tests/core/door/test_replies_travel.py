"""What a reply says about its order, and that requests and answers arrive as they were sent."""

import pytest

from engine import replies
from engine.core import commands as c
from engine.core import terms
from engine.core.codes import Code
from engine.core.engine import Engine
from engine.core.events import OrderReported, Rejected
from engine.messages import WireRefused, wire_encode
from engine.replies import Answer, Reply
from tests.support.venue import IF, OPERATOR, TRADING_DAY, order


class Desk:
    """An engine with IF listed and two funded accounts; gives the reply to each command."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.replies(
            c.VenueSet(terms.VENUE, OPERATOR, "init_cash_max", 10**12),
            c.DayOpen(terms.VENUE, OPERATOR, TRADING_DAY),
            c.InstrumentList(terms.VENUE, OPERATOR, IF),
            c.AccountOpen(terms.VENUE, OPERATOR, 1, 1, 10**11),
            c.AccountOpen(terms.VENUE, OPERATOR, 2, 2, 10**11),
        )

    def replies(self, *commands: c.Command) -> list[Reply]:
        first = self.engine.seq + 1
        applied = self.engine.apply(commands, first, 1)
        return [
            replies.reply_of(command, applied.of(i), seq=first + i, epoch=3, time=1)
            for i, command in enumerate(commands)
        ]


def seen(reply: Reply) -> tuple[bool, int, int, int, int]:
    return reply.ok, reply.code, reply.order_status, reply.order_left, reply.trades


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_reply_says_how_the_order_stands(desk: Desk) -> None:
    rests, fills, rest_ends, no_other_side = desk.replies(
        order(1, terms.BUY, 19_000, 5, "rests"),
        order(2, terms.SELL, 19_000, 2, "fills"),
        order(2, terms.SELL, 19_000, 9, "rest ends", time_in_force=terms.IOC),
        order(2, terms.SELL, 19_000, 1, "killed", time_in_force=terms.FOK),
    )
    assert seen(rests) == (True, 0, terms.LIVE, 5, 0)
    assert seen(fills) == (True, 0, terms.FILLED, 0, 1)
    assert seen(rest_ends)[2:] == (terms.EXPIRED, 6, 1)
    assert rest_ends.ok
    assert no_other_side.order_left == 1
    assert no_other_side.order_status == terms.EXPIRED


def test_a_refusal_carries_its_code_and_a_cancel_what_was_left(desk: Desk) -> None:
    rests, refused = desk.replies(order(1, terms.BUY, 19_000, 5, "a"), order(1, terms.BUY, 19_000, 0, "b"))
    assert seen(refused) == (False, Code.VOLUME_INVALID, terms.REJECTED, 0, 0)
    assert isinstance(refused.event, Rejected)
    cancelled, again = desk.replies(
        c.OrderCancel(1, terms.SCOPE_TRADE, 1, rests.seq), c.OrderCancel(1, terms.SCOPE_TRADE, 1, rests.seq)
    )
    assert seen(cancelled) == (True, 0, terms.CANCELLED, 5, 0)
    assert again.code == Code.ORDER_FINISHED


def test_a_repeat_is_answered_like_the_original(desk: Desk) -> None:
    desk.replies(order(1, terms.BUY, 19_000, 5, "a"), order(1, terms.BUY, 1, 5, "b"))
    live, refused, asked = desk.replies(
        order(1, terms.BUY, 19_000, 5, "a"),
        order(1, terms.BUY, 1, 5, "b"),
        c.OrderQuery(1, terms.SCOPE_TRADE, 1, "b"),
    )
    assert seen(live) == (True, 0, terms.LIVE, 5, 0)
    assert (refused.ok, refused.order_status) == (False, terms.REJECTED)
    assert asked.ok, "to be told of a refusal is no refusal"
    assert isinstance(asked.event, OrderReported)
    assert asked.order_status == terms.REJECTED


def test_requests_and_answers_arrive_as_they_were_sent(desk: Desk) -> None:
    sent: list[c.Command] = [order(1, terms.BUY, 19_000, 5, "a"), c.OrderCancel(1, terms.SCOPE_TRADE, 1, 7)]
    wires = [(i, 10 + i, replies.command_encode(command)) for i, command in enumerate(sent)]
    gateway, requests, refused = replies.requests_decode(replies.requests_encode("gate", wires))
    assert (gateway, refused) == ("gate", [])
    assert [(r.gateway, r.request_id, r.not_after, r.command) for r in requests] == [
        ("gate", 0, 10, sent[0]),
        ("gate", 1, 11, sent[1]),
    ]
    (reply,) = desk.replies(sent[0])
    answers: list[tuple[int, Answer]] = [(0, reply), (1, Code.EXPIRED_IN_TRANSIT)]
    assert replies.answers_decode(replies.answers_encode(3, answers)) == (3, answers)


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", wire_encode([2, "gate", []]), wire_encode([1, 2]), wire_encode("frame")]
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(WireRefused):
        replies.requests_decode(data)

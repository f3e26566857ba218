"""What travels between the door and the leader: frames of requests one way, frames of answers the other.
Used by engine.door, engine.process and whoever reads a Reply; pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from engine import messages
from engine.core import commands as c
from engine.core import events as e
from engine.core import terms
from engine.core.codes import Code

FRAME_VERSION = 1


@dataclass(slots=True)
class Reply:
    """The answer to one command, sent after it is durable.

    seq, epoch, time (ns UTC): where it stands in the journal · event: its first event · code: 0, or why it was
    refused · order_status (terms.LIVE, FILLED, …), order_left (lots): the order after the command ·
    trades, filled (lots): its fills in this command · end_code: why it ended at once, 0 if it did not or was filled.
    """

    seq: int
    epoch: int
    time: int
    event: e.Event
    code: int
    order_status: int
    order_left: int
    trades: int
    filled: int = 0
    end_code: int = 0

    @property
    def ok(self) -> bool:
        return self.code == 0


class DoorError(Exception):
    """The door has no answer: `code` says why, and whether the command was surely not carried out.

    BUSY, NO_LEADER, EXPIRED_IN_TRANSIT, JOURNAL_FULL: surely not. OUTCOME_UNKNOWN: ask by client order id.
    """

    def __init__(self, code: Code, command: c.Command) -> None:
        super().__init__(f"{code.name}: {type(command).__name__}")
        self.code = code
        self.command = command


# What the leader says about one request: a Reply, or the code of why it took no sequence.
Answer = Reply | Code


@dataclass(slots=True)
class Request:
    """One command of a gateway. request_id: counts up in the gateway · not_after: ns UTC."""

    gateway: str
    request_id: int
    not_after: int
    command: c.Command


def reply_of(command: c.Command, events: Sequence[e.Event], *, seq: int, epoch: int, time: int) -> Reply:
    """The reply to `command` from all of its events, the first of which is the answer."""
    first = events[0]
    if isinstance(first, e.OrderAccepted):
        return _accepted_reply(first, events, Reply(seq, epoch, time, first, 0, terms.LIVE, first.volume, 0))
    code, status, left = 0, terms.LIVE, 0
    if isinstance(first, e.OrderReported):
        status, left = first.status, first.left
        code = first.code if first.status == terms.REJECTED and first.repeated else 0
    elif isinstance(first, e.OrderEnded):
        status, left = first.status, first.left
    elif isinstance(first, e.Rejected):
        code = first.code
        status = terms.REJECTED if isinstance(command, c.OrderSubmit) else terms.LIVE
    return Reply(seq, epoch, time, first, code, status, left, 0)


def _accepted_reply(accepted: e.OrderAccepted, events: Sequence[e.Event], reply: Reply) -> Reply:
    """The reply with how the order stands at the end of the command that brought it."""
    order_id = accepted.order_id
    for event in events:
        if isinstance(event, e.Trade) and order_id in (event.buy_order_id, event.sell_order_id):
            reply.order_left = event.buy_left if event.buy_order_id == order_id else event.sell_left
            reply.trades += 1
            reply.filled += event.volume
        elif isinstance(event, e.OrderEnded) and event.order_id == order_id:
            reply.order_status, reply.order_left, reply.end_code = event.status, event.left, event.code
            return reply
    if reply.trades and not reply.order_left and not accepted.budget:
        reply.order_status = terms.FILLED
    return reply


def command_encode(command: c.Command) -> bytes:
    """The command as it stands in a frame."""
    return messages.wire_encode(messages.command_pack(command))


def requests_encode(gateway: str, requests: Sequence[tuple[int, int, bytes]]) -> bytes:
    """A frame of (request id, not_after, encoded command)."""
    wires = [[request_id, not_after, msgspec.Raw(data)] for request_id, not_after, data in requests]
    return messages.wire_encode([FRAME_VERSION, gateway, wires])


def requests_decode(data: bytes) -> tuple[str, list[Request], list[int]]:
    """(gateway, requests, ids of those that are no command of this version). Raises WireRefused."""
    version, gateway, wires = _frame(data)
    if version != FRAME_VERSION or not isinstance(gateway, str):
        raise messages.WireRefused(f"a frame of version {version}; this program reads {FRAME_VERSION}")
    requests, refused = [], []
    for request_id, not_after, wire in wires:
        try:
            requests.append(Request(gateway, request_id, not_after, messages.command_unpack(wire)))
        except messages.WireRefused:
            refused.append(request_id)
    return gateway, requests, refused


def answers_encode(epoch: int, answers: Sequence[tuple[int, Answer]]) -> bytes:
    """A frame of (request id, answer) from the leader of `epoch`."""
    return messages.wire_encode([FRAME_VERSION, epoch, [_answer_pack(*answer) for answer in answers]])


def answers_decode(data: bytes) -> tuple[int, list[tuple[int, Answer]]]:
    """(epoch, answers). Raises WireRefused."""
    version, epoch, wires = _frame(data)
    if version != FRAME_VERSION:
        raise messages.WireRefused(f"a frame of version {version}; this program reads {FRAME_VERSION}")
    return epoch, [_answer_unpack(epoch, wire) for wire in wires]


def _frame(data: bytes) -> tuple[Any, Any, Any]:
    frame = messages.wire_decode(data)
    if not isinstance(frame, list) or len(frame) != 3:
        raise messages.WireRefused("not a frame")
    return frame[0], frame[1], frame[2]


def _answer_pack(request_id: int, answer: Answer) -> list[Any]:
    if isinstance(answer, Code):
        return [request_id, int(answer)]
    event = messages.event_pack(answer.event)
    order = (answer.order_status, answer.order_left, answer.trades, answer.filled, answer.end_code)
    return [request_id, 0, answer.seq, answer.time, event, answer.code, *order]


def _answer_unpack(epoch: int, wire: Sequence[Any]) -> tuple[int, Answer]:
    if wire[1]:
        return wire[0], Code(wire[1])
    request_id, _, seq, time, event, code, *order = wire
    return request_id, Reply(seq, epoch, time, messages.event_unpack(event), code, *order)

"""What is written down is read back the same, and what is not of the wire form is refused.
Run by pytest in the core tier; needs no service."""

from dataclasses import replace
from typing import Any

import pytest

from engine import messages
from engine.core import commands as c
from engine.core import views as v
from tests.model.judge import stream_judge
from tests.model.market import ALL


def test_every_command_and_event_of_a_stream_survives() -> None:
    judge, steps = stream_judge(60, 1_500)
    commands = [command for _, command in steps if command is not None]
    assert messages.commands_decode(messages.commands_encode(commands)) == commands
    kinds = {type(command) for command in commands}
    assert len(kinds) >= 16
    assert judge.seq == len(steps)


def test_every_event_of_a_stream_survives() -> None:
    from engine.core.engine import Engine

    _, steps = stream_judge(61, 1_500)
    engine, kinds = Engine(), set()
    for at, (time, command) in enumerate(steps):
        events = engine.apply([command], at + 1, time).events
        assert messages.events_decode(messages.events_encode(events)) == events
        kinds |= {type(event) for event in events}
    assert len(kinds) >= 17


def test_views_survive() -> None:
    judge, _ = stream_judge(62, 800)
    engine = judge.engine
    views: list[Any] = [engine.account_view(account_id) for account_id in engine.accounts]
    views += [engine.order_view(order_id) for order_id in engine.orders]
    views += [engine.instrument_view(name) for name in engine.instruments]
    views += [engine.depth_view(name, 20) for name in engine.instruments]
    for view in views:
        packed = messages.wire_decode(messages.wire_encode(messages.fields_pack(view)))
        assert messages.fields_unpack(type(view), packed) == view
    assert {type(view) for view in views} >= {v.AccountView, v.InstrumentView, v.DepthView}


def test_equal_messages_have_equal_bytes() -> None:
    one, other = c.InstrumentList(0, 8, ALL[0]), c.InstrumentList(0, 8, replace(ALL[0]))
    assert messages.commands_encode([one]) == messages.commands_encode([other])


@pytest.mark.parametrize(
    "wire",
    [
        [],
        None,
        7,
        [99, 1],
        [2, 1, 2, 3, 4],  # a field missing
        [2, 1, 2, 3, 4, "x", 6],  # one too many
        [2, 1, 2, 3, "4", "x"],  # a text for a number
        [2, 1, 2, 3, True, "x"],  # a truth for a number
        [2, 1, 2, 3, 4.0, "x"],
        [2, 1, 2, 3, None, "x"],
        [11, 0, 8, [1, 2, 3]],  # a spec that is none
    ],
)
def test_what_is_not_of_the_wire_form_is_refused(wire: Any) -> None:
    with pytest.raises(messages.WireRefused):
        messages.command_unpack(wire)


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x92\x01", b"\xff" * 3])
def test_damaged_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(messages.WireRefused):
        messages.commands_decode(data) if data[:1] == b"\xff" else messages.wire_decode(data)


def test_another_wire_version_is_refused() -> None:
    with pytest.raises(messages.WireRefused, match="version"):
        messages.commands_decode(messages.wire_encode([99, []]))

"""An int beyond 64 bits never stops a leader: it is encoded, refused by the core, and read back as it was.
Run in the core tier."""

import pytest

from engine.core import terms
from engine.core.codes import Code
from engine.core.commands import AccountOpen, DayOpen, OrderSubmit, VenueSet
from engine.core.engine import Engine
from engine.core.events import Rejected
from engine.messages import (
    commands_decode,
    commands_encode,
    events_decode,
    events_encode,
    wire_decode,
    wire_encode,
)

RIGHTS = terms.SCOPE_TRADE | terms.SCOPE_OPERATE


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**63) - 1, 10**40, -(10**40)])
def test_a_number_comes_back_as_it_was(number: int) -> None:
    assert wire_decode(wire_encode([number, [1, number]])) == [number, [1, number]]


def test_an_order_of_absurd_size_is_refused_and_its_refusal_travels() -> None:
    engine = Engine()
    engine.apply([VenueSet(0, RIGHTS, "init_cash_max", 10**9), DayOpen(0, RIGHTS, 20251201)], 1, 1)
    engine.apply([AccountOpen(7, RIGHTS, 1, 7)], 3, 1)
    order = OrderSubmit(
        7, RIGHTS, 1, "CFFEX.IF2512", terms.BUY, 0, 0, 0, 10**30, -(10**30), "a", False, 10**40
    )
    commands = commands_decode(commands_encode([order]))
    assert commands == [order]
    events = engine.apply(commands, 4, 1).events
    assert events_decode(events_encode(events)) == events
    assert isinstance(events[0], Rejected)
    assert events[0].code == Code.INSTRUMENT_NOT_FOUND
    assert Engine.load(wire_decode(wire_encode(engine.dump()))).dump() == engine.dump()

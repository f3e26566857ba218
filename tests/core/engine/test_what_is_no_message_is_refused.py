"""A message of another shape is refused by the codec, wherever in it the fault is; a sound one comes back equal.
Run by pytest."""

from typing import Any

import pytest

from engine import messages
from engine.core import commands as c
from engine.core import terms
from engine.core.views import AccountView, DepthView, LevelView, PositionView, WalletView
from tests.model.market import OPERATE, bitcoin, rebar

ORDER = c.OrderSubmit(7, 2, 80000001, "SHFE.rb2601", terms.BUY, terms.OPEN, 0, 0, 3_500, 2, "one")
POSITION = PositionView("SHFE.rb2601", *range(14))
ACCOUNT = AccountView(1, 2, 0, 3, 4, 5, 6, 7, 8, 9, 10, 11, [POSITION], [WalletView("BTC", 1, 2)])


@pytest.mark.parametrize(
    "command",
    [ORDER, c.InstrumentList(0, OPERATE, rebar()), c.InstrumentList(0, OPERATE, bitcoin()), c.AdvanceTime()],
)
def test_a_command_comes_back_equal(command: c.Command) -> None:
    assert messages.commands_decode(messages.commands_encode([command])) == [command]


@pytest.mark.parametrize("view", [ACCOUNT, POSITION, DepthView("X", [LevelView(3, 2, 1)], [])])
def test_a_view_comes_back_equal(view: Any) -> None:
    wire = messages.wire_decode(messages.wire_encode(messages.fields_pack(view)))
    assert messages.fields_unpack(type(view), wire) == view


@pytest.mark.parametrize("wrong", [True, 1.0, "1", None, [1], b"1"])
def test_a_field_of_another_type_is_refused(wrong: object) -> None:
    wire = messages.command_pack(ORDER)
    for place in (1, 3, 5, 9, 10):
        with pytest.raises(messages.WireRefused):
            messages.command_unpack([*wire[:place], wrong, *wire[place + 1 :]])


@pytest.mark.parametrize("wrong", [None, 5, "text", {}, [], [1, 2], [[1]]])
def test_a_nested_message_of_another_shape_is_refused(wrong: object) -> None:
    listing = messages.command_pack(c.InstrumentList(0, OPERATE, rebar()))
    with pytest.raises(messages.WireRefused):
        messages.command_unpack([*listing[:3], wrong])
    with pytest.raises(messages.WireRefused):
        messages.command_unpack([*listing[:3], [*listing[3][:-1], wrong]])
    if wrong != []:  # an account may hold nothing
        account = messages.fields_pack(ACCOUNT)
        with pytest.raises(messages.WireRefused):
            messages.fields_unpack(AccountView, [*account[:12], wrong, account[13]])


@pytest.mark.parametrize(
    "wire", [None, 1, "OrderSubmit", {}, [], [0], [99, 1], [1], [18], [18, 0], [18, 0, 0, 0]]
)
def test_no_message_at_all_is_refused(wire: Any) -> None:
    with pytest.raises(messages.WireRefused):
        messages.command_unpack(wire)

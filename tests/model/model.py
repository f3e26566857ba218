"""The independent slow model of the whole venue: a command in, the events the rules demand out.
Called by tests/model/judge.py, which holds the engine against it, and by the generator of random commands."""

from collections.abc import Callable
from decimal import localcontext
from typing import Any

from engine.core import commands as c
from engine.core import terms
from engine.core.codes import Code
from engine.core.commands import Command
from engine.core.events import Event, Rejected
from tests.model import admin, cash, day, orders
from tests.model.numbers import EXACT
from tests.model.venue import Refusal, Venue

HANDLERS: dict[type[Any], Callable[[Venue, Any], None]] = {
    c.OrderSubmit: orders.order_submit,
    c.OrderCancel: orders.order_cancel,
    c.OrderQuery: orders.order_query,
    c.AccountOpen: admin.account_open,
    c.AccountGrant: admin.account_grant,
    c.AccountFreeze: admin.account_freeze,
    c.VenueSet: admin.venue_set,
    c.AdvanceTime: admin.advance_time,
    c.InstrumentList: admin.instrument_list,
    c.InstrumentStateSet: admin.instrument_state_set,
    c.InstrumentRatesSet: admin.instrument_rates_set,
    c.CashDeposit: cash.cash_deposit,
    c.CashWithdraw: cash.cash_withdraw,
    c.CashWithdrawEnd: cash.cash_withdraw_end,
    c.CashTransfer: cash.cash_transfer,
    c.SettlementPriceSet: day.settlement_price_set,
    c.DayStep: day.day_step,
    c.DayOpen: day.day_open,
}


class Model:
    """The slow venue. `venue` is all it knows."""

    def __init__(self) -> None:
        self.venue = Venue(settings=dict(admin.SETTING_DEFAULTS), step=terms.STEP_CHECKED)

    def apply(self, command: Command | None, seq: int, time: int) -> list[Event]:
        """The events of one command; None is a voided sequence number."""
        venue = self.venue
        venue.seq, venue.time, venue.events = seq, time, []
        if command is None:
            return [Rejected(int(Code.COMMAND_VOIDED), "", 0, 0, terms.UNIT_NONE, 0, "", "", 0)]
        with localcontext(EXACT):
            try:
                HANDLERS[type(command)](venue, command)
            except Refusal as refusal:
                if venue.events:
                    raise AssertionError("the model changed something before it refused") from refusal
                return [orders.rejection(refusal, command, seq)]
        return venue.events

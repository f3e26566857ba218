"""The exchange as a pure state machine: commands in, events out, nothing else (DESIGN.md §2, §4).
Called by the leader, by followers, by tests, or by anyone: it needs nothing but the standard library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.core import day, dump, invariants, listing, money, orders, terms
from engine.core.book import Order
from engine.core.codes import Code
from engine.core.commands import (
    AccountFreeze,
    AccountGrant,
    AccountOpen,
    AdvanceTime,
    CashDeposit,
    CashTransfer,
    CashWithdraw,
    CashWithdrawEnd,
    Command,
    DayOpen,
    DayStep,
    InstrumentList,
    InstrumentRatesSet,
    InstrumentStateSet,
    OrderCancel,
    OrderQuery,
    OrderSubmit,
    SettlementPriceSet,
    VenueSet,
)
from engine.core.events import Event, TimeAdvanced
from engine.core.instrument import Instrument
from engine.core.state import State
from engine.core.views import AccountView, DepthView, InstrumentView, OrderView

DEPTH_MAX = 100


def _time_advance(state: State, command: AdvanceTime) -> None:
    state.out.append(TimeAdvanced())


HANDLERS: dict[type[Any], Callable[[State, Any], None]] = {
    OrderSubmit: orders.order_submit,
    OrderCancel: orders.order_cancel,
    OrderQuery: orders.order_query,
    AccountOpen: money.account_open,
    AccountGrant: money.account_grant,
    AccountFreeze: money.account_freeze,
    CashDeposit: money.cash_deposit,
    CashWithdraw: money.cash_withdraw,
    CashWithdrawEnd: money.cash_withdraw_end,
    CashTransfer: money.cash_transfer,
    InstrumentList: listing.instrument_list,
    InstrumentStateSet: listing.instrument_state_set,
    InstrumentRatesSet: listing.instrument_rates_set,
    SettlementPriceSet: day.settlement_price_set,
    DayStep: day.day_step,
    DayOpen: day.day_open,
    VenueSet: listing.venue_set,
    AdvanceTime: _time_advance,
}


class Applied:
    """What a batch came to. Events of command i are events[ends[i-1]:ends[i]]; the first of them is its answer.
    `finished` are the orders that left the core in it, as they left, for readers that still show them."""

    __slots__ = ("ends", "events", "finished")

    def __init__(self, events: list[Event], ends: list[int], finished: list[Order]) -> None:
        self.events = events
        self.ends = ends
        self.finished = finished

    def of(self, index: int) -> list[Event]:
        """The events of the batch's command `index`."""
        return self.events[self.ends[index - 1] if index else 0 : self.ends[index]]


class Engine:
    """One partition. `apply` is total: every command ends in an event, a refusal changes nothing."""

    __slots__ = ("state",)

    def __init__(self, state: State | None = None) -> None:
        self.state = state if state is not None else State()

    def apply(self, commands: Sequence[Command | None], first_seq: int, time: int) -> Applied:
        """Carry out a batch in order. `first_seq` follows the last sequence; `time` is ns UTC and never falls.

        None stands for a command the operator voided: it is answered and changes nothing.
        Raises ValueError when the sequence or the time does not join.
        """
        state = self.state
        if first_seq != state.seq + 1:
            raise ValueError(f"sequence {first_seq} does not follow {state.seq}")
        if time < state.time:
            raise ValueError(f"time {time} is before {state.time}")
        state.time = time
        events: list[Event] = []
        state.out = events
        finished: list[Order] = []
        state.finished = finished
        ends: list[int] = []
        handlers = HANDLERS
        seq = first_seq - 1
        for command in commands:
            seq += 1
            state.seq = seq
            if command is None:
                state.refuse(Code.COMMAND_VOIDED, order_id=seq)
            else:
                handlers[type(command)](state, command)
            ends.append(len(events))
        return Applied(events, ends, finished)

    @property
    def seq(self) -> int:
        return self.state.seq

    @property
    def time(self) -> int:
        return self.state.time

    @property
    def trading_day(self) -> int:
        return self.state.trading_day

    @property
    def step(self) -> int:
        return self.state.step

    @property
    def run_id(self) -> int:
        return self.state.run_id

    @property
    def cursor(self) -> int:
        return self.state.cursor

    @property
    def instruments(self) -> dict[str, Instrument]:
        return self.state.instruments

    @property
    def accounts(self) -> dict[int, Any]:
        return self.state.accounts

    @property
    def orders(self) -> dict[int, Order]:
        return self.state.orders

    def account_view(self, account_id: int) -> AccountView:
        """Raises KeyError for an unknown account."""
        return self.state.accounts[account_id].view()

    def instrument_view(self, instrument: str) -> InstrumentView:
        """Raises KeyError for an unknown instrument."""
        return self.state.instruments[instrument].view(self.state.trading_day)

    def depth_view(self, instrument: str, levels: int) -> DepthView:
        """The best `levels` (≤ DEPTH_MAX) levels of both sides. Raises KeyError for an unknown instrument."""
        book = self.state.instruments[instrument].book
        levels = min(levels, DEPTH_MAX)
        return DepthView(instrument, book.bids.depth(levels), book.asks.depth(levels))

    def order_view(self, order_id: int) -> OrderView:
        """A live order. Raises KeyError when it is finished or unknown."""
        return order_view_of(self.state.orders[order_id])

    def ledger_balances(self) -> dict[tuple[str, str], int]:
        """(currency, ledger account) → units, debit positive; sums to 0 per currency."""
        return invariants.ledger_balances(self.state)

    def check(self) -> list[str]:
        """Every invariant that does not hold; slow."""
        return invariants.faults(self.state)

    def dump(self) -> list[Any]:
        """The state as plain lists, ints, strings and bools in one canonical order."""
        return dump.state_dump(self.state)

    @staticmethod
    def load(plain: Sequence[Any]) -> Engine:
        """The engine whose dump this is. Raises ValueError for a dump of another version."""
        return Engine(dump.state_load(plain))


def order_view_of(order: Order) -> OrderView:
    """A live order, or a finished one as it left the core."""
    command, is_live = order.command, order.status == terms.LIVE
    margin, commission = _held(order) if is_live else (0, 0)
    return OrderView(
        order_id=order.order_id,
        account_id=command.account_id,
        instrument=command.instrument,
        side=order.side,
        offset=order.offset,
        kind=command.kind,
        time_in_force=command.time_in_force,
        price=order.price,
        volume=command.volume,
        left=order.left,
        client_order_id=command.client_order_id,
        post_only=command.post_only,
        budget=command.budget,
        status=order.status,
        code=order.code,
        accepted_at=order.accepted_at,
        frozen_margin=margin,
        frozen_commission=commission,
        filled=order.budget_filled if command.budget else command.volume - order.left,
    )


def _held(order: Order) -> tuple[int, int]:
    """(margin or locked coins, commission) a live order holds; a close holds lots, not money."""
    instrument = order.instrument
    if instrument.is_spot:
        per_lot = order.price * instrument.tick_money if order.side > 0 else instrument.base_lot
        return per_lot * order.left, 0
    if order.offset != terms.OPEN:
        return 0, 0
    return order.margin_lot * order.left, order.fee_lot * order.left

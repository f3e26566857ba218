"""Rows of account states, and which accounts a stretch of events touched.
Called by exchange/projecting.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from accounts.projected_writes import Handler, Moment, Reading, Row, Table, Upsert, Write
from engine.core import events, terms
from engine.core.engine import Engine

CURRENCY: Final = "CNY"
ACCOUNT_STATE = Table(
    "accounts_accountstate",
    ("account_id",),
    (
        "account_id", "owner", "currency", "scale", "freeze", "trading_day", "pre_balance", "deposit",
        "withdraw", "close_profit", "commission", "margin", "frozen_margin", "frozen_commission",
        "open_orders", "seq",
    ),
    is_upserted=True,
)  # fmt: skip
TABLES: Final = (ACCOUNT_STATE,)


class TouchedAccounts:
    """The accounts whose stored state a stretch of events may have changed, with the last such sequence."""

    def __init__(self) -> None:
        self._seq_of: dict[int, int] = {}
        self._chunk: tuple[int, int] = (0, 0)  # (sequence, cursor) of the chunk being told of
        # Chunks of the day's steps that change accounts without an event for each:
        # (first id, first id after it or 0, sequence), of accounts and of orders.
        self._account_chunks: list[tuple[int, int, int]] = []
        self._order_chunks: list[tuple[int, int, int]] = []

    def handlers(self) -> Mapping[type[Any], Handler]:
        one = (
            events.OrderAccepted, events.OrderEnded, events.AccountOpened, events.AccountGranted,
            events.AccountFrozen, events.CashMoved, events.PositionSettled, events.AccountSettled,
        )  # fmt: skip
        return {
            **dict.fromkeys(one, self._one),
            events.Trade: self._trade,
            events.DayStepDone: self._step,
        }

    def seq_of(self, engine: Engine) -> dict[int, int]:
        """account id → sequence of its last change; the engine stands at the end of the stretch."""
        for start, end, seq in self._account_chunks:
            for account_id in engine.accounts:
                if start <= account_id and (not end or account_id < end):
                    self._later(account_id, seq)
        for start, end, seq in self._order_chunks:
            for order_id, order in engine.orders.items():
                if start <= order_id and (not end or order_id < end):
                    self._later(order.account.account_id, seq)
        return self._seq_of

    def _later(self, account_id: int, seq: int) -> None:
        self._seq_of[account_id] = max(self._seq_of.get(account_id, 0), seq)

    def _one(self, event: Any, at: Moment) -> None:
        self._seq_of[event.account_id] = at.seq

    def _trade(self, event: events.Trade, at: Moment) -> None:
        self._seq_of[event.buy_account_id] = at.seq
        self._seq_of[event.sell_account_id] = at.seq

    def _step(self, event: events.DayStepDone, at: Moment) -> None:
        """The first of a command's two says where its chunk begins, the second where the next one does."""
        seq, start = self._chunk
        if seq != at.seq:
            self._chunk = at.seq, event.cursor
        elif event.step == terms.STEP_RATED:
            self._account_chunks.append((start, event.cursor, at.seq))
        elif event.step == terms.STEP_REVALIDATED:
            self._order_chunks.append((start, event.cursor, at.seq))


class AccountGatherer:
    """The stored state of every account touched, as the engine has it at the end."""

    def handlers(self) -> Mapping[type[Any], Handler]:
        return {}

    def writes(self, reading: Reading) -> list[Write]:
        scale = terms.CURRENCY_SCALES[CURRENCY]
        rows: list[Row] = []
        for view in reading.accounts:
            seq = reading.touched[view.account_id]
            rows.append(
                (view.account_id, view.owner, CURRENCY, scale, view.freeze, reading.day_of(seq), view.pre_balance,
                 view.deposit, view.withdraw, view.close_profit, view.commission, view.margin,
                 view.frozen_margin, view.frozen_commission, view.open_orders, seq)
            )  # fmt: skip
        return [Upsert(ACCOUNT_STATE, rows)]

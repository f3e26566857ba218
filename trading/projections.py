"""Rows of orders, trades, positions and wallets.
Called by exchange/projecting.py for every stretch of the journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

from accounts.projected_writes import (
    Handler,
    Insert,
    Moment,
    Purge,
    Reading,
    Row,
    Table,
    Update,
    Upsert,
    Write,
    copy_text,
)
from engine.core import events, terms, views

POSITION_FIELDS: Final = tuple(f.name for f in fields(views.PositionView))

ORDER_COLUMNS: Final = (
    "order_id", "trading_day", "account_id", "instrument", "client_order_id", "side", "offset", "kind",
    "time_in_force", "post_only", "price", "volume", "budget", "accepted_at",
    "left", "filled", "turnover", "fee", "trades", "status", "code", "updated_at", "seq",
)  # fmt: skip
ORDER_CHANGES: Final = (
    "trading_day", "order_id", "left", "filled", "turnover", "fee", "trades", "status", "code", "updated_at",
    "seq",
)  # fmt: skip
LEFT, FILLED, TURNOVER, FEE, TRADES, STATUS, CODE, UPDATED_AT, SEQ = range(9)  # of an order's figures

ORDER = Table(
    "trading_order",
    ("trading_day", "order_id"),
    ORDER_COLUMNS,
    merges={name: f"old.{name} + new.{name}" for name in ("filled", "turnover", "fee", "trades")},
    changes=ORDER_CHANGES,
)
TRADE = Table(
    "trading_trade",
    ("trading_day", "row_id"),
    (
        "row_id", "trade_id", "trading_day", "account_id", "order_id", "instrument", "side", "offset",
        "is_taker", "price", "volume", "notional", "fee", "close_profit", "closed_today", "time", "seq",
    ),
)  # fmt: skip
POSITION = Table(
    "trading_position",
    ("account_id", "instrument"),
    ("account_id", *POSITION_FIELDS, "seq"),
    is_upserted=True,
)
WALLET = Table(
    "trading_wallet",
    ("account_id", "asset"),
    ("account_id", "asset", "available", "locked", "seq"),
    is_upserted=True,
)
TABLES: Final = (ORDER, TRADE, POSITION, WALLET)

_position_values = attrgetter(*POSITION_FIELDS[1:])


class OrderGatherer:
    """Orders and trades, from events alone.

    `day_of`: the trading day on which an order was accepted, by its id."""

    def __init__(self, day_of: Callable[[int], int]) -> None:
        self._day_of = day_of
        self._new: dict[int, tuple[Row, list[int]]] = {}  # accepted here: fixed columns, figures
        self._old: dict[int, list[int]] = {}  # accepted before: figures as changes
        self._trades: list[Row] = []

    def handlers(self) -> Mapping[type[Any], Handler]:
        return {
            events.OrderAccepted: self._accepted,
            events.Trade: self._trade,
            events.OrderEnded: self._ended,
        }

    def writes(self, reading: Reading) -> list[Write]:
        new = [(*fixed, *figures) for fixed, figures in self._new.values()]
        day_of = self._day_of
        old = [(day_of(order_id), order_id, *figures) for order_id, figures in self._old.items()]
        return [Insert(ORDER, new), Update(ORDER, old), Insert(TRADE, self._trades)]

    def _accepted(self, event: events.OrderAccepted, at: Moment) -> None:
        fixed = (
            event.order_id, at.trading_day, event.account_id, copy_text(event.instrument),
            copy_text(event.client_order_id), event.side, event.offset, event.kind, event.time_in_force,
            event.post_only, event.price, event.volume, event.budget, at.time,
        )  # fmt: skip
        self._new[event.order_id] = fixed, [event.volume, 0, 0, 0, 0, terms.LIVE, 0, at.time, at.seq]

    def _figures(self, order_id: int) -> list[int]:
        known = self._new.get(order_id)
        if known is not None:
            return known[1]
        figures = self._old.get(order_id)
        if figures is None:
            figures = self._old[order_id] = [0] * 9
        return figures

    def _fill(self, order_id: int, left: int, trade: events.Trade, fee: int, at: Moment) -> None:
        figures = self._figures(order_id)
        figures[LEFT] = left
        figures[FILLED] += trade.volume
        figures[TURNOVER] += trade.notional
        figures[FEE] += fee
        figures[TRADES] += 1
        # A budget order has nothing left by lots from the start; it never rests and ends by OrderEnded.
        figures[STATUS] = terms.LIVE if left else terms.FILLED
        figures[UPDATED_AT] = at.time
        figures[SEQ] = at.seq

    def _trade(self, event: events.Trade, at: Moment) -> None:
        self._fill(event.buy_order_id, event.buy_left, event, event.buy_fee, at)
        self._fill(event.sell_order_id, event.sell_left, event, event.sell_fee, at)
        trade_id, day, time, seq = event.trade_id, at.trading_day, at.time, at.seq
        name = copy_text(event.instrument)
        self._trades.append(
            (2 * trade_id, trade_id, day, event.buy_account_id, event.buy_order_id, name, terms.BUY,
             event.buy_offset, event.taker_side == terms.BUY, event.price, event.volume, event.notional,
             event.buy_fee, event.buy_close_profit, event.buy_closed_today, time, seq)
        )  # fmt: skip
        self._trades.append(
            (2 * trade_id + 1, trade_id, day, event.sell_account_id, event.sell_order_id, name, terms.SELL,
             event.sell_offset, event.taker_side == terms.SELL, event.price, event.volume, event.notional,
             event.sell_fee, event.sell_close_profit, event.sell_closed_today, time, seq)
        )  # fmt: skip

    def _ended(self, event: events.OrderEnded, at: Moment) -> None:
        figures = self._figures(event.order_id)
        figures[LEFT] = event.left
        figures[STATUS] = event.status
        figures[CODE] = event.code
        figures[UPDATED_AT] = at.time
        figures[SEQ] = at.seq


class HoldingGatherer:
    """Positions and wallets of every account touched, as the engine has them at the end."""

    def handlers(self) -> Mapping[type[Any], Handler]:
        return {}

    def writes(self, reading: Reading) -> list[Write]:
        positions: list[Row] = []
        wallets: list[Row] = []
        for view in reading.accounts:
            account_id = view.account_id
            seq = reading.touched[account_id]
            positions += [
                (account_id, copy_text(held.instrument), *_position_values(held), seq)
                for held in view.positions
            ]
            wallets += [(account_id, w.asset, w.available, w.locked, seq) for w in view.wallets]
        return [
            Upsert(POSITION, positions),
            # What an account no longer holds was not brought by the upsert.
            Purge(POSITION, "account_id", reading.touched),
            Upsert(WALLET, wallets),
        ]

"""The rows the journal leads to, made by the projections themselves in temporary tables of one transaction.
Called by exchange/reconcile/run.py; the tables have the real ones' names and hide them behind pg_temp."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from psycopg import Cursor, sql

from accounts.projected_writes import Insert, Row, Upsert, Write, copy_text, staging_prepare
from accounts.projections import AccountGatherer
from engine.core.engine import Engine
from engine.core.views import OrderView
from engine.process.projecting import Record
from engine.process.replica import Replica
from exchange.projecting import TABLES, TradingDays, rows_gather, rows_write, state_reading
from exchange.reconcile.tables import COMPARED
from market.projections import INSTRUMENT, TRADING_DAY, instrument_row
from trading.projections import ORDER, HoldingGatherer

EVENTS_A_STRETCH: Final = 20_000


class Expected:
    """Fills the temporary tables from a replay; `days` as the projector keeps them."""

    def __init__(self, cursor: Cursor[Any], *, stretch: int = EVENTS_A_STRETCH) -> None:
        self._cursor = cursor
        self._stretch = stretch
        self._days = TradingDays()
        self._waiting: list[Record] = []
        self._events = 0
        for comparison in COMPARED:
            self._cursor.execute(
                sql.SQL("CREATE TEMP TABLE {0} (LIKE public.{0} INCLUDING INDEXES) ON COMMIT DROP").format(
                    sql.Identifier(comparison.table.name)
                )
            )
        staging_prepare(cursor, TABLES)

    def begin(self, replica: Replica) -> None:
        """The state a snapshot gives, when the replay does not begin at the beginning."""
        engine = replica.engine
        if not engine.seq:
            return
        self._days_take(engine.seq)
        touched = dict.fromkeys(engine.accounts, engine.seq)
        reading = state_reading(engine, touched, self._days)
        instruments = [
            instrument_row(engine.instrument_view(name), engine.seq) for name in engine.instruments
        ]
        orders = [self._order_row(engine.order_view(order_id), engine) for order_id in engine.orders]
        writes: list[Write] = [
            Upsert(INSTRUMENT, instruments),
            Insert(ORDER, orders),
            *HoldingGatherer().writes(reading),
            *AccountGatherer().writes(reading),
        ]
        for write in writes:
            write.apply(self._cursor)
        self._staging_empty()

    def add(self, replica: Replica, record: Record) -> None:
        """One more record; the replica stands at its end."""
        self._waiting.append(record)
        self._events += len(record.applied.events)
        if self._events >= self._stretch:
            self.flush(replica.engine)

    def flush(self, engine: Engine) -> None:
        """Write what waits."""
        if not self._waiting:
            return
        prepared = rows_gather(self._waiting, engine, self._days)
        # Temporary tables are in one piece: no partition is made for a day.
        rows_write(self._cursor, replace(prepared, days_opened=[]))
        self._waiting, self._events = [], 0
        self._staging_empty()

    def _staging_empty(self) -> None:
        """A projector's staging tables are emptied by its commits; here everything is one transaction."""
        for table in TABLES:
            for name in (table.staging,) * table.is_upserted + (table.staging_changes,) * bool(table.changes):
                self._cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))

    def _days_take(self, seq: int) -> None:
        """A snapshot does not know when earlier days were opened: those rows are taken as they are."""
        self._cursor.execute(
            "SELECT trading_day, opened_at, seq FROM public.market_tradingday WHERE seq <= %s ORDER BY seq",
            (seq,),
        )
        rows: Iterable[Row] = self._cursor.fetchall()
        self._days = TradingDays([(opened, trading_day) for trading_day, _, opened in rows])
        Insert(TRADING_DAY, list(rows)).apply(self._cursor)

    def _order_row(self, view: OrderView, engine: Engine) -> Row:
        """A live order of the snapshot; what its earlier trades came to is not in it (0)."""
        return (
            view.order_id, self._days.of(view.order_id), view.account_id, copy_text(view.instrument),
            copy_text(view.client_order_id), view.side, view.offset, view.kind, view.time_in_force,
            view.post_only, view.price, view.volume, view.budget, view.accepted_at,
            view.left, view.volume - view.left, 0, 0, 0, view.status, view.code, view.accepted_at, engine.seq,
        )  # fmt: skip

"""The projector: rows of every app derived from the journal, each sequence exactly once.
Composition root of the apps' projections.py; given to the follower, used by reconcile and rebuild."""

from __future__ import annotations

import logging
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final

import psycopg
import redis
from django.apps import apps
from django.conf import settings
from psycopg import Connection, Cursor, sql

import accounts.projections
import market.projections
import settlement.projections
import trading.projections
from accounts.projected import ProjectedModel
from accounts.projected_writes import (
    Gatherer,
    Handler,
    Moment,
    Reading,
    Row,
    Upsert,
    Write,
    staging_prepare,
)
from accounts.projections import AccountGatherer, TouchedAccounts
from engine import messages
from engine.core import events
from engine.core.engine import Engine
from engine.journal.faults import reach
from engine.live.keys import projected_key
from engine.process.projecting import ProjectorLost, Record
from market.partitions import day_partitions_make
from market.projections import BAR, InstrumentGatherer, TapeGatherer
from settlement.projections import LedgerGatherer
from trading.projections import HoldingGatherer, OrderGatherer

logger = logging.getLogger(__name__)

PARTITION: Final = 0
LOCK_KEY: Final = 0x4F55_5443_5259_0000 + PARTITION  # "OUTCRY", then the partition
CONNECT_TIMEOUT_S: Final = 5
STATEMENT_TIMEOUT_MS: Final = 60_000
REDIS_TIMEOUT_S: Final = 1.0
PAUSE_S: Final = 0.03  # between commits of a running venue: fewer and larger ones cost far less
TABLES: Final = (
    *accounts.projections.TABLES,
    *market.projections.TABLES,
    *trading.projections.TABLES,
    *settlement.projections.TABLES,
)


class TradingDays:
    """Which trading day a sequence belongs to: the last one opened before it."""

    def __init__(self, opened: Sequence[tuple[int, int]] = ()) -> None:
        ordered = sorted(opened)
        self._seqs = [seq for seq, _ in ordered]
        self._days = [day for _, day in ordered]

    def add(self, seq: int, trading_day: int) -> None:
        """Day `trading_day` was opened by command `seq`; a repeat changes nothing."""
        if not self._seqs or seq > self._seqs[-1]:
            self._seqs.append(seq)
            self._days.append(trading_day)

    def of(self, seq: int) -> int:
        """0 before the first day."""
        place = bisect_left(self._seqs, seq)
        return self._days[place - 1] if place else 0


@dataclass(slots=True)
class Prepared:
    """The rows of the records from `after_seq` (exclusive) to `seq`, ready to be written."""

    after_seq: int
    seq: int
    epoch: int
    time: int
    event_hash: bytes
    days_opened: list[int]
    writes: list[Write]


@dataclass(slots=True)
class Committed:
    """What a commit tells the world outside PostgreSQL: how far history reaches, and the bars it grew."""

    seq: int
    bars: Sequence[Row] = field(default_factory=list)


def rows_gather(records: Sequence[Record], engine: Engine, days: TradingDays) -> Prepared:
    """Every app's rows for consecutive `records`; `engine` stands exactly at the end of the last."""
    first, last = records[0].batch, records[-1].batch
    if engine.seq != last.last_seq:
        raise ValueError(f"the engine stands at {engine.seq}, the records end at {last.last_seq}")
    touched = TouchedAccounts()
    gatherers: list[Gatherer] = [
        InstrumentGatherer(),
        TapeGatherer(),
        OrderGatherer(days.of),
        HoldingGatherer(),
        LedgerGatherer(),
        AccountGatherer(),
    ]
    opened = _events_pass(records, days, _handlers_join([touched, *gatherers]))
    seq_of = touched.seq_of(engine)
    reading = state_reading(engine, seq_of, days)
    return Prepared(
        after_seq=first.first_seq - 1,
        seq=last.last_seq,
        epoch=last.epoch,
        time=last.time,
        event_hash=records[-1].event_hash,
        days_opened=opened,
        writes=[write for gatherer in gatherers for write in gatherer.writes(reading)],
    )


def state_reading(engine: Engine, touched: Mapping[int, int], days: TradingDays) -> Reading:
    """What the gatherers may ask at the end of a stretch; `touched` as in Reading."""
    views = [engine.account_view(account_id) for account_id in touched]
    return Reading(engine, engine.seq, touched, views, days.of)


def _handlers_join(sources: Sequence[Any]) -> dict[type[Any], tuple[Handler, ...]]:
    joined: dict[type[Any], list[Handler]] = defaultdict(list)
    for source in sources:
        handlers: Mapping[type[Any], Handler] = source.handlers()
        for kind, handler in handlers.items():
            joined[kind].append(handler)
    return {kind: tuple(handlers) for kind, handlers in joined.items()}


def _events_pass(
    records: Sequence[Record], days: TradingDays, handlers: Mapping[type[Any], tuple[Handler, ...]]
) -> list[int]:
    """Feed every event to its handlers, in order; the trading days that were opened on the way."""
    opened: list[int] = []
    at = Moment(trading_day=days.of(records[0].batch.first_seq))
    for record in records:
        at.time = record.batch.time
        happened = record.applied.events
        start = 0
        for seq, end in enumerate(record.applied.ends, record.batch.first_seq):
            at.seq = seq
            for event in happened[start:end]:
                if type(event) is events.DayOpened:
                    at.trading_day = event.trading_day
                    days.add(seq, event.trading_day)
                    opened.append(event.trading_day)
                for handler in handlers.get(type(event), ()):
                    handler(event, at)
            start = end
    return opened


def rows_write(cursor: Cursor[Any], prepared: Prepared) -> Sequence[Row]:
    """Write inside the caller's transaction; the bars it grew, as they are now."""
    bars: Sequence[Row] = ()
    for trading_day in prepared.days_opened:
        day_partitions_make(cursor, trading_day)
    for write in prepared.writes:
        returned = write.apply(cursor)
        if isinstance(write, Upsert) and write.table is BAR:
            bars = returned
    return bars


def progress_move(cursor: Cursor[Any], prepared: Prepared) -> None:
    """Progress by compare-and-set, first in the transaction. Raises ProjectorLost when it moved."""
    cursor.execute(
        "UPDATE market_progress SET seq = %s, epoch = %s, time = %s, event_hash = %s"
        " WHERE partition = %s AND seq = %s",
        (prepared.seq, prepared.epoch, prepared.time, prepared.event_hash, PARTITION, prepared.after_seq),
    )
    if cursor.rowcount != 1:
        raise ProjectorLost(f"progress is not at {prepared.after_seq}: another projector has moved it")


class VenueProjector:
    """engine.process.projecting.Projector over PostgreSQL; tells Redis how far it is, when there is a Redis.

    The right to project is a session's advisory lock and, in each transaction, the progress row: a session
    that lost its lock unnoticed cannot write what another has written.

    announce: called after each commit · pause_s: the least time between two commits."""

    def __init__(
        self,
        database_url: str,
        announce: Callable[[Committed], None] = lambda committed: None,
        *,
        pause_s: float = 0.0,
    ) -> None:
        self._database_url = database_url
        self._pause_s = pause_s
        self._committed_at = 0.0
        self._announce = announce
        self._connection: Connection[Any] | None = None
        self._days = TradingDays()

    def acquire(self) -> bool:
        """Take the right; False when another holds it or PostgreSQL is away (the log says which)."""
        self.release()
        try:
            connection = connect(self._database_url)
        except psycopg.OperationalError as error:
            logger.warning("projector: PostgreSQL is away: %s", str(error).strip())
            return False
        try:
            if not _lock(connection):
                connection.close()
                return False
            self._days = _progress_prepare(connection)
            staging_prepare(connection.cursor(), TABLES)
        except psycopg.Error as error:
            logger.warning("projector: PostgreSQL refused: %s", str(error).strip())
            connection.close()
            return False
        self._connection = connection
        return True

    def applied_seq(self) -> int:
        """The last sequence whose rows are committed. Raises ProjectorLost without the right."""
        connection = self._held()
        try:
            row = connection.execute(
                "SELECT seq FROM market_progress WHERE partition = %s", (PARTITION,)
            ).fetchone()
        except psycopg.OperationalError as error:
            raise ProjectorLost(str(error)) from error
        if row is None:
            raise ProjectorLost("the progress row is gone")
        return int(row[0])

    def prepare(self, records: Sequence[Record], engine: Engine) -> Prepared:
        """Gather the rows of consecutive, unprojected records. No I/O; keeps nothing but the opened days."""
        return rows_gather(records, engine, self._days)

    def commit(self, prepared: Prepared) -> None:
        """Write the rows and move progress in one transaction, then tell Redis.

        Raises ProjectorLost when progress moved or the session is gone, the lock with it; ProjectionDamaged;
        whatever else PostgreSQL refuses. Each time nothing was written (a lost session: nothing, or all)."""
        connection = self._held()
        reach("projector.before_commit")
        time.sleep(max(0.0, self._committed_at + self._pause_s - time.monotonic()))
        try:
            with connection.transaction(), connection.cursor() as cursor:
                progress_move(cursor, prepared)
                bars = rows_write(cursor, prepared)
                reach("projector.in_transaction")
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            self.release()
            raise ProjectorLost(f"PostgreSQL: {str(error).strip()}") from error
        self._committed_at = time.monotonic()
        reach("projector.after_commit")
        self._announce(Committed(prepared.seq, bars))

    def release(self) -> None:
        """Give the right back, with the session; harmless when it is not held."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def reset(self) -> None:
        """Empty every projected table and start again from sequence 0 (rebuild). Raises ProjectorLost."""
        connection = self._held()
        tables = sql.SQL(", ").join(sql.Identifier("public", name) for name in projected_tables())
        with connection.transaction():
            connection.execute(sql.SQL("TRUNCATE {}").format(tables))
            self._days = _progress_prepare(connection)

    def connection(self) -> Connection[Any]:
        """The session that holds the right; for rebuild and tests. Raises ProjectorLost."""
        return self._held()

    def _held(self) -> Connection[Any]:
        if self._connection is None or self._connection.closed:
            raise ProjectorLost("the right to project is not held")
        return self._connection


def projected_tables() -> list[str]:
    """Every projected model's table, progress included."""
    return sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, ProjectedModel))


def connect(database_url: str) -> Connection[Any]:
    """A session of the owner, in autocommit, that notices a server that went away."""
    connection = psycopg.connect(
        database_url,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_S,
        application_name="outcry projector",
        keepalives_idle=5,
        keepalives_interval=2,
        keepalives_count=3,
        tcp_user_timeout=10_000,
    )
    connection.execute(f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}")
    # Staging tables have no statistics: the planner might read whole partitions to change ten rows.
    connection.execute("SET enable_hashjoin = off")
    connection.execute("SET enable_mergejoin = off")
    connection.execute("SET client_min_messages = warning")
    return connection


def _lock(connection: Connection[Any]) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK_KEY,)).fetchone()
    return bool(row and row[0])


def _progress_prepare(connection: Connection[Any]) -> TradingDays:
    """Make sure there is a progress row, and read the trading days opened so far."""
    connection.execute(
        "INSERT INTO market_progress (partition, seq, epoch, time, event_hash) VALUES (%s, 0, 0, 0, %s)"
        " ON CONFLICT DO NOTHING",
        (PARTITION, bytes(32)),
    )
    return TradingDays(connection.execute("SELECT seq, trading_day FROM market_tradingday").fetchall())


def bars_key(stack_id: str) -> str:
    """Redis: a hash, instrument → its newest 1-minute bar as MessagePack of market.projections.BAR_FIELDS."""
    return f"bars:{stack_id}:{PARTITION}:open"


class RedisAnnouncer:
    """Tells Redis after each commit. Redis away: said once; a later commit tells everything anew."""

    def __init__(self, redis_url: str, stack_id: str) -> None:
        self._client = redis.Redis.from_url(
            redis_url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S
        )
        self._stack_id = stack_id
        self._newest: dict[str, Row] = {}
        self._is_away = False

    def __call__(self, committed: Committed) -> None:
        grown = {}
        for row in sorted(committed.bars, key=_BAR_AGE):
            grown[str(row[0])] = row
        self._newest |= grown
        try:
            pipe = self._client.pipeline(transaction=True)
            bars = self._newest if self._is_away else grown
            if bars:
                packed: dict[Any, Any] = {
                    name: messages.wire_encode(_bar_plain(row)) for name, row in bars.items()
                }
                pipe.hset(bars_key(self._stack_id), mapping=packed)
            pipe.set(projected_key(self._stack_id), committed.seq)
            pipe.execute()
        except (redis.RedisError, OSError) as error:
            if not self._is_away:
                logger.warning("projector: Redis is away: %s", error)
            self._is_away = True
        else:
            self._is_away = False


_BAR_AGE = itemgetter(BAR.columns.index("trading_day"), BAR.columns.index("start"))


def _bar_plain(row: Row) -> list[Any]:
    return [value if isinstance(value, str) else int(value) for value in row]


def projector_make() -> VenueProjector:
    """The projector of this venue, from the settings."""
    announcer = RedisAnnouncer(settings.REDIS_URL, settings.OUTCRY_STACK_ID)
    return VenueProjector(settings.DATABASE_OWNER_URL, announcer, pause_s=PAUSE_S)

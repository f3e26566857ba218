"""What a projection hands over, rows as tuples by table, and how they reach PostgreSQL: by COPY.
Made by every app's projections.py, applied by exchange/projecting.py inside one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from psycopg import Cursor, sql

from engine.core.views import AccountView

if TYPE_CHECKING:
    from engine.core.engine import Engine

Row = tuple[Any, ...]
ROWS_A_WRITE = 5_000  # rows joined into one piece of COPY text


class ProjectionDamaged(RuntimeError):
    """A row the journal says must be there is not: someone else wrote. `manage.py rebuild` makes it anew."""


@dataclass(slots=True)
class Moment:
    """Where a pass over events stands: the command's sequence, the batch's time (ns UTC), the trading day."""

    seq: int = 0
    time: int = 0
    trading_day: int = 0


@dataclass(slots=True)
class Reading:
    """The state at the end of a stretch of the journal: the engine stands exactly at `seq`.

    touched: accounts whose stored state may have changed, with the sequence of the last change ·
    accounts: their views · day_of: the trading day a sequence belongs to."""

    engine: Engine
    seq: int
    touched: Mapping[int, int]
    accounts: Sequence[AccountView]
    day_of: Callable[[int], int]


Handler = Callable[[Any, Moment], None]


class Gatherer(Protocol):
    """One app's half of `Projector.prepare`: fed every event of its types, then asked for its rows."""

    def handlers(self) -> Mapping[type[Any], Handler]:
        """What to call for which class of event."""
        ...

    def writes(self, reading: Reading) -> list[Write]:
        """The rows, after the last event. Reads, never waits."""
        ...


@dataclass(frozen=True, slots=True)
class Table:
    """A projected table as COPY sees it. `merges`: what an upsert does with a column other than replace it,
    in SQL over `old` (the row there) and `new` (the row brought)."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    merges: Mapping[str, str] = field(default_factory=dict)
    partitioned: bool = False

    @property
    def line(self) -> str:
        """One line of COPY text, as a % template."""
        return "\t".join(["%s"] * len(self.columns)) + "\n"


class Write(Protocol):
    """A change of one table. `table` names it; `apply` is called once, inside the transaction."""

    table: Table

    def apply(self, cursor: Cursor[Any]) -> Sequence[Row]:
        """Write; the rows as they are afterwards where the write was asked to return them, else ()."""
        ...


def copy_text(value: str) -> str:
    """`value` as COPY's text form wants it."""
    if "\\" not in value and value.isprintable():
        return value
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def names_sql(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def copy_rows(
    cursor: Cursor[Any], target: str, columns: Sequence[str], line: str, rows: Sequence[Row]
) -> None:
    """COPY `rows`; their texts have gone through `copy_text`."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(target), names_sql(columns))
    with cursor.copy(statement) as copy:
        for start in range(0, len(rows), ROWS_A_WRITE):
            copy.write("".join([line % row for row in rows[start : start + ROWS_A_WRITE]]))


def staging_make(cursor: Cursor[Any], table: str, columns: Sequence[str], name: str) -> None:
    """The session's staging table of these columns; emptied by every commit."""
    cursor.execute(
        sql.SQL(
            "CREATE TEMP TABLE IF NOT EXISTS {} ON COMMIT DELETE ROWS AS SELECT {} FROM {} WITH NO DATA"
        ).format(sql.Identifier(name), names_sql(columns), sql.Identifier(table))
    )


@dataclass(slots=True)
class Insert:
    """New rows of an append-only table: COPY straight in. A key that is there already is an error, for the
    progress row has made sure that nothing is projected twice."""

    table: Table
    rows: list[Row]

    def apply(self, cursor: Cursor[Any]) -> Sequence[Row]:
        if self.rows:
            copy_rows(cursor, self.table.name, self.table.columns, self.table.line, self.rows)
        return ()


@dataclass(slots=True)
class Upsert:
    """Rows that replace, or by `Table.merges` are merged into, those of the same key; keys differ."""

    table: Table
    rows: list[Row]
    returning: bool = False

    def apply(self, cursor: Cursor[Any]) -> Sequence[Row]:
        if not self.rows:
            return ()
        table = self.table
        staging = f"staging_{table.name}"
        staging_make(cursor, table.name, table.columns, staging)
        copy_rows(cursor, staging, table.columns, table.line, self.rows)
        cursor.execute(upsert_sql(table, staging, self.returning))
        return cursor.fetchall() if self.returning else ()


def upsert_sql(table: Table, staging: str, returning: bool) -> sql.Composed:
    """INSERT … SELECT … ON CONFLICT (key) DO UPDATE SET …"""
    sets = []
    for name in table.columns:
        if name in table.key:
            continue
        value = table.merges.get(name, f'new."{name}"').replace("new.", "excluded.")
        sets.append(sql.SQL("{} = {}").format(sql.Identifier(name), sql.SQL(value)))
    statement = sql.SQL(
        "INSERT INTO {} AS old ({}) SELECT {} FROM {} ON CONFLICT ({}) DO UPDATE SET {}"
    ).format(
        sql.Identifier(table.name),
        names_sql(table.columns),
        names_sql(table.columns),
        sql.Identifier(staging),
        names_sql(table.key),
        sql.SQL(", ").join(sets),
    )
    if returning:
        qualified = sql.SQL(", ").join(
            sql.SQL("old.{}").format(sql.Identifier(name)) for name in table.columns
        )
        statement += sql.SQL(" RETURNING ") + qualified
    return statement


@dataclass(slots=True)
class Update:
    """Changes of rows that must be there. `columns` are the key, then what changes (by `Table.merges`)."""

    table: Table
    columns: tuple[str, ...]
    rows: list[Row]

    def apply(self, cursor: Cursor[Any]) -> Sequence[Row]:
        """Raises ProjectionDamaged when a row is not there."""
        if not self.rows:
            return ()
        staging = f"staging_{self.table.name}_change"
        staging_make(cursor, self.table.name, self.columns, staging)
        line = "\t".join(["%s"] * len(self.columns)) + "\n"
        copy_rows(cursor, staging, self.columns, line, self.rows)
        cursor.execute(self._statement(staging))
        if cursor.rowcount != len(self.rows):
            missing = len(self.rows) - cursor.rowcount
            raise ProjectionDamaged(
                f"{self.table.name}: {missing} of {len(self.rows)} rows to change are missing"
            )
        return ()

    def _statement(self, staging: str) -> sql.Composed:
        table = self.table
        sets = [
            sql.SQL("{} = {}").format(
                sql.Identifier(name),
                sql.SQL(table.merges.get(name, f'new."{name}"')),
            )
            for name in self.columns
            if name not in table.key
        ]
        keys = [sql.SQL("old.{0} = new.{0}").format(sql.Identifier(name)) for name in table.key]
        return sql.SQL("UPDATE {} AS old SET {} FROM {} AS new WHERE {}").format(
            sql.Identifier(table.name),
            sql.SQL(", ").join(sets),
            sql.Identifier(staging),
            sql.SQL(" AND ").join(keys),
        )


@dataclass(slots=True)
class Purge:
    """Takes away the rows of owners that changed which the upsert before it did not bring.

    `owners`: value of `column` → sequence of its last change, which every row brought carries as `seq`."""

    table: Table
    column: str
    owners: Mapping[int, int]

    def apply(self, cursor: Cursor[Any]) -> Sequence[Row]:
        if self.owners:
            cursor.execute(
                sql.SQL(
                    "DELETE FROM {} AS old USING unnest(%s::bigint[], %s::bigint[]) AS owner (id, seq)"
                    " WHERE old.{} = owner.id AND old.seq < owner.seq"
                ).format(sql.Identifier(self.table.name), sql.Identifier(self.column)),
                (list(self.owners), list(self.owners.values())),
            )
        return ()

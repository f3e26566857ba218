"""What a projection hands over, rows as tuples by table, and how they reach PostgreSQL: by COPY.
Made by every app's projections.py, applied by exchange/projecting.py inside one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from psycopg import Cursor

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


@dataclass(frozen=True, eq=False)
class Table:
    """A projected table as COPY sees it; one instance a table, made once.

    merges: what an upsert or update does with a column other than replace it, in SQL over `old` (the row there)
    and `new` (the row brought) · is_upserted: gets Upserts · changes: the columns of its Updates, key first."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    merges: Mapping[str, str] = field(default_factory=dict)
    is_upserted: bool = False
    changes: tuple[str, ...] = ()

    @property
    def staging(self) -> str:
        return f"staging_{self.name}"

    @property
    def staging_changes(self) -> str:
        return f"staging_{self.name}_changes"


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


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def copy_rows(cursor: Cursor[Any], target: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """COPY `rows`; their texts have gone through `copy_text`."""
    line = "\t".join(["%s"] * len(columns)) + "\n"
    with cursor.copy(f'COPY "{target}" ({_names(columns)}) FROM STDIN') as copy:
        for start in range(0, len(rows), ROWS_A_WRITE):
            copy.write("".join([line % row for row in rows[start : start + ROWS_A_WRITE]]))


def staging_prepare(cursor: Cursor[Any], tables: Iterable[Table]) -> None:
    """Make the session's staging tables; each commit empties them."""
    for table in tables:
        if table.is_upserted:
            _staging_make(cursor, table.staging, table.name, table.columns)
        if table.changes:
            _staging_make(cursor, table.staging_changes, table.name, table.changes)


def _staging_make(cursor: Cursor[Any], staging: str, table: str, columns: Sequence[str]) -> None:
    cursor.execute(
        f'CREATE TEMP TABLE IF NOT EXISTS "{staging}" ON COMMIT DELETE ROWS'
        f' AS SELECT {_names(columns)} FROM "{table}" WITH NO DATA'
    )


@dataclass(slots=True)
class Insert:
    """New rows of an append-only table: COPY straight in. A key that is there already is an error, for the
    progress row has made sure that nothing is projected twice."""

    table: Table
    rows: list[Row]

    def apply(self, cursor: Cursor[Any]) -> Sequence[Row]:
        if self.rows:
            copy_rows(cursor, self.table.name, self.table.columns, self.rows)
        return ()


@dataclass(slots=True)
class Upsert:
    """Rows that replace, or by `Table.merges` are merged into, those of the same key; keys differ.

    `returning`: apply returns them as they are afterwards."""

    table: Table
    rows: list[Row]
    returning: bool = False

    def apply(self, cursor: Cursor[Any]) -> Sequence[Row]:
        if not self.rows:
            return ()
        copy_rows(cursor, self.table.staging, self.table.columns, self.rows)
        cursor.execute(_upsert_sql(self.table, self.returning))
        return cursor.fetchall() if self.returning else ()


@cache
def _upsert_sql(table: Table, returning: bool) -> str:
    sets = ", ".join(
        f'"{name}" = ' + table.merges.get(name, f'new."{name}"').replace("new.", "excluded.")
        for name in table.columns
        if name not in table.key
    )
    columns = _names(table.columns)
    statement = (
        f'INSERT INTO "{table.name}" AS old ({columns}) SELECT {columns} FROM "{table.staging}"'
        f" ON CONFLICT ({_names(table.key)}) DO UPDATE SET {sets}"
    )
    if returning:
        statement += " RETURNING " + ", ".join(f'old."{name}"' for name in table.columns)
    return statement


@dataclass(slots=True)
class Update:
    """Changes (`Table.changes`) of rows that must be there."""

    table: Table
    rows: list[Row]

    def apply(self, cursor: Cursor[Any]) -> Sequence[Row]:
        """Raises ProjectionDamaged when a row is not there."""
        if not self.rows:
            return ()
        copy_rows(cursor, self.table.staging_changes, self.table.changes, self.rows)
        cursor.execute(_update_sql(self.table))
        if cursor.rowcount != len(self.rows):
            missing = len(self.rows) - cursor.rowcount
            raise ProjectionDamaged(
                f"{self.table.name}: {missing} of {len(self.rows)} rows to change are missing"
            )
        return ()


@cache
def _update_sql(table: Table) -> str:
    sets = ", ".join(
        f'"{name}" = ' + table.merges.get(name, f'new."{name}"')
        for name in table.changes
        if name not in table.key
    )
    keys = " AND ".join(f'old."{name}" = new."{name}"' for name in table.key)
    return f'UPDATE "{table.name}" AS old SET {sets} FROM "{table.staging_changes}" AS new WHERE {keys}'


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
                f'DELETE FROM "{self.table.name}" AS old'
                " USING unnest(%s::bigint[], %s::bigint[]) AS owner (id, seq)"
                f' WHERE old."{self.column}" = owner.id AND old.seq < owner.seq',
                (list(self.owners), list(self.owners.values())),
            )
        return ()

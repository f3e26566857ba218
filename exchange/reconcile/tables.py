"""Row by row, field by field: a projected table beside the temporary one the replay filled.
Called by exchange/reconcile/run.py inside its one snapshot transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Cursor, sql

from accounts.projected_writes import Table
from accounts.projections import ACCOUNT_STATE
from exchange.reconcile.findings import SHOWN_MAX, Difference, Finding
from market.bars import MINUTE_NS
from market.projections import BAR, INSTRUMENT, PUBLIC_TRADE, TRADING_DAY
from settlement.projections import DAILY, LEDGER
from trading.projections import ORDER, POSITION, TRADE, WALLET

ALL: Final = "TRUE"
SINCE: Final = "seq > %(from_seq)s"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a table is compared when the replay began at a snapshot.

    since: SQL, the rows that were replayed · ignored: fields a snapshot does not know, left out then."""

    table: Table
    since: str = ALL
    ignored: tuple[str, ...] = ()


COMPARED: Final = (
    Comparison(INSTRUMENT, ignored=("seq",)),
    Comparison(TRADING_DAY),
    Comparison(ACCOUNT_STATE, ignored=("seq", "trading_day")),
    Comparison(POSITION, ignored=("seq",)),
    Comparison(WALLET, ignored=("seq",)),
    Comparison(ORDER, "order_id > %(from_seq)s"),
    Comparison(TRADE, SINCE),
    Comparison(PUBLIC_TRADE, SINCE),
    # The minute the snapshot was taken in was replayed only in part.
    Comparison(BAR, "start > %(from_time)s"),
    Comparison(LEDGER, SINCE),
    Comparison(DAILY, SINCE),
)
# Orders older than the snapshot: those that were live then, and whatever else is called live now.
ORDERS_BEFORE: Final = Comparison(
    ORDER,
    "order_id <= %(from_seq)s AND (status = 0 OR order_id IN (SELECT order_id FROM pg_temp.trading_order))",
    ("turnover", "fee", "trades", "updated_at", "seq"),
)


def tables_compare(cursor: Cursor[Any], *, from_seq: int, from_time: int) -> list[Finding]:
    """One finding a table. `from_seq`, `from_time`: where the replay began, 0 at the very beginning."""
    limits = {"from_seq": from_seq, "from_time": from_time - from_time % MINUTE_NS}
    if not from_seq:
        return [_compare(cursor, Comparison(comparison.table), limits) for comparison in COMPARED]
    found = [_compare(cursor, comparison, limits) for comparison in COMPARED]
    before = _compare(cursor, ORDERS_BEFORE, limits)
    before.kind += " (older)"
    return [*found, before]


def _compare(cursor: Cursor[Any], comparison: Comparison, limits: dict[str, int]) -> Finding:
    table = comparison.table
    finding = Finding(table.name)
    values = [name for name in table.columns if name not in (*table.key, *comparison.ignored)]
    cursor.execute(_count_sql(comparison), limits)
    (finding.compared,) = cursor.fetchone() or (0,)
    cursor.execute(_differing_sql(comparison, values), limits)
    for row in cursor.fetchall():
        finding.first.append(_difference(table, values, row))
        finding.differing = row[0]
    return finding


def _count_sql(comparison: Comparison) -> sql.Composed:
    name = sql.Identifier(comparison.table.name)
    return sql.SQL("SELECT count(*) FROM pg_temp.{} WHERE {}").format(name, sql.SQL(comparison.since))


def _differing_sql(comparison: Comparison, values: Sequence[str]) -> sql.Composed:
    """count of all · is it there · is it expected · the key · the values there · the values expected."""
    table = comparison.table
    columns = sql.SQL(", ").join(map(sql.Identifier, (*table.key, *values)))
    keys = sql.SQL(", ").join(map(sql.Identifier, table.key))
    sides = [
        sql.SQL("SELECT {}, TRUE AS is_there FROM {}.{} WHERE {}").format(
            columns, sql.Identifier(schema), sql.Identifier(table.name), sql.SQL(comparison.since)
        )
        for schema in ("public", "pg_temp")
    ]
    there, expected = (
        sql.SQL("ARRAY[{}]::text[]").format(
            sql.SQL(", ").join(
                sql.SQL("{}.{}::text").format(sql.Identifier(side), sql.Identifier(v)) for v in values
            )
        )
        for side in ("there", "expected")
    )
    return sql.SQL(
        "SELECT count(*) OVER (), there.is_there, expected.is_there, ARRAY[{keys_text}]::text[], {there}, {expected}"
        " FROM ({left}) AS there FULL JOIN ({right}) AS expected USING ({keys})"
        " WHERE there.is_there IS NULL OR expected.is_there IS NULL OR {there} IS DISTINCT FROM {expected}"
        " ORDER BY {keys} LIMIT {limit}"
    ).format(
        keys_text=sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in table.key),
        keys=keys,
        there=there,
        expected=expected,
        left=sides[0],
        right=sides[1],
        limit=sql.Literal(SHOWN_MAX),
    )


def _difference(table: Table, values: Sequence[str], row: Sequence[Any]) -> Difference:
    """The first field that differs."""
    _, is_there, is_expected, key, there, expected = row
    said = " ".join(f"{name}={value}" for name, value in zip(table.key, key, strict=True))
    if not is_there or not is_expected:
        return Difference(
            said, "row", "there" if is_there else "missing", "there" if is_expected else "missing"
        )
    fields = [
        (name, one, other) for name, one, other in zip(values, there, expected, strict=True) if one != other
    ]
    names = ", ".join(name for name, _, _ in fields)
    return Difference(said, names, ", ".join(one for _, one, _ in fields), ", ".join(o for _, _, o in fields))

"""One reconciliation: history in one snapshot transaction, then live state at its head.
Called by `manage.py reconcile` and tests; changes nothing, takes no lock a venue would wait for."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import Connection, Cursor, IsolationLevel

from engine.journal import Journal
from engine.live import LiveReader
from engine.process.replica import Replica, replayed
from engine.snapshots import SnapshotStore
from exchange.projecting import CONNECT_TIMEOUT_S, PARTITION
from exchange.reconcile.expected import EVENTS_A_STRETCH, Expected
from exchange.reconcile.findings import Finding, Report
from exchange.reconcile.ledger import ledger_compare
from exchange.reconcile.live import live_compare
from exchange.reconcile.tables import tables_compare


def reconcile(
    *,
    database_url: str,
    journal: Journal,
    snapshots: SnapshotStore | None,
    reader: LiveReader | None,
    stretch: int = EVENTS_A_STRETCH,
) -> Report:
    """Compare everything. `snapshots` None: replay from the beginning; `reader` None: leave live state out;
    `stretch`: events replayed between two writes of the expected rows.

    Raises psycopg.Error, JournalError, ReplayDiffers, and ValueError when the journal does not reach back far
    enough or not as far as the rows."""
    with psycopg.connect(database_url, connect_timeout=CONNECT_TIMEOUT_S) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        report, replica = _history(connection, journal, snapshots, stretch)
        connection.rollback()
    if reader is not None:
        report.live_seq, findings = live_compare(replica, journal, reader)
        report.findings += findings
    return report


def _history(
    connection: Connection[Any], journal: Journal, snapshots: SnapshotStore | None, stretch: int
) -> tuple[Report, Replica]:
    cursor = connection.cursor()
    seq, event_hash = _progress(cursor)
    replica = Replica.restored(snapshots.newest(seq) if snapshots else None)
    from_seq, from_time = replica.seq, replica.engine.time
    expected = Expected(cursor, stretch=stretch)
    expected.begin(replica)
    for _, record in replayed(journal, None, seq, replica=replica):
        expected.add(replica, record)
    expected.flush(replica.engine)
    report = Report(seq, from_seq)
    report.findings.append(_hash_check(event_hash, replica))
    report.findings += tables_compare(cursor, from_seq=from_seq, from_time=from_time)
    report.findings += ledger_compare(cursor, replica.engine)
    report.findings.append(_invariants(replica))
    return report, replica


def _progress(cursor: Cursor[Any]) -> tuple[int, bytes]:
    """The first statement of the transaction: what it sees is what every later one sees."""
    cursor.execute("SELECT seq, event_hash FROM public.market_progress WHERE partition = %s", (PARTITION,))
    row = cursor.fetchone()
    return (0, bytes(32)) if row is None else (int(row[0]), bytes(row[1]))


def _hash_check(event_hash: bytes, replica: Replica) -> Finding:
    finding = Finding("event hash")
    finding.check(f"seq={replica.seq}", "hash", event_hash.hex(), replica.event_hash.hex())
    return finding


def _invariants(replica: Replica) -> Finding:
    finding = Finding("engine invariants")
    faults = replica.engine.check()
    finding.check("engine", "check", faults, [])
    return finding

"""P1's third leg: `reconcile` finds nothing where nothing is wrong, and every kind of tampering where it is."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from engine.live import LiveReader, LiveWriter
from engine.snapshots import SnapshotStore
from exchange.projecting import VenueProjector
from exchange.reconcile import Report, reconcile
from tests.app.projections.recorded import ACCOUNTS, Recorded, day_roll, trading, venue_open
from tests.support.servers import RedisServer


@pytest.fixture
def history(recorded: Recorded, projector: VenueProjector, tmp_path: Path) -> Recorded:
    """Two trading days projected in stretches, with a snapshot taken in the first."""
    venue_open(recorded)
    for part in range(4):
        trading(recorded, seed=part, batches=25)
        recorded.project(projector)
        if part == 1:
            SnapshotStore(tmp_path / "snapshots").write(recorded.replica.snapshot())
            day_roll(recorded, 20251202)
    return recorded


def run(recorded: Recorded, snapshots: Path | None = None, stretch: int = 200) -> Report:
    store = None if snapshots is None else SnapshotStore(snapshots)
    return reconcile(
        database_url=settings.DATABASE_OWNER_URL, journal=recorded.journal, snapshots=store, reader=None,
        stretch=stretch,
    )  # fmt: skip


def differing(report: Report) -> dict[str, int]:
    return {finding.kind: finding.differing for finding in report.findings if finding.differing}


def tamper(statement: str, *arguments: object) -> None:
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as connection:
        assert connection.execute(statement, arguments).rowcount == 1


def test_what_was_projected_is_what_the_journal_says(history: Recorded) -> None:
    report = run(history)
    assert differing(report) == {}
    compared = {finding.kind: finding.compared for finding in report.findings}
    assert (report.seq, report.from_seq) == (history.engine.seq, 0)
    assert compared["trading_trade"] == 2 * compared["market_publictrade"] > 200
    assert compared["accounts_accountstate"] == len(ACCOUNTS)
    assert compared["market_tradingday"] == 2


def test_from_a_snapshot_it_says_the_same(history: Recorded, tmp_path: Path) -> None:
    report = run(history, tmp_path / "snapshots")
    assert 0 < report.from_seq < report.seq
    assert differing(report) == {}


TAMPERINGS = {
    "a changed order": (
        "UPDATE trading_order SET price = price + 1 WHERE order_id = (SELECT max(order_id) FROM trading_order)",
        {"trading_order": 1},
    ),
    "an order called live": (
        "UPDATE trading_order SET status = 0 WHERE order_id ="
        " (SELECT min(order_id) FROM trading_order WHERE status = 1)",
        {"trading_order": 1},
    ),
    "a trade taken away": (
        "DELETE FROM trading_trade WHERE row_id = (SELECT max(row_id) FROM trading_trade)",
        {"trading_trade": 1},
    ),
    "a trade on the public tape": (
        "INSERT INTO market_publictrade (trading_day, trade_id, instrument, price, volume, notional, taker_side,"
        " open_interest, time, seq) SELECT trading_day, trade_id + 1000000, instrument, price, volume, notional,"
        " taker_side, open_interest, time, seq FROM market_publictrade"
        " WHERE trade_id = (SELECT max(trade_id) FROM market_publictrade)",
        {"market_publictrade": 1},
    ),
    "a bar's volume": (
        "UPDATE market_bar SET volume = volume + 1 WHERE (instrument, start) ="
        " (SELECT instrument, max(start) FROM market_bar WHERE instrument = 'CFFEX.IF2512' GROUP BY 1)",
        {"market_bar": 1},
    ),
    "an account's money": (
        "UPDATE accounts_accountstate SET pre_balance = pre_balance + 1 WHERE account_id = 80000001",
        {"accounts_accountstate": 1},
    ),
    "a position": (
        "UPDATE trading_position SET long_history = long_history + 1"
        " WHERE (account_id, instrument) = (SELECT account_id, instrument FROM trading_position LIMIT 1)",
        {"trading_position": 1},
    ),
    "a wallet": (
        "UPDATE trading_wallet SET available = available + 1 WHERE account_id = 80000002 AND asset = 'BTC'",
        {"trading_wallet": 1},
    ),
    "an instrument's margin": (
        "UPDATE market_instrument SET margin_long_ratio = 0 WHERE instrument = 'SHFE.cu2512'",
        {"market_instrument": 1},
    ),
    "a posting": (
        "UPDATE settlement_ledgerentry SET amount = amount + 1 WHERE (seq, line) = (SELECT seq, min(line)"
        " FROM settlement_ledgerentry WHERE account = 'client' AND seq = (SELECT max(seq) FROM"
        " settlement_ledgerentry) GROUP BY seq)",
        {"settlement_ledgerentry": 1, "ledger totals": 1, "ledger per account": 1, "ledger entries balance": 1},
    ),
    "a closed day": (
        "DELETE FROM settlement_dailyaccount WHERE account_id = 80000003",
        {"settlement_dailyaccount": 1},
    ),
    "the hash of events": (
        "UPDATE market_progress SET event_hash = '\\x00'",
        {"event hash": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERINGS)
def test_tampering_is_named(history: Recorded, tmp_path: Path, what: str) -> None:
    statement, expected = TAMPERINGS[what]
    tamper(statement)
    assert differing(run(history)) == expected
    if what != "an order called live":
        assert differing(run(history, tmp_path / "snapshots")) == expected


def test_from_a_snapshot_an_old_order_called_live_is_found(history: Recorded, tmp_path: Path) -> None:
    tamper(TAMPERINGS["an order called live"][0])
    assert differing(run(history, tmp_path / "snapshots")) == {"trading_order (older)": 1}


def test_a_difference_says_what_stands_there_and_what_should(history: Recorded) -> None:
    tamper("UPDATE accounts_accountstate SET owner = 7, commission = 1 WHERE account_id = 80000001")
    (finding,) = [finding for finding in run(history).findings if finding.differing]
    (difference,) = finding.first
    commission = history.engine.account_view(80000001).commission
    assert (difference.key, difference.field) == ("account_id=80000001", "owner, commission")
    assert (difference.there, difference.expected) == ("7, 1", f"80000001, {commission}")


def test_it_compares_at_the_projected_sequence_while_the_journal_goes_on(history: Recorded) -> None:
    projected = history.engine.seq
    trading(history, seed=99, batches=10)
    report = run(history)
    assert report.seq == projected < history.engine.seq
    assert differing(report) == {}


async def live_write(recorded: Recorded) -> None:
    writer = LiveWriter(settings.REDIS_URL, settings.OUTCRY_STACK_ID)
    await writer.rebuild(recorded.engine, recorded.epoch, "test")
    await writer.close()


@pytest.mark.parametrize("is_ahead", [False, True])
def test_live_state_is_compared_at_its_own_head(
    history: Recorded, redis_empty: RedisServer, is_ahead: bool
) -> None:
    from asgiref.sync import async_to_sync

    if is_ahead:
        trading(history, seed=7, batches=5)
    async_to_sync(live_write)(history)
    reader = LiveReader(settings.REDIS_URL, settings.OUTCRY_STACK_ID)
    report = reconcile(
        database_url=settings.DATABASE_OWNER_URL, journal=history.journal, snapshots=None, reader=reader
    )
    reader.close()
    assert differing(report) == {}
    assert report.live_seq == history.engine.seq
    compared = {finding.kind: finding.compared for finding in report.findings}
    assert compared["live accounts"] == len(ACCOUNTS)


def test_a_changed_live_account_is_found(history: Recorded, redis_empty: RedisServer) -> None:
    from asgiref.sync import async_to_sync

    engine = history.engine
    account = engine.accounts[80000004]
    account.deposit += 1
    async_to_sync(live_write)(history)
    account.deposit -= 1
    reader = LiveReader(settings.REDIS_URL, settings.OUTCRY_STACK_ID)
    report = reconcile(
        database_url=settings.DATABASE_OWNER_URL, journal=history.journal, snapshots=None, reader=reader
    )
    reader.close()
    assert differing(report) == {"live accounts": 1}
    (finding,) = [finding for finding in report.findings if finding.differing]
    assert finding.first[0].field == "deposit"


def test_the_command_ends_with_1_and_names_the_row(
    history: Recorded, projector_new: Callable[[], VenueProjector], tmp_path: Path, settings: object
) -> None:
    settings.JOURNAL_URL = f"file://{tmp_path}/journal"  # type: ignore[attr-defined]
    settings.DATA_DIR = tmp_path  # type: ignore[attr-defined]
    said = StringIO()
    call_command("reconcile", "--without-live", stdout=said)
    assert "no difference" in said.getvalue()
    tamper("UPDATE trading_wallet SET locked = locked + 5 WHERE account_id = 80000001 AND asset = 'USDT'")
    with pytest.raises(CommandError) as refused:
        call_command("reconcile", "--without-live", "--from-start", stdout=said)
    assert refused.value.returncode == 1
    assert "account_id=80000001 asset=USDT  locked: is " in said.getvalue()

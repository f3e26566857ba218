"""P6 for the projections: every sequence's rows are there exactly once, whatever is repeated, raced or cut."""

from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest
from django.conf import settings

from accounts.models import AccountState
from engine.core import terms
from engine.core.commands import InstrumentList
from engine.process.projecting import ProjectorLost
from exchange.projecting import VenueProjector
from market.models import Instrument, Progress, PublicTrade
from settlement.ledger import LedgerEntry
from tests.app.projections.recorded import (
    ACCOUNTS,
    BTC,
    IF,
    OPERATOR,
    SPECS,
    Recorded,
    day_roll,
    order,
    trading,
    venue_open,
)
from trading.models import Order, Position, Trade


def test_one_trade_makes_the_rows_it_should(recorded: Recorded, projector: VenueProjector) -> None:
    venue_open(recorded)
    buyer, seller, *_ = ACCOUNTS
    recorded.run(order(seller, IF, terms.SELL, 19_000, 3, client_order_id="maker"))
    recorded.run(order(buyer, IF, terms.BUY, 19_000, 2, client_order_id="taker"))
    recorded.project(projector)

    maker, taker = Order.objects.order_by("order_id")
    assert (maker.account_id, maker.volume, maker.left, maker.filled, maker.status) == (seller, 3, 1, 2, 0)
    assert (taker.account_id, taker.left, taker.filled, taker.status) == (buyer, 0, 2, terms.FILLED)
    assert (taker.client_order_id, taker.trading_day, taker.trades) == ("taker", 20251201, 1)
    turnover = 2 * 300 * 3800 * 10_000
    assert (taker.turnover, taker.fee) == (turnover, 524_400)  # 52.44 yuan, trading-rules.md §6
    buy, sell = Trade.objects.order_by("row_id")
    assert (buy.account_id, buy.side, buy.is_taker, buy.order_id) == (buyer, terms.BUY, True, taker.order_id)
    assert (sell.account_id, sell.side, sell.is_taker, sell.order_id) == (
        seller,
        terms.SELL,
        False,
        maker.order_id,
    )
    tape = PublicTrade.objects.get()
    assert (tape.price, tape.volume, tape.notional, tape.taker_side) == (19_000, 2, turnover, terms.BUY)
    assert tape.open_interest == 2
    held = Position.objects.get(account_id=buyer)
    assert (held.long_today, held.long_margin) == (2, 273_600 * 10_000)
    state = AccountState.objects.get(pk=buyer)
    assert (int(state.commission), int(state.margin)) == (524_400, 273_600 * 10_000)
    assert state.seq == recorded.engine.seq
    fees = LedgerEntry.objects.filter(seq=recorded.engine.seq, account="fees")
    assert [entry.amount for entry in fees] == [-524_400, -524_400]
    listed = Instrument.objects.get(pk=IF)
    assert (listed.last, listed.volume, listed.open_interest, listed.spec) == (
        19_000, 2, 2, recorded.engine.instrument_view(IF).spec,
    )  # fmt: skip
    assert Progress.objects.get().event_hash == recorded.replica.event_hash


def test_rows_do_not_depend_on_how_the_journal_is_cut(recorded: Recorded, projector: VenueProjector) -> None:
    venue_open(recorded)
    recorded.project(projector)
    for part in range(6):
        trading(recorded, seed=part, batches=20)
        if part == 3:
            day_roll(recorded, 20251202)
        recorded.project(projector)
    engine = recorded.engine
    assert {o.order_id: (o.left, o.volume - o.left) for o in Order.objects.filter(status=terms.LIVE)} == {
        order_id: (live.left, live.volume - live.left) for order_id, live in engine.orders.items()
    }
    for account in ACCOUNTS:
        view = engine.account_view(account)
        state = AccountState.objects.get(pk=account)
        names = ("pre_balance", "close_profit", "commission", "margin", "frozen_margin", "open_orders")
        assert [getattr(state, name) for name in names] == [getattr(view, name) for name in names]
        rows = {p.instrument: p for p in Position.objects.filter(account_id=account)}
        assert sorted(rows) == [p.instrument for p in view.positions]
        for position in view.positions:
            row = rows[position.instrument]
            assert (row.long_today, row.long_history, row.short_frozen_history, row.short_margin) == (
                position.long_today, position.long_history, position.short_frozen_history, position.short_margin,
            )  # fmt: skip
    assert Trade.objects.count() == 2 * PublicTrade.objects.count() > 100
    tape = PublicTrade.objects.filter(instrument=IF).order_by("-trade_id").first()
    assert tape is not None
    assert tape.open_interest == engine.instrument_view(IF).open_interest
    assert set(PublicTrade.objects.filter(instrument=BTC).values_list("open_interest", flat=True)) == {0}


def test_a_repeat_is_lost_cleanly(recorded: Recorded, projector: VenueProjector) -> None:
    venue_open(recorded)
    prepared = projector.prepare(recorded.take(), recorded.engine)
    projector.commit(prepared)
    entries = LedgerEntry.objects.count()
    with pytest.raises(ProjectorLost, match="progress is not at 0"):
        projector.commit(prepared)
    assert LedgerEntry.objects.count() == entries
    assert projector.applied_seq() == recorded.engine.seq


def test_a_gap_is_refused(recorded: Recorded, projector: VenueProjector) -> None:
    venue_open(recorded)
    recorded.take()
    recorded.run(order(ACCOUNTS[0], IF, terms.BUY, 19_000, 1))
    with pytest.raises(ProjectorLost):
        recorded.project(projector)
    assert not Order.objects.exists()


def test_only_one_projector_holds_the_right(projector_new: Callable[[], VenueProjector]) -> None:
    first, second = projector_new(), projector_new()
    assert first.acquire()
    assert not second.acquire()
    with pytest.raises(ProjectorLost):
        second.applied_seq()
    first.release()
    assert second.acquire()


def test_one_that_lost_its_session_cannot_write(
    recorded: Recorded, projector_new: Callable[[], VenueProjector]
) -> None:
    venue_open(recorded)
    paused, other = projector_new(), projector_new()
    assert paused.acquire()
    records = recorded.take()
    prepared = paused.prepare(records, recorded.engine)
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as killer:
        killer.execute("SELECT pg_terminate_backend(%s)", (paused.connection().info.backend_pid,))
    assert other.acquire()
    other.commit(other.prepare(records, recorded.engine))
    with pytest.raises(ProjectorLost):
        paused.commit(prepared)
    assert not paused.acquire()
    assert other.applied_seq() == recorded.engine.seq
    assert AccountState.objects.count() == len(ACCOUNTS)


def test_a_cut_between_prepare_and_commit_leaves_nothing(
    recorded: Recorded, projector_new: Callable[[], VenueProjector]
) -> None:
    venue_open(recorded)
    died = projector_new()
    assert died.acquire()
    records = recorded.take()
    died.prepare(records, recorded.engine)
    died.release()
    assert not Instrument.objects.exists()
    after = projector_new()
    assert after.acquire()
    assert after.applied_seq() == 0
    after.commit(after.prepare(records, recorded.engine))
    assert Instrument.objects.count() == 3


def test_a_write_that_fails_takes_its_whole_transaction_back(
    recorded: Recorded, projector: VenueProjector
) -> None:
    venue_open(recorded)
    records = recorded.take()
    damaged = projector.prepare(records, recorded.engine)
    damaged.writes += [write for write in damaged.writes if write.table.name == "settlement_ledgerentry"]
    with pytest.raises(psycopg.errors.UniqueViolation):
        projector.commit(damaged)
    assert projector.applied_seq() == 0
    assert not Instrument.objects.exists()
    projector.commit(projector.prepare(records, recorded.engine))
    assert Instrument.objects.count() == 3


def test_whatever_the_core_lists_can_be_projected(recorded: Recorded, projector: VenueProjector) -> None:
    """A value the core takes and a column does not would stop the projector for good."""
    venue_open(recorded)
    longest = "名\\\t\n" * 16
    spec = replace(
        SPECS[0], instrument=f"ABCDEFGH.{'x' * 24}", name=longest, product=longest, margin_group=longest,
        session_template=longest, base=longest, last_trading_day=terms.DAY_MAX, larger_side_until=terms.DAY_MAX,
    )  # fmt: skip
    recorded.run(InstrumentList(**OPERATOR, spec=spec))
    assert spec.instrument in recorded.engine.instruments
    recorded.project(projector)
    assert Instrument.objects.get(pk=spec.instrument).spec == spec

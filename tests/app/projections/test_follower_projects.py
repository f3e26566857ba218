"""The whole path: commands through the leader, projected by the follower, the same in Postgres and live state."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from accounts.http.envelope import ApiError
from engine.core import terms
from engine.core.codes import Code
from engine.live import live
from exchange.projecting import projector_make
from exchange.rebuilding import rebuild
from exchange.reconcile import Report, reconcile
from market.history import history_wait
from market.selectors import instruments_list, trading_days
from settlement.ledger_selectors import daily_accounts, ledger_balances, ledger_entries
from tests.support.servers import RedisServer
from tests.support.venue import IF, TRADING_DAY, Refused, Venue, order
from trading.selectors import (
    order_by_client_order_id,
    order_get,
    orders_list,
    positions_list,
    trades_list,
    wallets_list,
)

BUYER, SELLER = 80000001, 80000002


@pytest.fixture
def venue(tmp_path: Path, transactional_db: None, redis_empty: RedisServer) -> Iterator[Venue]:
    """A stepped venue whose follower projects; two funded accounts."""
    made = Venue(tmp_path, settings.REDIS_URL, settings.OUTCRY_STACK_ID, projector=projector_make())
    made.open_day()
    made.open_account(BUYER, USDT=10**12)
    made.open_account(SELLER, BTC=10**10)
    yield made
    made.close()


def compare(venue: Venue) -> Report:
    return reconcile(
        database_url=settings.DATABASE_OWNER_URL,
        journal=venue.journal,
        snapshots=venue.snapshots,
        reader=live(),
    )


def trade(venue: Venue) -> tuple[int, int]:
    """A seller's 3 lots, 2 of them bought: (maker's order id, taker's order id)."""
    maker, taker = venue.do(
        order(SELLER, terms.SELL, 19_000, 3, "m1", time_in_force=terms.GTC),
        order(BUYER, terms.BUY, 19_000, 2, "t1"),
    )
    return maker.seq, taker.seq


def test_live_state_and_history_agree_after_every_step(venue: Venue) -> None:
    trade(venue)
    venue.project()
    assert compare(venue).is_clean
    venue.do(order(BUYER, terms.BUY, 19_010, 5, "t2"))
    report = compare(venue)  # history is behind live state, each is right at its own sequence
    assert report.is_clean
    assert report.live_seq == venue.engine.seq > report.seq
    venue.run(as_coroutine(venue.follower.snapshot))
    venue.do(order(BUYER, terms.BUY, 18_990, 1, "t3"))
    venue.project()
    report = compare(venue)
    assert report.is_clean
    assert report.from_seq > 0


async def as_coroutine(call: object) -> None:
    call()  # type: ignore[operator]


def test_history_answers_what_was_done(venue: Venue) -> None:
    maker, taker = trade(venue)
    venue.project()
    assert history_wait(taker) == venue.engine.seq
    found = order_get(order_id=maker, account_ids=[SELLER])
    assert found is not None
    assert (found.left, found.filled, found.status, found.trading_day) == (1, 2, terms.LIVE, TRADING_DAY)
    assert order_get(order_id=maker, account_ids=[BUYER]) is None
    by_client = order_by_client_order_id(account_id=BUYER, client_order_id="t1")
    assert by_client is not None
    assert by_client.order_id == taker
    assert [o.order_id for o in orders_list(account_ids=[BUYER, SELLER])] == [taker, maker]
    assert [o.order_id for o in orders_list(account_ids=[BUYER, SELLER], before_order_id=taker)] == [maker]
    assert orders_list(account_ids=[BUYER, SELLER], statuses=[terms.LIVE])[0].order_id == maker
    assert orders_list(account_ids=[BUYER], instrument="SHFE.cu2512") == []
    (own,) = trades_list(account_ids=[BUYER])
    assert (own.order_id, own.side, own.price, own.volume, own.is_taker) == (
        taker,
        terms.BUY,
        19_000,
        2,
        True,
    )
    assert trades_list(account_ids=[SELLER], order_id=taker) == []
    assert [p.long_today for p in positions_list(account_ids=[BUYER])] == [2]
    assert {w.asset: w.available for w in wallets_list(account_ids=[BUYER, SELLER])} == {
        "USDT": 10**12, "BTC": 10**10,
    }  # fmt: skip
    assert [i.instrument for i in instruments_list(instrument_id="IF2512")] == [IF.instrument]
    assert [day.trading_day for day in trading_days()] == [TRADING_DAY]
    assert daily_accounts(account_ids=[BUYER]) == []
    (fee, *_) = ledger_entries(account_ids=[BUYER], currency="CNY")
    assert (fee.account, fee.amount, fee.reason) == ("fees", -524_400, "commission")
    assert ledger_balances() == {
        key: amount for key, amount in venue.engine.ledger_balances().items() if amount
    }


def test_history_that_is_behind_says_so(venue: Venue) -> None:
    venue.project()
    reached = venue.engine.seq
    maker, _ = trade(venue)
    with pytest.raises(ApiError) as refused:
        history_wait(maker, timeout_ms=30)
    assert refused.value.code == Code.HISTORY_BEHIND
    assert refused.value.http_status == 503
    assert history_wait(reached) == reached
    assert order_get(order_id=maker) is None


def test_a_lost_session_is_taken_up_again_without_loss(venue: Venue) -> None:
    trade(venue)
    venue.project()
    venue.do(order(BUYER, terms.BUY, 19_010, 5, "t2"))
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as killer:
        killer.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'outcry projector'"
        )
    with pytest.raises(Refused):
        venue.project()
    venue.do(order(BUYER, terms.BUY, 18_990, 1, "t3"))
    venue.project()
    assert compare(venue).is_clean
    assert history_wait(venue.engine.seq) == venue.engine.seq


def test_a_rebuild_beside_the_follower_is_taken_up_by_it(venue: Venue) -> None:
    trade(venue)
    venue.project()
    rebuild(database_url=settings.DATABASE_OWNER_URL, journal=venue.journal, projector=projector_make())
    venue.do(order(BUYER, terms.BUY, 19_010, 5, "t2"))
    with pytest.raises(Refused):
        venue.project()
    venue.project()
    assert compare(venue).is_clean
    assert history_wait(venue.engine.seq) == venue.engine.seq

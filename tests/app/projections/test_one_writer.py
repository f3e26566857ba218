"""Projected rows have one writer: the models refuse, and where somebody goes around them PostgreSQL refuses."""

from collections.abc import Callable
from functools import partial

import psycopg
import pytest
from django.apps import apps
from django.conf import settings

from accounts.models import AccountState
from accounts.projected import ProjectedModel, ProjectedWriteRefused
from accounts.projected_writes import ProjectionDamaged
from engine.core import terms
from exchange.projecting import VenueProjector, projected_tables
from exchange.stack.grants import grants_apply
from exchange.stack.postgres import WEB_ROLE
from market.models import Instrument, TradingDay
from tests.app.projections.recorded import ACCOUNTS, IF, Recorded, day_roll, order, trading, venue_open
from trading.models import Order

PROJECTED = [model for model in apps.get_models() if issubclass(model, ProjectedModel)]


@pytest.fixture
def history(recorded: Recorded, projector: VenueProjector) -> Recorded:
    venue_open(recorded)
    trading(recorded, seed=1, batches=30)
    day_roll(recorded, 20251202)
    recorded.project(projector)
    grants_apply(settings.DATABASE_OWNER_URL, WEB_ROLE)
    return recorded


def test_the_projected_models_are_these() -> None:
    assert projected_tables() == [
        "accounts_accountstate", "market_bar", "market_instrument", "market_progress", "market_publictrade",
        "market_tradingday", "settlement_dailyaccount", "settlement_ledgerentry", "trading_order",
        "trading_position", "trading_trade", "trading_wallet",
    ]  # fmt: skip


def test_every_model_refuses_every_write(history: Recorded) -> None:
    for model in PROJECTED:
        row = model.objects.all()[0]
        count = model.objects.count()
        for write in (
            row.save,
            row.delete,
            partial(model.objects.update, seq=0),
            model.objects.all().delete,
            partial(model.objects.bulk_create, [row]),
            partial(model.objects.bulk_update, [row], ["seq"]),
        ):
            with pytest.raises(ProjectedWriteRefused):
                write()
        assert model.objects.count() == count, model
        assert not model.objects.filter(seq=0).exists(), model


def test_the_web_role_may_only_read(history: Recorded) -> None:
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as web:
        for table in projected_tables():
            before = web.execute(f'SELECT count(*) FROM "{table}"').fetchone()
            assert before != (0,), table
            for statement in (
                f'UPDATE "{table}" SET seq = 0',
                f'DELETE FROM "{table}"',
                f'TRUNCATE "{table}"',
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    web.execute(statement)
            assert web.execute(f'SELECT count(*) FROM "{table}"').fetchone() == before, table


def test_a_day_has_its_own_partitions_and_the_web_can_read_them_at_once(
    history: Recorded, projector: VenueProjector
) -> None:
    day_roll(history, 20251203)
    trading(history, seed=2, batches=20)
    history.project(projector)
    with psycopg.connect(settings.DATABASE_URL) as web:
        (own,) = web.execute("SELECT count(*) FROM trading_order_d20251203").fetchone() or (0,)
        (rest,) = web.execute("SELECT count(*) FROM trading_order_default").fetchone() or (0,)
    assert own == Order.objects.filter(trading_day=20251203).count() > 0
    assert rest == 0
    assert TradingDay.objects.count() == 3


def test_a_row_that_breaks_a_rule_is_refused_by_the_table(
    history: Recorded, projector_new: Callable[[], VenueProjector]
) -> None:
    for statement in (
        "UPDATE trading_order SET filled = filled + 1",
        "UPDATE trading_trade SET volume = 0",
        "UPDATE trading_wallet SET available = -1",
        "UPDATE market_bar SET high = low - 1",
        "UPDATE settlement_ledgerentry SET amount = 0",
        "UPDATE settlement_dailyaccount SET balance = balance + 1",
    ):
        with (
            psycopg.connect(settings.DATABASE_OWNER_URL) as owner,
            pytest.raises(psycopg.errors.CheckViolation),
        ):
            owner.execute(statement)
    assert AccountState.objects.exists()
    assert Instrument.objects.count() == 3


def test_a_day_opens_while_another_day_is_being_read(recorded: Recorded, projector: VenueProjector) -> None:
    venue_open(recorded, trading_day=20260105)
    recorded.project(projector)
    day_roll(recorded, 20260106)
    with psycopg.connect(settings.DATABASE_OWNER_URL) as reader:
        reader.execute("SELECT * FROM trading_order WHERE trading_day = 20260105")
        projector.connection().execute("SET lock_timeout = '2s'")
        recorded.project(projector)
    assert projector.applied_seq() == recorded.engine.seq


def test_a_missing_row_is_not_passed_over(recorded: Recorded, projector: VenueProjector) -> None:
    venue_open(recorded)
    buyer, seller, *_ = ACCOUNTS
    resting = recorded.run(order(seller, IF, terms.SELL, 19_000, 1, client_order_id="maker")).batch.first_seq
    recorded.project(projector)
    reached = recorded.engine.seq
    with psycopg.connect(settings.DATABASE_OWNER_URL) as owner:
        deleted = owner.execute("DELETE FROM trading_order WHERE order_id = %s", (resting,))
        assert deleted.rowcount == 1
    recorded.run(order(buyer, IF, terms.BUY, 19_000, 1, client_order_id="taker"))
    with pytest.raises(ProjectionDamaged, match="trading_order: 1 of 1 rows to change are missing"):
        recorded.project(projector)
    assert projector.applied_seq() == reached

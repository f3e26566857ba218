"""The day's roll through the real door: exact money, no step twice, goes on after any interruption (trading-rules §8).
Run by pytest in the app tier, with the real engine."""

from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.http.envelope import ApiError
from engine.core import commands as c
from engine.core import terms
from engine.core.codes import Code
from engine.core.events import Rejected
from engine.live import LiveFunds, live
from settlement import day
from settlement.day import day_roll, settlement_price_set
from settlement.day_selectors import day_state, settlement_quotes
from settlement.locks import DAY_LOCK
from settlement.models import SettlementRun
from tests.support.servers import RedisServer
from tests.support.venue import BTC, CU, IF, TRADING_DAY, Venue, order
from tests.support.waiting import wait_until

State = SettlementRun.State
NEXT_DAY = 20251118
ANN, BEN, CAT = 11, 12, 13


@pytest.fixture(autouse=True)
def venue(transactional_db: None, redis_empty: RedisServer, tmp_path: Path) -> Iterator[Venue]:
    """The real engine, answering at the real door: no account is open yet."""
    venue = Venue(tmp_path, redis_empty.url, settings.OUTCRY_STACK_ID)
    try:
        venue.open_day()
        with venue.serving():
            yield venue
    finally:
        venue.close()


def funds(venue: Venue, account_id: int) -> LiveFunds:
    """The account's money once live state shows what the engine has."""
    wait_until(lambda: live().head().seq >= venue.engine.seq, what="live state is up to date")
    found = live().account_funds(account_id)
    assert found is not None
    return found


def money(found: LiveFunds) -> tuple[Decimal, Decimal, Decimal]:
    """(balance, margin, available): the columns of the worked example."""
    return found.balance, found.margin, found.available


def row(balance: str, margin: str, available: str) -> tuple[Decimal, Decimal, Decimal]:
    return Decimal(balance), Decimal(margin), Decimal(available)


def trade(venue: Venue, buyer: int, seller: int, price: int, volume: int, **sides: int) -> None:
    """One trade; `buy_offset` and `sell_offset` in `sides`, OPEN unless given."""
    number = venue.engine.seq
    venue.do(
        order(seller, terms.SELL, price, volume, f"s{number}", offset=sides.get("sell_offset", terms.OPEN)),
        order(buyer, terms.BUY, price, volume, f"b{number}", offset=sides.get("buy_offset", terms.OPEN)),
    )


def unchanged(venue: Venue) -> list[Any]:
    """Everything the engine holds."""
    return venue.engine.dump()


def test_worked_example_over_a_roll(venue: Venue) -> None:
    venue.open_account(ANN, cash=1_000_000)
    venue.open_account(BEN)
    trade(venue, ANN, BEN, 19_000, 2)
    assert money(funds(venue, ANN)) == row("999947.56", "273600", "726347.56")
    venue.open_account(CAT)
    trade(venue, CAT, BEN, 19_050, 1)
    assert money(funds(venue, ANN)) == row("1005947.56", "273600", "732347.56")

    assert day_roll(confirm=False).state == State.WAITING
    settlement_price_set(instrument="IF2512", price=Decimal("3805.0"))
    run = day_roll(confirm=True)

    assert (run.state, run.trading_day, run.next_trading_day) == (State.DONE, TRADING_DAY, NEXT_DAY)
    settled = funds(venue, ANN)
    assert money(settled) == row("1002947.56", "273960", "728987.56")
    assert settled.pre_balance == Decimal("1002947.56")
    assert settled.deposit == settled.commission == settled.close_profit == settled.position_profit == 0
    trade(venue, CAT, ANN, 19_100, 1, sell_offset=terms.CLOSE)
    closed = funds(venue, ANN)
    assert money(closed) == row("1011921.202", "136980", "874941.202")
    assert (closed.close_profit, closed.commission) == (Decimal(4500), Decimal("26.358"))
    assert venue.engine.check() == []


def test_proposed_price_is_the_average_of_the_days_trades(venue: Venue) -> None:
    venue.open_account(ANN)
    venue.open_account(BEN)
    trade(venue, ANN, BEN, 19_000, 1)
    trade(venue, ANN, BEN, 19_050, 3)

    assert all(quote.price is None for quote in settlement_quotes())
    day_roll(confirm=False)

    index, copper = settlement_quotes()
    assert (index.instrument, index.price, index.traded, index.confirmed) == (
        IF.instrument, Decimal("3807.6"), True, False,
    )  # fmt: skip
    assert (copper.instrument, copper.price, copper.traded) == (CU.instrument, Decimal(70_000), False)


def test_while_prices_wait_futures_are_closed_and_spot_trades_on(venue: Venue) -> None:
    venue.open_account(ANN, USDT=10**12)
    day_roll(confirm=False)

    future = venue.call(order(ANN, terms.BUY, 19_000, 1, "f"))
    spot = venue.call(order(ANN, terms.BUY, 900_000, 10, "s", instrument=BTC.instrument))
    deposit = venue.call(
        c.CashDeposit(terms.VENUE, terms.SCOPE_OPERATE, ANN, "d", terms.BOOK_FUTURES, "CNY", 10_000)
    )

    assert (future.code, spot.code, deposit.code) == (
        Code.INSTRUMENT_PHASE, Code.OK, Code.SETTLEMENT_RUNNING,
    )  # fmt: skip
    assert day_roll(confirm=True).state == State.DONE
    assert venue.call(order(ANN, terms.BUY, 19_000, 1, "f2")).ok


def test_day_orders_expire_and_gtc_orders_keep_their_place(venue: Venue) -> None:
    venue.open_account(ANN)
    venue.open_account(BEN)
    venue.do(
        order(ANN, terms.BUY, 18_900, 1, "day"),
        order(ANN, terms.BUY, 18_900, 2, "first", time_in_force=terms.GTC),
        order(BEN, terms.BUY, 18_900, 3, "second", time_in_force=terms.GTC),
    )

    day_roll(confirm=True)

    assert [order.client_order_id for order in venue.engine.orders.values()] == ["first", "second"]
    venue.do(order(BEN, terms.SELL, 18_900, 2, "hit"))
    assert [(o.client_order_id, o.left) for o in venue.engine.orders.values()] == [("second", 3)]


def test_roll_to_a_day_already_open_changes_nothing(venue: Venue) -> None:
    venue.open_account(ANN)
    assert day_roll(confirm=True, next_trading_day=NEXT_DAY).state == State.DONE
    before, runs = unchanged(venue), list(SettlementRun.objects.values())

    with pytest.raises(ApiError) as refused:
        day_roll(confirm=True, next_trading_day=NEXT_DAY)

    assert (refused.value.code, refused.value.limit) == (Code.TRADING_DAY_INVALID, str(NEXT_DAY))
    assert unchanged(venue) == before
    assert list(SettlementRun.objects.values()) == runs


@pytest.mark.parametrize("wished", [20251345, 20251116, TRADING_DAY, 0, -1])
def test_impossible_next_day_is_refused_before_anything_happens(venue: Venue, wished: int) -> None:
    before = unchanged(venue)
    with pytest.raises(ApiError) as refused:
        day_roll(confirm=True, next_trading_day=wished)
    assert refused.value.code == Code.TRADING_DAY_INVALID
    assert unchanged(venue) == before
    assert not SettlementRun.objects.exists()


def test_two_drivers_never_roll_at_once(venue: Venue) -> None:
    before = unchanged(venue)
    other = psycopg.connect(**_parameters(), autocommit=True)
    try:
        other.execute("SELECT pg_advisory_lock(%s)", (DAY_LOCK,))
        with pytest.raises(ApiError) as refused:
            day_roll(confirm=True)
    finally:
        other.close()
    assert refused.value.code == Code.STATE_CONFLICT
    assert unchanged(venue) == before
    wait_until(lambda: _lock_is_free(), what="PostgreSQL noticed that the other is gone")
    assert day_roll(confirm=True).state == State.DONE


def _parameters() -> dict[str, Any]:
    """Where Django's connection leads, for one more."""
    connection.ensure_connection()
    found = connection.connection.info
    return {
        "host": found.host, "port": found.port, "dbname": found.dbname, "user": found.user,
        "password": found.password,
    }  # fmt: skip


def _lock_is_free() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s", [DAY_LOCK])
        return bool(cursor.fetchone()[0] == 0)


def test_price_outside_the_limits_or_without_a_question_is_refused(venue: Venue) -> None:
    with pytest.raises(ApiError) as early:
        settlement_price_set(instrument="IF2512", price=Decimal(3805))
    assert early.value.code == Code.DAY_STEP_ORDER

    day_roll(confirm=False)
    with pytest.raises(ApiError) as high:
        settlement_price_set(instrument="IF2512", price=Decimal("4180.2"))
    with pytest.raises(ApiError) as zero:
        settlement_price_set(instrument="IF2512", price=Decimal(0))
    with pytest.raises(ApiError) as spot:
        settlement_price_set(instrument="BTC_USDT", price=Decimal(90_000))

    assert (high.value.code, high.value.limit) == (Code.SETTLEMENT_PRICE_INVALID, "4180")
    assert zero.value.code == Code.SETTLEMENT_PRICE_INVALID
    assert spot.value.code == Code.INSTRUMENT_NOT_FOUND
    assert [quote.confirmed for quote in settlement_quotes()] == [False, False]
    settlement_price_set(instrument="CFFEX.IF2512", price=Decimal(4180))
    wait_until(lambda: settlement_quotes()[0].confirmed, what="the typed price is shown")
    assert [quote.price for quote in settlement_quotes()] == [Decimal(4180), Decimal(70_000)]


def test_a_leader_lost_in_the_middle_is_no_matter(venue: Venue) -> None:
    venue.open_account(ANN)
    day_roll(confirm=False)
    venue.restart()
    run = day_roll(confirm=True)
    assert (run.state, venue.engine.trading_day, venue.engine.step) == (State.DONE, NEXT_DAY, terms.STEP_OPEN)


class Killed(BaseException):
    """As kill -9: nothing after it happens, and nobody catches it."""


def test_killed_after_any_command_goes_on_and_settles_once(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,100 accounts take three chunks a step. Day after day the driver dies one command later, with the
    command carried out and its answer lost; each day is settled to the same cent as the days that were not."""
    venue.open_account(ANN, cash=1_000_000)
    venue.open_account(BEN)
    venue.do(*(c.AccountOpen(terms.VENUE, terms.SCOPE_OPERATE, n, n, 10**8) for n in range(1_000, 2_100)))
    trade(venue, ANN, BEN, 19_000, 2)
    send = day._send
    deaths = 0
    while True:
        answers_left = deaths + 1

        def lost(command: c.Command) -> Any:
            nonlocal answers_left
            reply = send(command)
            answers_left -= 1
            if not answers_left:
                raise Killed
            return reply

        trading_day = venue.engine.trading_day
        monkeypatch.setattr(day, "_send", lost)
        try:
            day_roll(confirm=True)
        except Killed:
            deaths += 1
        else:
            break
        monkeypatch.setattr(day, "_send", send)
        run = day_roll(confirm=True)
        assert (run.state, run.trading_day) == (State.DONE, trading_day)
        assert venue.engine.trading_day == run.next_trading_day == day.next_day(trading_day)
        assert venue.engine.check() == []
        assert money(funds(venue, ANN)) == row("999947.56", "273600", "726347.56")
        assert funds(venue, 2_099).pre_balance == Decimal(10_000)
    # Two futures' prices, six steps, the opening; each chunk but a step's only one is asked for twice.
    assert deaths >= 9
    assert SettlementRun.objects.filter(state=State.DONE).count() == deaths + 1


def test_run_killed_before_its_last_word_is_finished_without_another_roll(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(run: SettlementRun, now: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(day, "_run_done", killed)
        with pytest.raises(Killed):
            day_roll(confirm=True)
    assert venue.engine.trading_day == NEXT_DAY
    seq = venue.engine.seq

    run = day_roll(confirm=True)

    assert (run.state, run.trading_day, run.next_trading_day) == (State.DONE, TRADING_DAY, NEXT_DAY)
    assert venue.engine.seq == seq


def test_run_takes_over_from_another_that_no_row_knows(venue: Venue) -> None:
    closed = c.DayStep(terms.VENUE, terms.SCOPE_OPERATE, 77, terms.STEP_CLOSED, 0)
    expired = c.DayStep(terms.VENUE, terms.SCOPE_OPERATE, 77, terms.STEP_EXPIRED, 0)
    venue.do(closed, expired)
    run = day_roll(confirm=True)
    assert (run.state, run.run_id) == (State.DONE, 77)
    assert venue.engine.trading_day == NEXT_DAY


def test_steps_out_of_their_order_are_refused(venue: Venue) -> None:
    before = unchanged(venue)
    reply = venue.call(c.DayStep(terms.VENUE, terms.SCOPE_OPERATE, 1, terms.STEP_SETTLED, 0))
    assert isinstance(reply.event, Rejected)
    assert (reply.code, reply.event.limit) == (Code.DAY_STEP_ORDER, terms.STEP_CLOSED)
    assert unchanged(venue)[3:] == before[3:]


def test_state_of_the_day_is_read_from_live(venue: Venue) -> None:
    wait_until(lambda: day_state().seq >= venue.engine.seq, what="live state is up to date")
    assert day_state().trading_day == TRADING_DAY
    assert day_state().step == terms.STEP_OPEN


def said(*arguments: str) -> str:
    """What `manage.py day …` prints."""
    out = StringIO()
    call_command("day", *arguments, stdout=out)
    return out.getvalue()


def test_operator_sees_types_and_confirms_prices(venue: Venue) -> None:
    assert said("prices").count("the day is open") == 2
    asked = said("roll", "--date", "20251201")
    assert "3800" in asked
    assert f"{TRADING_DAY} is closed and waits for these prices" in asked
    assert said("prices", "--set", "IF2512=3805.0") == "IF2512: 3805.0 confirmed\n"
    assert "waiting, Expired" in said("status")
    assert said("roll", "--confirm") == f"{TRADING_DAY} is settled; trading day 20251201 is open.\n"
    wait_until(lambda: day_state().trading_day == 20251201, what="live state shows the new day")
    assert said("status").startswith("trading day 20251201, step open; next 20251202\n")
    assert venue.engine.instruments[IF.instrument].pre_settlement == 38_050_000


@pytest.mark.parametrize(
    "typed", ["IF2512", "IF2512=", "IF2512=abc", "IF2512=1e9", "IF2512=３８０５", "NO=1"]
)
def test_price_that_is_none_is_refused_with_a_sentence(venue: Venue, typed: str) -> None:
    day_roll(confirm=False)
    before = unchanged(venue)
    with pytest.raises(CommandError):
        said("prices", "--set", typed)
    assert unchanged(venue) == before

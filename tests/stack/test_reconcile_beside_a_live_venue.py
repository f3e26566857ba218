"""P1 on a real venue under load: reconcile finds no difference while it trades, rebuild gives the same, and the
running projector goes on afterwards. Real processes, the real door; an order flow of the test's own."""

import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from engine.core import terms
from engine.core.commands import AccountOpen, CashDeposit, Command, OrderCancel
from engine.door.client import Door
from engine.live import LiveReader
from tests.support.stack import BASE_DIR, RunningStack
from tests.support.venue import OPERATOR, order
from tests.support.waiting import wait_until


def manage(stack: RunningStack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A `manage.py` command beside the running stack, found by its folder."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env=stack.environ, cwd=BASE_DIR, text=True, capture_output=True, timeout=120, check=False,
    )  # fmt: skip


def projected_seq(stack: RunningStack) -> int:
    with psycopg.connect(stack.run["environment"]["DATABASE_OWNER_URL"]) as connection:
        row = connection.execute("SELECT seq FROM market_progress").fetchone()
    return int(row[0]) if row else 0


class Flow:
    """Orders of two accounts of its own around one price, as fast as they are answered; none rest at the end."""

    def __init__(self, stack: RunningStack) -> None:
        environ = stack.run["environment"]
        self.door = Door(environ["REDIS_URL"], environ["OUTCRY_STACK_ID"])
        self._reader = LiveReader(environ["REDIS_URL"], environ["OUTCRY_STACK_ID"])
        listed = self._reader.instruments().value
        self._instrument = next(view.spec for view in listed if view.spec.kind == terms.FUTURES)
        self._accounts = (89_000_001, 89_000_002)
        self._dice = random.Random(5)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flow")
        self.accepted = 0

    def _run(self) -> None:
        tag = self._dice.getrandbits(40)
        number = 0
        while not self._stop.is_set():
            number += 1
            reply = self.door.call_sync(self._next(f"flow-{tag}-{number}"), timeout=5.0)
            self.accepted += reply.ok

    def _next(self, client_order_id: str) -> Command:
        account, side = self._dice.choice(self._accounts), self._dice.choice((terms.BUY, terms.SELL))
        price = self._instrument.listing_price + self._dice.randint(-2, 2)
        plain = order(account, side, price, 1, client_order_id, instrument=self._instrument.instrument)
        plain.scope = OPERATOR
        return plain

    def fund(self) -> None:
        """Money enough that orders go on being accepted."""
        for account in self._accounts:
            for command in (
                AccountOpen(terms.VENUE, OPERATOR, account, account),
                CashDeposit(
                    terms.VENUE, OPERATOR, account, f"flow-{account}", terms.BOOK_FUTURES, "CNY", 10**14
                ),
            ):
                assert self.door.call_sync(command, timeout=5.0).ok

    def _cancel_all(self) -> None:
        for account in self._accounts:
            for live in self._reader.orders(account).value:
                if live.status == terms.LIVE:
                    cancel = OrderCancel(terms.VENUE, OPERATOR, account, live.order_id)
                    assert self.door.call_sync(cancel, timeout=5.0).ok

    @contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join(20)
            self._cancel_all()
            self._reader.close()
            self.door.close()


@pytest.fixture
def flow(stack: RunningStack) -> Iterator[Flow]:
    made = Flow(stack)
    wait_until(lambda: made.door.is_leader_heard, what="the leader is heard")
    made.fund()
    with made.running():
        wait_until(lambda: made.accepted > 50, what="orders flow")
        yield made


def test_it_agrees_while_it_trades_and_after_a_rebuild(stack: RunningStack, flow: Flow) -> None:
    for _ in range(2):
        before = flow.accepted
        found = manage(stack, "reconcile")
        assert found.returncode == 0, found.stdout + found.stderr
        assert "no difference" in found.stdout
        assert flow.accepted > before

    rebuilt = manage(stack, "rebuild")
    assert rebuilt.returncode == 0, rebuilt.stderr
    reached = projected_seq(stack)
    wait_until(lambda: projected_seq(stack) > reached, what="the running projector goes on")
    found = manage(stack, "reconcile", "--from-start")
    assert found.returncode == 0, found.stdout + found.stderr


def test_a_changed_row_ends_it_with_1(stack: RunningStack) -> None:
    with psycopg.connect(stack.run["environment"]["DATABASE_OWNER_URL"], autocommit=True) as connection:
        change = (
            "UPDATE market_instrument SET pre_close = pre_close + %s"
            " WHERE instrument = (SELECT min(instrument) FROM market_instrument)"
        )
        connection.execute(change, (1,))
        try:
            found = manage(stack, "reconcile")
        finally:
            connection.execute(change, (-1,))
    assert found.returncode == 1
    assert "pre_close" in found.stdout
    assert manage(stack, "reconcile").returncode == 0

"""The operator's console as a person uses it: log in, look, ask, confirm.
Called by the tests of tests/app/admin."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import services as accounts_services
from accounts.models import AuditEntry, TradingAccount, User
from accounts.rights import RoleName
from engine.core import terms
from engine.core.engine import Engine
from market.directory import directory
from settlement import services as settlement_services
from settlement.models import CashRequest
from tests.support.people import PASSWORD, account_row
from tests.support.venue import Venue, order

BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass
class Staff:
    """Somebody before the console."""

    user: User | None
    client: Client = field(default_factory=Client)

    def get(self, path: str, **headers: str) -> Any:
        """A page."""
        return self.client.get(path, headers=headers or None)

    def post(self, path: str, data: dict[str, Any] | None = None, **headers: str) -> Any:
        """A form sent."""
        return self.client.post(path, data or {}, headers=headers or None)


def staff(name: str, *roles: RoleName) -> Staff:
    """A user with these roles, logged in to the console's session."""
    user = accounts_services.user_register(username=name, password=PASSWORD, roles=roles)
    someone = Staff(user)
    session_begin(someone)
    return someone


def session_begin(someone: Staff) -> None:
    """A session as a login makes it, without one: for people whom the console's login turns away, too."""
    assert someone.user is not None
    session = SessionStore()
    session[SESSION_KEY] = str(someone.user.pk)
    session[BACKEND_SESSION_KEY] = BACKEND
    session[HASH_SESSION_KEY] = someone.user.get_session_auth_hash()
    session.save()
    someone.client.cookies[settings.SESSION_COOKIE_NAME] = str(session.session_key)


def stranger() -> Staff:
    """Nobody."""
    return Staff(None)


@dataclass
class Console:
    """A served venue with history, two traders of whom each has traded, and an operator."""

    venue: Venue
    operator: Staff
    alice: TradingAccount
    bob: TradingAccount

    @property
    def engine(self) -> Engine:
        """The leader's state; look, do not touch."""
        return self.venue.engine

    def state(self) -> list[Any]:
        """Every account, live order, instrument and ledger account: equal means nothing was changed."""
        engine = self.engine
        return [
            [engine.account_view(account_id) for account_id in sorted(engine.accounts)],
            [engine.order_view(order_id) for order_id in sorted(engine.orders)],
            [engine.instrument_view(name) for name in sorted(engine.instruments)],
            [instrument.rates_next for instrument in engine.instruments.values()],
            engine.ledger_balances(),
        ]

    def act(self, model: str, pk: Any, name: str) -> str:
        """The page of an act."""
        return reverse(f"admin:{model}_act", args=[pk, name])

    def deposit(self, amount: str = "20000000", *, by: User | None = None) -> CashRequest:
        """A deposit of alice's that somebody must decide."""
        return settlement_services.cash_request(
            kind=CashRequest.Kind.DEPOSIT,
            account_id=self.alice.pk,
            currency="CNY",
            amount=Decimal(amount),
            requested_by=(by or self.alice.user).pk,
            idempotency_key=f"test-{CashRequest.objects.count()}",
            now=timezone.now(),
        )


@contextmanager
def console_open(venue: Venue, *, projecting: bool = True) -> Iterator[Console]:
    """The console on a venue; history follows by itself unless `projecting` is False."""
    directory().clear()
    accounts = []
    for name in ("alice", "bob"):
        user = accounts_services.user_register(username=name, password=PASSWORD)
        account = account_row(_Someone(user), name=name)  # type: ignore[arg-type]
        venue.open_account(account.pk, user.pk)
        accounts.append(account)
    alice, bob = accounts
    venue.do(
        order(alice.pk, terms.SELL, 19_000, 2, "a1", owner=alice.user_id),
        order(bob.pk, terms.BUY, 19_000, 1, "b1", owner=bob.user_id),
    )
    venue.project()
    with venue.serving(), _history(venue, projecting):
        yield Console(venue, staff("olga", RoleName.OPERATOR), alice, bob)


@dataclass
class _Someone:
    """What account_row asks for."""

    user: User

    @property
    def user_id(self) -> int:
        return self.user.pk


@contextmanager
def _history(venue: Venue, projecting: bool) -> Iterator[None]:
    """A follower that projects by itself, as its process does."""
    stop = threading.Event()

    def follow() -> None:
        while not stop.wait(0.02):
            venue.project()

    thread = threading.Thread(target=follow, name="follower", daemon=True)
    if projecting:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if projecting:
            thread.join()


def deeds(action: str = "") -> list[tuple[str, str, str, int | None]]:
    """(action, target, outcome, code) of the audit rows in their order, of one action or all."""
    rows = AuditEntry.objects.order_by("id")
    rows = rows.filter(action=action) if action else rows
    return list(rows.values_list("action", "target", "outcome", "code"))

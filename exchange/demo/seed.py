"""Fills a new venue: settings, the first trading day, instruments, users, their accounts and money.
Called by `manage.py seed_demo`; every step looks or asks first, so that a repeat changes nothing."""

import time
from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from django.conf import settings
from django.db import transaction

from accounts import services as accounts_services
from accounts.models import TradingAccount, User
from accounts.rights import RoleName
from engine.core import terms
from engine.core.codes import TEXTS, Code
from engine.core.commands import Command, DayOpen, InstrumentList, VenueSet
from engine.door import DoorError, Reply, door
from engine.live import LiveRebuilding, live
from exchange.demo.catalogue import YUAN, instruments
from exchange.demo.people import OPERATOR, PERSONAS, Persona, demo_users, demo_write, passwords_load
from market.calendar import exchange_date, trading_day_on_or_after, yyyymmdd
from settlement import services as settlement_services
from settlement.models import CashRequest

Say = Callable[[str], None]
T = TypeVar("T")

PATIENCE_S: Final = 30.0
PAUSE_S: Final = 0.1
CALL_TIMEOUT_S: Final = 5.0
KEY: Final = "demo-seed"
# Nobody rolls the demo's day by a clock yet: the makers' orders of a whole calendar day must fit.
CLIENT_IDS_MAX: Final = 250_000


class SeedFailed(Exception):
    """The venue did not take the demo; the text says what and why."""


def demo_seed(*, data: Path, now: datetime, say: Say) -> list[dict[str, Any]]:
    """Bring the venue to the demo's state; returns its users as `<data>/secrets/demo.json` holds them.

    Raises SeedFailed when the venue refuses, or does not answer within PATIENCE_S."""
    passwords = passwords_load(data)
    venue_seed(today=exchange_date(now), say=say)
    operator_id = 0
    users = []
    for persona in PERSONAS:
        user = user_seed(persona, passwords[persona.username])
        operator_id = user.pk if persona.role == OPERATOR else operator_id
        account_ids = []
        if persona.has_account:
            account_ids = [account_seed(persona, user, now)]
            money_seed(persona, user, account_ids[0], operator_id, now)
        users.append(_entry(persona, user, passwords[persona.username], account_ids))
        say(f"  user {persona.username} {' '.join(str(each) for each in account_ids)}")
    demo_write(data, users, exchange_date(now))
    return users


def contracts_seed(*, data: Path, now: datetime, say: Say) -> None:
    """List the contracts of the day in a venue that was seeded before; nothing else of it is touched, for
    its settings and passwords may have been changed by its people. Raises SeedFailed as `demo_seed`."""
    today = exchange_date(now)
    instruments_seed(today=today, say=say)
    demo_write(data, demo_users(data), today)


def _entry(persona: Persona, user: User, password: str, account_ids: Iterable[int]) -> dict[str, Any]:
    """Ids are texts, as everywhere on the wire."""
    return {
        "username": persona.username,
        "password": password,
        "user_id": str(user.pk),
        "role": persona.role,
        "account_ids": [str(account_id) for account_id in account_ids],
    }


# ---- the venue ---------------------------------------------------------------------------------------


def venue_seed(*, today: date, say: Say) -> None:
    """The demo's limits, a first trading day if none was ever opened, and today's contracts."""
    venue = patiently(lambda: live().venue().value)
    wanted = {
        "init_cash_max": int(settings.OUTCRY_INIT_CASH_MAX) * YUAN,
        "client_ids_max": CLIENT_IDS_MAX,
    }
    for setting, value in wanted.items():
        if venue.get(setting) != value:
            _command(VenueSet(terms.VENUE, terms.SCOPE_OPERATE, setting, value))
    if not venue.get("trading_day"):
        trading_day = yyyymmdd(trading_day_on_or_after(today))
        # A repeat whose first answer was lost finds the day open.
        _command(DayOpen(terms.VENUE, terms.SCOPE_OPERATE, trading_day), done=(Code.DAY_STEP_ORDER,))
        say(f"  trading day {trading_day}")
    instruments_seed(today=today, say=say)


def instruments_seed(*, today: date, say: Say) -> None:
    """The contracts that trade most on the date, as far as they are not listed yet."""
    listed = {view.spec.instrument for view in patiently(lambda: live().instruments().value)}
    for spec in instruments(today):
        if spec.instrument not in listed:
            _command(InstrumentList(terms.VENUE, terms.SCOPE_OPERATE, spec), done=(Code.INSTRUMENT_EXISTS,))
            say(f"  instrument {spec.instrument}")


def _command(command: Command, done: Iterable[Code] = ()) -> Reply:
    """Send until it is answered; a refusal with one of `done` means that it was carried out before."""
    reply = patiently(lambda: door().call_sync(command, timeout=CALL_TIMEOUT_S))
    if not reply.ok and reply.code not in set(done):
        text = TEXTS[Code(reply.code)].en
        raise SeedFailed(f"{type(command).__name__} was refused with {reply.code}: {text} ({reply.event})")
    return reply


def patiently(ask: Callable[[], T]) -> T:
    """Ask again while the venue is starting or changing leaders. Raises SeedFailed after PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return ask()
        except (DoorError, LiveRebuilding) as error:
            if time.monotonic() > deadline:
                raise SeedFailed(f"the venue does not answer: {error}") from error
        time.sleep(PAUSE_S)


# ---- people and their money ----------------------------------------------------------------------------


def user_seed(persona: Persona, password: str) -> User:
    """The user, registered now or by an earlier seed of this data folder.

    Raises SeedFailed for somebody else's user of that name: the seed takes over nobody's login."""
    found = User.objects.filter(username=persona.username).first()
    if found is not None:
        if not found.check_password(password):
            raise SeedFailed(f"user {persona.username} exists and is not of this data folder's demo")
        return found
    if persona.role != OPERATOR:
        return accounts_services.user_register(username=persona.username, password=password)
    with transaction.atomic():
        user = User.objects.create_superuser(persona.username, "", password)
        held = {RoleName.ADMIN, RoleName.OPERATOR}
        if {role.role for role in user.roles.all()} != held:
            raise SeedFailed("a superuser must be admin and operator")
    return user


def account_seed(persona: Persona, user: User, now: datetime) -> int:
    """The user's trading account, open; returns its id."""
    account = accounts_services.account_request(
        user_id=user.pk,
        name=persona.username,
        account_type=persona.account_type,
        init_cash=persona.cash,
        idempotency_key=KEY,
        now=now,
    )
    deadline = time.monotonic() + PATIENCE_S
    while account.state == TradingAccount.State.REQUESTED:
        if time.monotonic() > deadline:
            raise SeedFailed(f"the account of {persona.username} was not opened in time")
        account = accounts_services.account_open(account_id=account.pk, now=now)
    if account.state != TradingAccount.State.OPEN:
        raise SeedFailed(f"the account of {persona.username} is {account.state} (code {account.code})")
    return account.pk


def money_seed(persona: Persona, user: User, account_id: int, operator_id: int, now: datetime) -> None:
    """Spot wallets by deposits the operator approves, as anybody's deposit would be."""
    for currency, amount in persona.coins.items():
        request = settlement_services.cash_request(
            kind=CashRequest.Kind.DEPOSIT,
            account_id=account_id,
            currency=currency,
            amount=amount,
            requested_by=user.pk,
            idempotency_key=f"{KEY}-{currency}",
            now=now,
            remark="demo",
        )
        if request.decision == CashRequest.Decision.OPEN:
            settlement_services.cash_request_decide(
                request_id=request.request_id, approve=True, decided_by=operator_id, now=now
            )
        _money_wait(request.request_id, now)


def _money_wait(request_id: str, now: datetime) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        request = settlement_services.cash_request_send(request_id=request_id, now=now)
        if request.state == CashRequest.State.DONE:
            return
        if request.state == CashRequest.State.REFUSED or time.monotonic() > deadline:
            raise SeedFailed(f"deposit {request_id} is {request.state} (code {request.code})")

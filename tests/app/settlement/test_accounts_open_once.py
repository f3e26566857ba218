"""A trading account is a row first and opens in the engine exactly once, whatever gets lost between.
Run by pytest in the app tier, with the real engine."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts import services
from accounts.models import TradingAccount
from engine.core.codes import Code
from tests.support.people import PASSWORD, Person, anonymous, person
from tests.support.venue import Venue

State = TradingAccount.State


@pytest.fixture(autouse=True)
def venue(served_venue: Venue) -> Venue:
    """Every test here has the real engine at the real door."""
    return served_venue


def create(someone: Person, **fields: Any) -> Any:
    body = {"account_name": "main", "account_type": "individual", **fields}
    return someone.post(f"/api/user/{someone.user_id}/account/create", body)


def test_registration_opens_a_first_account_without_money(venue: Venue) -> None:
    data = anonymous().post("/api/auth/register", {"username": "ann", "password": PASSWORD}).data
    account_id = int(data["account_id"])
    assert account_id >= 80_000_001
    assert venue.engine.accounts[account_id].owner == int(data["user_id"])
    assert TradingAccount.objects.get(pk=account_id).state == State.OPEN


def test_opened_account_shows_its_money_exactly(venue: Venue) -> None:
    ann = person("ann")
    opened = create(ann, init_cash="1000000.50")
    assert opened.status == 201
    assert opened.data["state"] == "open"
    account_id = opened.data["account_id"]
    live = ann.get(f"/api/account/{account_id}").data
    assert live["account_id"] == account_id
    assert live["user_id"] == str(ann.user_id)
    for name in ("balance", "available", "static_balance", "deposit"):
        assert live[name] == Decimal("1000000.5000")
    assert live["risk_ratio"] == 0
    assert live["seq"] >= opened.data["seq"]
    assert live["withdraw_quota"] == Decimal("1000000.5000")
    (row,) = ann.get(f"/api/user/{ann.user_id}/accounts").data["accounts"]
    assert (row["account_id"], row["account_name"]) == (account_id, "main")
    assert row["balance"] == Decimal("1000000.5000")
    assert row["state"] == "open"


def test_row_11_is_the_same_under_another_name(venue: Venue) -> None:
    ann = person("ann")
    body = {
        "user_id": str(ann.user_id),
        "user_name": "Ann",
        "init_cash": 5000,
        "account_type": "institutional",
        "password": "secret",
    }
    answer = ann.post("/api/account/open", body)
    assert answer.status == 201
    account = TradingAccount.objects.get(pk=answer.data["account_id"])
    assert (account.name, account.account_type) == ("Ann", "institutional")
    assert "secret" not in account.trading_password


@pytest.mark.parametrize(
    ("cash", "code"),
    [
        ("10000000.01", Code.INIT_CASH_TOO_HIGH),
        ("-1", Code.AMOUNT_INVALID),
        ("0.001", Code.NUMBER_INVALID),
        ("1e400", Code.NUMBER_INVALID),
        (True, Code.NUMBER_INVALID),
    ],
)
def test_refused_init_cash_opens_nothing(venue: Venue, cash: Any, code: Code) -> None:
    ann = person("ann")
    before = venue.engine.seq, len(venue.engine.accounts)
    answer = create(ann, init_cash=cash)
    assert (answer.status, answer.code, answer.field) == (422, code, "init_cash")
    assert not TradingAccount.objects.exists()
    assert len(venue.engine.accounts) == before[1]


def test_no_play_money_in_production(venue: Venue, settings: Any) -> None:
    settings.OUTCRY_INIT_CASH_MAX = 0
    ann = person("ann")
    refused = create(ann, init_cash="0.01")
    assert (refused.code, refused.body["error"]["limit"]) == (Code.INIT_CASH_TOO_HIGH, "0")
    assert create(ann).status == 201


def test_the_core_refuses_what_the_web_let_through(venue: Venue, settings: Any) -> None:
    settings.OUTCRY_INIT_CASH_MAX = 10**12
    ann = person("ann")
    answer = create(ann, init_cash="100000000.01")
    assert (answer.status, answer.code) == (422, Code.INIT_CASH_TOO_HIGH)
    account = TradingAccount.objects.get()
    assert (account.state, account.code) == (State.REFUSED, Code.INIT_CASH_TOO_HIGH)
    assert not venue.engine.accounts


def test_a_repeated_key_opens_one_account_and_another_body_conflicts(venue: Venue) -> None:
    ann = person("ann")
    first = create(ann, init_cash=100, idempotency_key="k1")
    again = create(ann, init_cash="100.00", idempotency_key="k1")
    assert again.data["account_id"] == first.data["account_id"]
    conflict = create(ann, init_cash=200, idempotency_key="k1")
    assert (conflict.status, conflict.code) == (409, Code.IDEMPOTENCY_CONFLICT)
    assert len(venue.engine.accounts) == TradingAccount.objects.count() == 1


def test_a_user_has_no_more_than_twenty_accounts(venue: Venue, settings: Any) -> None:
    ann = person("ann")
    assert [create(ann).status for _ in range(20)] == [201] * 20
    refused = create(ann)
    assert (refused.code, refused.body["error"]["limit"]) == (Code.TOO_MANY_ACCOUNTS, "20")


def test_without_a_leader_the_request_waits_and_the_sweep_opens_it(venue: Venue) -> None:
    venue.serve_end()
    ann = person("ann")
    answer = create(ann, init_cash=100)
    assert (answer.status, answer.data["state"]) == (202, "requested")
    account_id = int(answer.data["account_id"])
    (row,) = ann.get(f"/api/user/{ann.user_id}/accounts").data["accounts"]
    assert (row["state"], row["balance"]) == ("requested", None)
    venue.serve()
    assert services.accounts_resend(now=timezone.now()) == 0  # too young to ask again
    assert services.accounts_resend(now=timezone.now() + timedelta(seconds=6)) == 1
    assert ann.get(f"/api/account/{account_id}").data["balance"] == 100


def test_a_lost_answer_opens_the_account_once(venue: Venue) -> None:
    ann = person("ann")
    account_id = int(create(ann, init_cash=100).data["account_id"])
    TradingAccount.objects.update(state=State.REQUESTED, seq=None)
    seq = venue.engine.seq
    account = services.account_open(account_id=account_id, now=timezone.now())
    assert account.state == State.OPEN
    assert venue.engine.seq == seq + 1  # asked again, answered ACCOUNT_EXISTS
    assert ann.get(f"/api/account/{account_id}").data["balance"] == 100


def test_an_id_that_is_anothers_in_the_journal_is_never_handed_over(venue: Venue) -> None:
    ann = person("ann")
    venue.open_account(80_999_999, owner=ann.user_id + 1)
    account = TradingAccount.objects.create(
        id=80_999_999, user_id=ann.user_id, name="x", idempotency_key="x", request_digest="",
        created_at=timezone.now(),
    )  # fmt: skip
    account = services.account_open(account_id=account.pk, now=timezone.now())
    assert (account.state, account.code) == (State.REFUSED, Code.ACCOUNT_EXISTS)
    assert ann.get("/api/account/80999999").code == Code.ACCOUNT_NOT_FOUND


def test_live_state_away_is_503_never_zero(venue: Venue, redis_empty: Any) -> None:
    import redis as redis_package
    from django.conf import settings

    ann = person("ann")
    account_id = create(ann, init_cash=100).data["account_id"]
    venue.serve_abort()
    redis_package.Redis.from_url(settings.REDIS_URL).flushall()
    answer = ann.get(f"/api/account/{account_id}")
    assert (answer.status, answer.code) == (503, Code.LIVE_REBUILDING)
    assert answer.headers["Retry-After"] == "1"

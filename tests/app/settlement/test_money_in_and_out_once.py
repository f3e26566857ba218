"""Deposits and withdrawals: rows that become commands, exactly once, by the right people (trading-rules §11).
Run by pytest in the app tier, with the real engine."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.rights import RoleName
from engine.core.codes import Code
from settlement import services
from settlement.models import CashRequest
from tests.support.people import Person, person
from tests.support.venue import Venue

State = CashRequest.State
LATER = timedelta(seconds=6)


@pytest.fixture(autouse=True)
def venue(served_venue: Venue) -> Venue:
    """Every test here has the real engine at the real door."""
    return served_venue


@pytest.fixture
def ann() -> Person:
    """A trader."""
    return person("ann")


@pytest.fixture
def account_id(ann: Person, venue: Venue) -> str:
    """Her account with 1,000 yuan."""
    body = {"account_name": "main", "init_cash": 1000}
    opened: str = ann.post(f"/api/user/{ann.user_id}/account/create", body).data["account_id"]
    return opened


def deposit(someone: Person, account_id: str, amount: Any, **fields: Any) -> Any:
    return someone.post("/api/account/deposit", {"account_id": account_id, "amount": amount, **fields})


def withdraw(someone: Person, account_id: str, amount: Any, **fields: Any) -> Any:
    return someone.post("/api/account/withdraw", {"account_id": account_id, "amount": amount, **fields})


def balance(someone: Person, account_id: str) -> Decimal:
    found: Decimal = someone.get(f"/api/account/{account_id}").data["balance"]
    return found


def test_deposit_is_credited_and_shown_exactly(ann: Person, account_id: str, venue: Venue) -> None:
    answer = deposit(ann, account_id, "0.10", method="bank", remark="first")
    assert answer.status == 201
    assert answer.data["balance"] == answer.data["available"] == Decimal("1000.1000")
    assert (answer.data["state"], answer.data["account_id"]) == ("done", account_id)
    assert answer.data["seq"] == venue.engine.seq
    request = CashRequest.objects.get(request_id=answer.data["request_id"])
    assert (request.units, request.method, request.requested_by_id) == (1000, "bank", ann.user_id)
    shown = ann.get(f"/api/account/cash-requests/{request.request_id}").data
    assert (shown["amount"], shown["state"]) == (Decimal("0.1000"), "done")


def test_the_reference_calls_the_account_user_id(ann: Person, account_id: str) -> None:
    answer = ann.post("/api/account/deposit", {"user_id": account_id, "amount": 5})
    assert answer.data["balance"] == 1005
    both = ann.post("/api/account/deposit", {"user_id": account_id, "account_id": account_id, "amount": 5})
    assert (both.code, both.field) == (Code.FIELD_UNKNOWN, "user_id")
    neither = ann.post("/api/account/deposit", {"amount": 5})
    assert (neither.code, neither.field) == (Code.FIELD_REQUIRED, "account_id")


def test_spot_assets_go_to_wallets(ann: Person, account_id: str) -> None:
    answer = deposit(ann, account_id, "0.00000001", currency="BTC")
    assert (answer.data["balance"], answer.data["available"]) == (Decimal("1E-8"), Decimal("1E-8"))
    (wallet,) = ann.get(f"/api/account/{account_id}").data["wallets"]
    assert wallet == {"asset": "BTC", "available": Decimal("1E-8"), "locked": Decimal("0")}
    assert withdraw(ann, account_id, "0.00000001", currency="BTC").data["balance"] == 0


AMOUNTS_REFUSED = [
    ("0", Code.AMOUNT_INVALID),
    ("-1", Code.AMOUNT_INVALID),
    (-0.01, Code.AMOUNT_INVALID),
    ("0.001", Code.AMOUNT_INVALID),
    ("999999999999999999", Code.AMOUNT_INVALID),
    ("NaN", Code.NUMBER_INVALID),
    ("1e400", Code.NUMBER_INVALID),
    ("-0", Code.NUMBER_INVALID),
    ("１", Code.NUMBER_INVALID),
    (True, Code.NUMBER_INVALID),
    (None, Code.FIELD_INVALID),
]


@pytest.mark.parametrize(("amount", "code"), AMOUNTS_REFUSED)
@pytest.mark.parametrize("move", [deposit, withdraw])
def test_refused_amounts_change_nothing(
    ann: Person, account_id: str, venue: Venue, move: Any, amount: Any, code: Code
) -> None:
    seq = venue.engine.seq
    answer = move(ann, account_id, amount)
    assert (answer.status, answer.code, answer.field) == (422, code, "amount")
    assert not CashRequest.objects.exists()
    assert venue.engine.seq == seq
    assert balance(ann, account_id) == 1000


def test_unknown_currency_and_field_are_refused(ann: Person, account_id: str) -> None:
    assert deposit(ann, account_id, 5, currency="XYZ").code == Code.CURRENCY_UNKNOWN
    assert deposit(ann, account_id, 5, units=7).code == Code.FIELD_UNKNOWN
    assert not CashRequest.objects.exists()


def test_withdrawal_is_paid_up_to_the_quota_and_no_further(
    ann: Person, account_id: str, venue: Venue
) -> None:
    refused = withdraw(ann, account_id, "1000.01")
    assert (refused.status, refused.code) == (422, Code.WITHDRAW_QUOTA_EXCEEDED)
    assert refused.body["error"]["limit"] == "1000 CNY"
    assert "1000.01" in refused.body["error"]["message"]
    assert balance(ann, account_id) == 1000
    paid = withdraw(ann, account_id, 1000)
    assert (paid.status, paid.data["state"], paid.data["balance"]) == (201, "done", 0)
    assert venue.engine.check() == []


def test_a_repeated_key_moves_money_once_and_another_body_conflicts(ann: Person, account_id: str) -> None:
    first = deposit(ann, account_id, 5, idempotency_key="k1")
    again = deposit(ann, account_id, "5.00", idempotency_key="k1")
    assert again.data["request_id"] == first.data["request_id"]
    assert balance(ann, account_id) == 1005
    conflict = deposit(ann, account_id, 6, idempotency_key="k1")
    assert (conflict.status, conflict.code) == (409, Code.IDEMPOTENCY_CONFLICT)
    assert withdraw(ann, account_id, 5, idempotency_key="k1").code == Code.IDEMPOTENCY_CONFLICT
    assert balance(ann, account_id) == 1005


def test_a_refusal_repeated_by_key_is_the_same_refusal(ann: Person, account_id: str, venue: Venue) -> None:
    first = withdraw(ann, account_id, 5000, idempotency_key="k1")
    seq = venue.engine.seq
    assert withdraw(ann, account_id, 5000, idempotency_key="k1").body == first.body
    assert venue.engine.seq == seq


def test_without_a_leader_the_request_waits_and_the_sweep_moves_it_once(
    ann: Person, account_id: str, venue: Venue
) -> None:
    venue.serve_end()
    answer = deposit(ann, account_id, 5)
    assert (answer.status, answer.data["state"], answer.data["seq"]) == (202, "requested", None)
    venue.serve()
    assert services.cash_requests_resend(now=timezone.now()) == 0  # too young to ask again
    assert services.cash_requests_resend(now=timezone.now() + LATER) == 1
    assert services.cash_requests_resend(now=timezone.now() + 2 * LATER) == 0
    assert balance(ann, account_id) == 1005


@pytest.mark.parametrize("move", [deposit, withdraw])
def test_lost_answers_move_money_once(ann: Person, account_id: str, venue: Venue, move: Any) -> None:
    answer = move(ann, account_id, 5)
    after = balance(ann, account_id)
    CashRequest.objects.update(state=State.REQUESTED, seq=None)
    again = services.cash_request_send(request_id=answer.data["request_id"], now=timezone.now())
    assert again.state == State.DONE
    assert balance(ann, account_id) == after
    CashRequest.objects.filter(kind="withdrawal").update(state=State.PENDING)
    again = services.cash_request_send(request_id=answer.data["request_id"], now=timezone.now())
    assert again.state == State.DONE
    assert balance(ann, account_id) == after
    assert venue.engine.check() == []


@pytest.fixture
def by_operator(settings: Any) -> Person:
    """A venue where every amount needs an operator, and the operator."""
    settings.OUTCRY_DEPOSIT_AUTO_MAX = settings.OUTCRY_WITHDRAW_AUTO_MAX = 0
    return person("olga", RoleName.OPERATOR)


def decide(operator: Person, request_id: str, what: str) -> Any:
    return operator.post(f"/api/management/cash-requests/{request_id}/{what}")


def test_deposit_waits_for_the_operator(ann: Person, account_id: str, by_operator: Person) -> None:
    asked = deposit(ann, account_id, 5)
    assert (asked.status, asked.data["state"], asked.data["balance"]) == (202, "requested", 1000)
    (waiting,) = by_operator.get("/api/management/cash-requests?state=requested").data["records"]
    assert waiting["request_id"] == asked.data["request_id"]
    assert services.cash_requests_resend(now=timezone.now() + LATER) == 0
    done = decide(by_operator, asked.data["request_id"], "approve")
    assert done.data["state"] == "done"
    assert balance(ann, account_id) == 1005
    again = decide(by_operator, asked.data["request_id"], "refuse")
    assert (again.status, again.code) == (409, Code.STATE_CONFLICT)
    assert balance(ann, account_id) == 1005


def test_refused_deposit_credits_nothing(ann: Person, account_id: str, by_operator: Person) -> None:
    asked = deposit(ann, account_id, 5)
    assert decide(by_operator, asked.data["request_id"], "refuse").data["state"] == "refused"
    assert services.cash_requests_resend(now=timezone.now() + LATER) == 0
    assert balance(ann, account_id) == 1000


def test_pending_withdrawal_has_left_and_a_refusal_posts_it_back(
    ann: Person, account_id: str, by_operator: Person, venue: Venue
) -> None:
    asked = withdraw(ann, account_id, 300)
    assert (asked.status, asked.data["state"], asked.data["available"]) == (202, "pending", 700)
    refused = decide(by_operator, asked.data["request_id"], "refuse")
    assert (refused.data["state"], refused.data["code"]) == ("refused", Code.CANCELLED_BY_VENUE)
    assert balance(ann, account_id) == 1000
    asked = withdraw(ann, account_id, 300)
    assert decide(by_operator, asked.data["request_id"], "approve").data["state"] == "done"
    assert balance(ann, account_id) == 700
    assert venue.engine.check() == []


def test_a_decision_taken_without_a_leader_is_carried_out_by_the_sweep(
    ann: Person, account_id: str, by_operator: Person, venue: Venue
) -> None:
    asked = withdraw(ann, account_id, 300)
    venue.serve_end()
    assert decide(by_operator, asked.data["request_id"], "refuse").data["state"] == "pending"
    venue.serve()
    assert services.cash_requests_resend(now=timezone.now() + LATER) == 1
    assert balance(ann, account_id) == 1000


def test_nobody_decides_his_own_request(by_operator: Person, account_id: str) -> None:
    asked = deposit(by_operator, account_id, 5)
    assert asked.status == 202
    answer = decide(by_operator, asked.data["request_id"], "approve")
    assert (answer.status, answer.code) == (403, Code.FORBIDDEN)
    second = person("oscar", RoleName.OPERATOR)
    assert decide(second, asked.data["request_id"], "approve").data["state"] == "done"


def test_readonly_role_moves_no_money(account_id: str, ann: Person) -> None:
    from accounts.services import user_roles_set

    user_roles_set(user_id=ann.user_id, roles=[RoleName.READONLY], granted_by=None, now=timezone.now())
    assert deposit(ann, account_id, 5).code == Code.FORBIDDEN
    assert withdraw(ann, account_id, 5).code == Code.FORBIDDEN
    assert balance(ann, account_id) == 1000


def test_trading_password_guards_withdrawals(ann: Person, settings: Any, venue: Venue) -> None:
    body = {"account_name": "safe", "init_cash": 1000, "password": "fund secret"}
    account_id = ann.post(f"/api/user/{ann.user_id}/account/create", body).data["account_id"]
    wrong = withdraw(ann, account_id, 5, password="x")
    assert (wrong.status, wrong.code, wrong.field) == (401, Code.LOGIN_FAILED, "password")
    settings.OUTCRY_WITHDRAW_PASSWORD = True
    assert withdraw(ann, account_id, 5).code == Code.LOGIN_FAILED
    assert balance(ann, account_id) == 1000
    assert withdraw(ann, account_id, 5, password="fund secret").data["balance"] == 995

"""A web process that dies between a commit and its command loses nothing: the beat's sweep sends it (DESIGN §6).
Run by pytest, stack tier, against the real Celery worker and beat."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.support.clients import call, logged_in
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until

# What a request does up to its commit, and no further: as if killed there.
REQUESTED = """
from decimal import Decimal
from django.utils import timezone
from accounts import services as accounts
from settlement import services as settlement
from settlement.models import CashRequest
account = accounts.account_request(
    user_id={user_id}, name="left over", account_type="individual", init_cash=Decimal(5000),
    idempotency_key="left-over", now=timezone.now(),
)
request = settlement.cash_request(
    kind=CashRequest.Kind.DEPOSIT, account_id={account_id}, currency="CNY", amount=Decimal("123.45"),
    requested_by={user_id}, idempotency_key="left-over", now=timezone.now(),
)
print(account.pk, request.request_id)
"""
SWEEP_S = 20


def test_an_account_and_a_deposit_are_carried_out_by_the_sweep(stack: RunningStack) -> None:
    bob = logged_in(stack, "bob")
    mine, token = bob["account_ids"][0], bob["token"]

    def account(account_id: str) -> Any:
        rows = call(stack.web, "GET", f"/api/user/{bob['user_id']}/accounts", token=token)["accounts"]
        return next(row for row in rows if row["account_id"] == account_id)

    before = account(mine)["balance"]
    code = REQUESTED.format(user_id=bob["user_id"], account_id=mine)
    done = stack.manage("shell", "--no-imports", "-c", code)
    assert done.returncode == 0, done.stderr
    opened, request_id = done.stdout.split()

    wait_until(lambda: account(opened)["state"] == "open", SWEEP_S, "the sweep opened the account")
    assert account(opened)["balance"] == 5000
    asked = f"/api/account/cash-requests/{request_id}"
    wait_until(lambda: call(stack.web, "GET", asked, token=token)["state"] == "done", SWEEP_S)
    assert account(mine)["balance"] == before + Decimal("123.45")

"""The access rows of settlement/api.
Found by tests/support/matrix."""

from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.rights import Right
from settlement import services
from settlement.models import CashRequest
from tests.support.matrix import Row, World


def prepare(world: World) -> None:
    """A deposit of the victim's above the venue's limit, so that an operator must decide."""
    request = services.cash_request(
        kind=CashRequest.Kind.DEPOSIT,
        account_id=int(world.ids["account_id"]),
        currency="CNY",
        amount=Decimal(100_000_000),
        requested_by=world.victim.user_id,
        idempotency_key="matrix",
        now=timezone.now(),
    )
    world.ids["request_id"] = request.request_id


def _cash(world: World) -> dict[str, Any]:
    return {"account_id": world.ids["account_id"], "amount": "10.00"}


ROWS = [
    Row("POST", "api/account/deposit", owner=True, right=Right.CASH_APPROVE, body=_cash),
    Row("POST", "api/account/withdraw", owner=True, right=Right.CASH_APPROVE, body=_cash),
    Row("GET", "api/account/cash-requests/{request_id}", owner=True, right=Right.ACCOUNTS_READ),
    Row("GET", "api/management/cash-requests", right=Right.ACCOUNTS_READ),
    Row("POST", "api/management/cash-requests/{request_id}/approve", right=Right.CASH_APPROVE),
    Row("POST", "api/management/cash-requests/{request_id}/refuse", right=Right.CASH_APPROVE),
]

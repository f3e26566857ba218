"""Row locks of money requests.
Called by settlement/services.py inside a transaction."""

from __future__ import annotations

from accounts.models import TradingAccount
from settlement.models import CashRequest


def account_lock(*, account_id: int) -> TradingAccount | None:
    """The open account's row, locked until the transaction ends; None when there is none."""
    open_accounts = TradingAccount.objects.filter(state=TradingAccount.State.OPEN)
    return open_accounts.select_for_update().filter(pk=account_id).first()


def cash_request_lock(*, request_id: str) -> CashRequest | None:
    """The request's row, locked until the transaction ends; None when there is none."""
    return CashRequest.objects.select_for_update().filter(request_id=request_id).first()

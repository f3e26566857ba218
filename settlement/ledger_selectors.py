"""Reads of the ledger and of closed days; every list has a page limit.
Called by settlement/api, pages, statements and reconcile."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Sum

from market.history import page_check
from settlement.ledger import DailyAccount, LedgerEntry


def ledger_entries(
    *, account_ids: Sequence[int], currency: str = "", before_seq: int = 0, limit: int = 100
) -> list[LedgerEntry]:
    """The accounts' postings, the newest first; a page may end within a sequence, so page by `before_seq`
    from the last whole one."""
    found = LedgerEntry.objects.filter(account_id__in=account_ids)
    if currency:
        found = found.filter(currency=currency)
    if before_seq:
        found = found.filter(seq__lt=before_seq)
    return list(found.order_by("-seq", "-line")[: page_check(limit)])


def ledger_balances() -> dict[tuple[str, str], int]:
    """(currency, ledger account) → units, debit positive; sums to 0 per currency."""
    sums = LedgerEntry.objects.values_list("currency", "account").annotate(total=Sum("amount"))
    return {(currency, account): int(total) for currency, account, total in sums}


def daily_accounts(*, account_ids: Sequence[int], trading_day: int = 0, limit: int = 100) -> list[DailyAccount]:
    """Closed days, the newest first."""
    found = DailyAccount.objects.filter(account_id__in=account_ids)
    if trading_day:
        found = found.filter(trading_day=trading_day)
    return list(found.order_by("-trading_day", "account_id")[: page_check(limit)])

"""Row locks of money requests, and the lock of the one who drives the day.
Called by settlement/services.py inside a transaction, by settlement/day.py around a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

from accounts.models import TradingAccount
from settlement.models import CashRequest


def account_lock(*, account_id: int) -> TradingAccount | None:
    """The open account's row, locked until the transaction ends; None when there is none."""
    open_accounts = TradingAccount.objects.filter(state=TradingAccount.State.OPEN)
    return open_accounts.select_for_update().filter(pk=account_id).first()


def cash_request_lock(*, request_id: str) -> CashRequest | None:
    """The request's row, locked until the transaction ends; None when there is none."""
    return CashRequest.objects.select_for_update().filter(request_id=request_id).first()


# Of this database; the projector's lock is another number.
DAY_LOCK: Final = 0x4F43_4441  # "OCDA"


@contextmanager
def day_lock() -> Iterator[bool]:
    """Held by whoever drives the end of day, over many commands and transactions; False: somebody else does.

    It belongs to the database session, so that a killed process lets it go."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [DAY_LOCK])
        held = bool(cursor.fetchone()[0])
    try:
        yield held
    finally:
        if held and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [DAY_LOCK])

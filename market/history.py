"""How far history reaches, and waiting for it to reach what a reader has already been told.
Called by the selectors and APIs of every app that reads projected rows."""

from __future__ import annotations

import time
from typing import Final

from accounts.http.envelope import ApiError
from engine.core.codes import Code
from market.models import Progress, TradingDay

PARTITION: Final = 0
WAIT_MS: Final = 1_000
POLL_S: Final = 0.01
PAGE_MAX: Final = 500


def applied_seq() -> int:
    """The sequence up to which every projected row is there; 0 before the first."""
    return Progress.objects.filter(partition=PARTITION).values_list("seq", flat=True).first() or 0


def history_wait(seq: int, *, timeout_ms: int = WAIT_MS) -> int:
    """Wait until history reaches `seq` (a write's answer carried it, or live state's head for the account).

    Returns how far it reaches then, to be answered as `as_of_seq`. ApiError HISTORY_BEHIND when it does not
    in time: a reader is told to come again, never that what he wrote is not there."""
    deadline = time.monotonic() + timeout_ms / 1000
    while (reached := applied_seq()) < seq:
        if time.monotonic() >= deadline:
            raise ApiError(Code.HISTORY_BEHIND, value=seq, limit=reached, retry_after=1)
        time.sleep(POLL_S)
    return reached


def trading_day_of(seq: int) -> int:
    """The trading day a sequence (an order id is one) belongs to; 0 before the first."""
    opened = TradingDay.objects.filter(seq__lt=seq).order_by("-seq").values_list("trading_day", flat=True)
    return opened.first() or 0


def page_check(limit: int) -> int:
    """A page's size; ValueError outside 1 … PAGE_MAX (the border has refused it with its field before)."""
    if not 1 <= limit <= PAGE_MAX:
        raise ValueError(f"a page has 1 to {PAGE_MAX} rows, not {limit}")
    return limit

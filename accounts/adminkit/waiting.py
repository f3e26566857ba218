"""Waiting for the projected row of a command that was just answered.
Called by the admin's acts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from accounts.projected import ProjectedModel

WAIT_S: Final = 2.0
POLL_S: Final = 0.02


def row_wait(
    model: type[ProjectedModel],
    pk: Any,
    seq: int,
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> bool:
    """True once the row has reached the sequence; False when it has not within 2 s."""
    deadline = clock() + WAIT_S
    while not model.objects.filter(pk=pk, seq__gte=seq).exists():
        if clock() >= deadline:
            return False
        pause(POLL_S)
    return True

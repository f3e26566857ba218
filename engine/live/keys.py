"""The names of live state's keys in Redis and its head.
Called by the writer, the reader and tools that look at Redis (reconcile, tests)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PARTITION = 0
HEAD_FIELDS = ("epoch", "seq", "instance", "generation", "history_seq")


@dataclass(slots=True, frozen=True)
class Head:
    """Where live state stands: the journal sequence it shows and who wrote it under which epoch.

    Orders that finished at or before `history_seq` may be found only in the history."""

    epoch: int
    seq: int
    instance: str
    generation: str
    history_seq: int


def live_prefix(stack_id: str) -> str:
    """Everything of live state begins with it."""
    return f"live:{stack_id}:{PARTITION}:"


def head_key(stack_id: str) -> str:
    """The hash of HEAD_FIELDS."""
    return f"{live_prefix(stack_id)}head"


def generation_prefix(stack_id: str) -> str:
    """Followed by a generation's name and a colon: the prefix of its keys."""
    return f"{live_prefix(stack_id)}g"


def projected_key(stack_id: str) -> str:
    """Holds the projector's applied sequence (decimal text), written by it after each commit."""
    return f"projected:{stack_id}:{PARTITION}"


def head_parse(values: Sequence[bytes | None]) -> Head | None:
    """The head from HMGET of HEAD_FIELDS; None when it is missing."""
    if any(value is None for value in values):
        return None
    epoch, seq, instance, generation, history_seq = (bytes(value or b"").decode() for value in values)
    return Head(int(epoch), int(seq), instance, generation, int(history_seq))

"""The journal as the rest of the engine sees it: batches in, batches out, one writer at a time.
Used by the leader, the followers, reconcile and the tests; implemented in ``file``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
MAX_COUNT = 1_000_000
EVENT_HASH_BYTES = 32
HEARTBEAT_STALE_NS = 2_000_000_000
"""A writer whose heartbeat is older may be taken over while its process lives (DESIGN §5)."""


@dataclass(slots=True, frozen=True)
class Batch:
    """One durable unit: ``count`` commands with consecutive sequence numbers and one time.

    epoch: the writer's · first_seq: from 1 · count: ≥ 1 · time: ns UTC, never below the previous batch's ·
    event_hash: 32 bytes, the running hash of all events up to first_seq − 1 · payload: opaque, ≤ 8 MiB.
    """

    epoch: int
    first_seq: int
    count: int
    time: int
    event_hash: bytes
    payload: bytes

    @property
    def last_seq(self) -> int:
        return self.first_seq + self.count - 1


@dataclass(slots=True, frozen=True)
class Mark:
    """How far the journal is durable and acknowledged by its writer; readers never pass it.

    epoch: of the writer who set it · seq: last durable sequence (0: none) · segment: its index, from 1
    (0: nothing was ever written) · offset: byte after the last record · heartbeat_ns: when the newest
    writer last said it lives.
    """

    epoch: int
    seq: int
    segment: int
    offset: int
    heartbeat_ns: int


class Tail(Protocol):
    """A reader's place in the journal; cheap to poll."""

    def poll(self) -> list[Batch]:
        """Next batches up to the mark, some 16 MiB at most; [] only if there are none. JournalDamaged."""
        ...

    def close(self) -> None: ...


class Journal(Protocol):
    """An append-only log of batches with one writer, guarded by an epoch.

    Any process may open the same journal to read; it becomes the writer by ``take_over``.
    """

    def take_over(self) -> int:
        """Become the writer: fence the others, read the tail, seal. Returns the new epoch.

        Raises JournalFenced (someone else did so at the same time), JournalFull, JournalDamaged,
        JournalVersion; then this instance is not the writer.
        """
        ...

    def append(self, batch: Batch) -> None:
        """Return once the batch is durable and this writer still holds the highest epoch.

        Raises JournalFenced, JournalFull (nothing was sequenced), JournalDamaged (the disk failed, outcome
        unknown), ValueError (the batch does not follow the last one; nothing was written).
        """
        ...

    def read(self, from_seq: int) -> Iterator[Batch]:
        """Each batch with last_seq ≥ from_seq, up to the durable mark as it is at the first ``next``."""
        ...

    def follow(self, from_seq: int) -> Tail:
        """A reader that keeps its place: the same batches as ``read``, and later ones as they come."""
        ...

    def durable(self) -> Mark: ...

    def heartbeat(self, now: int) -> None:
        """Writer: say that it lives, at least every 500 ms. now: ns. JournalFenced if not the writer."""
        ...

    def heartbeat_age(self, now: int) -> int:
        """Nanoseconds since the newest writer's last heartbeat, ≥ 0; ``now`` if there never was one."""
        ...

    def writer_is_dead(self) -> bool:
        """True when no living process holds the newest epoch (also when there never was one)."""
        ...

    def check_epoch(self) -> None:
        """Raises JournalFenced if a higher epoch exists or this instance is not the writer."""
        ...

    def void(self, seq: int, reason: str) -> None:
        """Durably record that every replay skips ``seq``; doing it again changes nothing.

        Raises ValueError (not a durable sequence, reason empty or longer than 400 bytes), JournalFull.
        """
        ...

    def voided(self) -> dict[int, str]:
        """Sequence → reason, in the order in which they were voided."""
        ...

    def close(self) -> None: ...

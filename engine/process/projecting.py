"""What a follower needs of whoever derives rows from the journal; the composition root provides it.
Implemented outside the engine (exchange/projecting.py), called by engine.process.projection."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.core.commands import Command
from engine.core.engine import Applied, Engine
from engine.journal import Batch


class ProjectorLost(Exception):
    """Progress moved under this projector: another one projects now. Let go and acquire again later."""


@dataclass(slots=True)
class Record:
    """One batch of the journal, replayed: its commands (None: voided) and what they caused.

    event_hash: the running hash of all events up to and including this batch.
    """

    batch: Batch
    commands: list[Command | None]
    applied: Applied
    event_hash: bytes


class Projector(Protocol):
    """Exactly-once derivation of rows; one at a time holds the right to it."""

    def acquire(self) -> bool:
        """Take the right (a Postgres advisory lock); False when another holds it or Postgres is away."""
        ...

    def applied_seq(self) -> int:
        """The last sequence whose rows are committed; 0 for none."""
        ...

    def prepare(self, records: Sequence[Record], engine: Engine) -> Any:
        """Gather rows; `engine` stands exactly at the last record's last sequence. Fast, no I/O."""
        ...

    def commit(self, prepared: Any) -> None:
        """Write them in one transaction; called in a thread. Raises ProjectorLost, or what Postgres raises."""
        ...

    def release(self) -> None:
        """Give the right back; harmless when it is not held."""
        ...

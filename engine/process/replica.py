"""A copy of the state made by replaying the journal, and the running hash that proves it is the same.
Used by the follower, by the leader (who goes on from it), by reconcile and rebuild."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from engine import messages
from engine.core.commands import Command
from engine.core.engine import Applied, Engine
from engine.core.events import Event
from engine.journal import Batch, Journal
from engine.process.projecting import Record
from engine.snapshots import Snapshot, SnapshotStore, snapshot_take

EVENT_HASH_START = bytes(32)


class ReplayDiffers(Exception):
    """This replay came to other events than the leader that wrote the journal."""

    def __init__(self, batch: Batch, own: bytes) -> None:
        super().__init__(
            f"replay differs before sequence {batch.first_seq}: the journal says events "
            f"{batch.event_hash.hex()}, this replay came to {own.hex()}"
        )
        self.batch = batch
        self.own = own


class ApplyFailed(Exception):
    """The core raised: a defect of ours. Nothing of this batch was published."""

    def __init__(self, seq: int, error: BaseException) -> None:
        super().__init__(
            f"the engine failed at sequence {seq} ({type(error).__name__}: {error}); "
            f'after looking into it: manage.py journal void {seq} --reason "…"'
        )
        self.seq = seq


def event_hash_next(before: bytes, events: Iterable[Event]) -> bytes:
    """The running hash after one more batch of events."""
    return hashlib.blake2b(before + messages.events_encode(events), digest_size=32).digest()


class Replica:
    """The state after `seq`, with the hash of every event up to it."""

    def __init__(self, engine: Engine, event_hash: bytes = EVENT_HASH_START) -> None:
        self.engine = engine
        self.event_hash = event_hash

    @classmethod
    def restored(cls, snapshot: Snapshot | None) -> "Replica":
        """From a snapshot, or from the beginning."""
        if snapshot is None:
            return cls(Engine())
        return cls(snapshot.engine(), snapshot.event_hash)

    @property
    def seq(self) -> int:
        return self.engine.seq

    def snapshot(self) -> Snapshot:
        return snapshot_take(self.engine, self.event_hash)

    def replay(self, batch: Batch, voided: dict[int, str]) -> Record:
        """Apply one batch of the journal. Raises ReplayDiffers, ApplyFailed, WireRefused."""
        if batch.event_hash != self.event_hash:
            raise ReplayDiffers(batch, self.event_hash)
        commands: list[Command | None] = list(messages.commands_decode(batch.payload))
        if voided:
            for i in range(batch.count):
                if batch.first_seq + i in voided:
                    commands[i] = None
        applied = self.apply(commands, batch.first_seq, batch.time)
        return Record(batch, commands, applied, self.event_hash)

    def apply(self, commands: Sequence[Command | None], first_seq: int, time: int) -> Applied:
        """Apply commands that are durable. Raises ApplyFailed, after which this replica is of no use."""
        try:
            applied = self.engine.apply(commands, first_seq, time)
        except Exception as error:
            raise ApplyFailed(self.engine.seq, error) from error
        self.event_hash = event_hash_next(self.event_hash, applied.events)
        return applied


def replayed(
    journal: Journal, snapshots: SnapshotStore | None, seq: int, *, replica: Replica | None = None
) -> Iterator[tuple[Replica, Record]]:
    """Replay up to exactly `seq`, from the newest snapshot at or below it (None: from the beginning).

    Yields the replica after each batch with the record of that batch. A batch is applied whole, so `seq` must be
    the end of one, as every sequence the projector stands at is; raises ValueError otherwise.
    """
    if replica is None:
        replica = Replica.restored(snapshots.newest(seq) if snapshots else None)
    voided = journal.voided()
    if replica.seq < seq:
        for batch in journal.read(replica.seq + 1):
            if batch.last_seq > seq:
                break
            yield replica, replica.replay(batch, voided)
            if replica.seq == seq:
                break
    if replica.seq != seq:
        raise ValueError(f"sequence {seq} is not the end of a batch the journal holds ({replica.seq} is)")

"""The engine process without the network: decode, sequence, journal with fdatasync, apply, hash and encode the events.
Run as `python -m benchmarks.worker [orders]`; also how fast a journal is replayed and a snapshot loaded."""

import gc
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import core, workload
from engine import messages
from engine.core.commands import Command
from engine.core.engine import Engine
from engine.journal import Batch, FileJournal
from engine.process.replica import Replica
from engine.snapshots import snapshot_take

BATCHES = (1, 10, 100)


def frames_of(commands: list[Command], size: int) -> list[bytes]:
    """The commands as they come from gateways, `size` a frame."""
    return [messages.commands_encode(commands[i : i + size]) for i in range(0, len(commands), size)]


def drive(replica: Replica, journal: FileJournal, epoch: int, frames: list[bytes]) -> float:
    """Seconds of wall clock from the first frame to the last encoded event."""
    begun = time.perf_counter()
    for frame in frames:
        commands = messages.commands_decode(frame)
        batch = Batch(
            epoch=epoch,
            first_seq=replica.seq + 1,
            count=len(commands),
            time=max(time.time_ns(), replica.engine.time),
            event_hash=replica.event_hash,
            payload=frame,
        )
        journal.append(batch)
        replica.apply(commands, batch.first_seq, batch.time)
    return time.perf_counter() - begun


def venue(folder: Path, instruments: int) -> tuple[Replica, FileJournal, int]:
    """A journal that begins with the listing and funding of the benchmark's venue."""
    journal = FileJournal(folder, clock=time.time_ns)
    epoch = journal.take_over()
    replica = Replica(Engine())
    drive(replica, journal, epoch, [messages.commands_encode(core.opening(instruments))])
    return replica, journal, epoch


def main(orders: int) -> None:
    steps, _ = workload.standard(orders, 1)
    for size in BATCHES:
        count = min(orders, 2_000 * size)
        with tempfile.TemporaryDirectory() as folder:
            replica, journal, epoch = venue(Path(folder), 1)
            frames = frames_of(core.commands_of(steps[:count], replica.seq + 1), size)
            gc.collect()
            gc.freeze()
            gc.disable()
            spent = drive(replica, journal, epoch, frames)
            gc.enable()
            gc.unfreeze()
            print(f"worker, {size} a batch: {count / spent:,.0f} commands/s")
            if size == BATCHES[-1]:
                replay_and_load(journal, replica, count)
            journal.close()


def replay_and_load(journal: FileJournal, replica: Replica, count: int) -> None:
    """Replay what was just written in a fresh engine; load its snapshot."""
    begun = time.perf_counter()
    again = Replica(Engine())
    for batch in journal.read(1):
        again.replay(batch, {})
    spent = time.perf_counter() - begun
    assert again.event_hash == replica.event_hash
    print(f"replay: {count / spent:,.0f} commands/s, equal event hash")
    snapshot = snapshot_take(replica.engine, replica.event_hash)
    begun = time.perf_counter()
    snapshot.engine()
    orders = len(replica.engine.orders)
    print(f"snapshot with {orders:,} orders loads in {time.perf_counter() - begun:.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)

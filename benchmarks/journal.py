"""How fast the file journal makes batches durable: records of 200 B, 1 to 1,000 of them a batch.
Run by hand or by ``make bench``: ``python benchmarks/journal.py [--folder DIR] [--seconds S]``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.journal import Batch, FileJournal

RECORD_BYTES = 200
COUNTS = (1, 10, 100, 1_000)
WARM_UP_BATCHES = 50
MIN_BATCHES = 100
MAX_BYTES = 1024 * 1024 * 1024


def append_times(folder: Path, count: int, seconds: float) -> list[float]:
    """Seconds each append took; the load is closed: the next batch waits for the last."""
    journal = FileJournal(folder, clock=time.time_ns)
    epoch = journal.take_over()
    payload, event_hash = b"\x5a" * (RECORD_BYTES * count), bytes(32)
    times: list[float] = []
    most = WARM_UP_BATCHES + max(MIN_BATCHES, MAX_BYTES // len(payload))
    start = time.perf_counter()
    while len(times) < most and (len(times) < MIN_BATCHES or time.perf_counter() - start < seconds):
        batch = Batch(epoch, 1 + len(times) * count, count, time.time_ns(), event_hash, payload)
        before = time.perf_counter()
        journal.append(batch)
        times.append(time.perf_counter() - before)
    journal.close()
    return times[WARM_UP_BATCHES:]


def read_rate(folder: Path) -> float:
    """MB of payload a second a replay reads, checksums and chain checked."""
    journal = FileJournal(folder, clock=time.time_ns)
    before = time.perf_counter()
    size = sum(len(batch.payload) for batch in journal.read(1))
    elapsed = time.perf_counter() - before
    journal.close()
    return size / elapsed / 1e6


def poll_time(folder: Path, polls: int = 20_000) -> float:
    """Seconds a poll takes when there is nothing new."""
    journal = FileJournal(folder, clock=time.time_ns)
    tail = journal.follow(journal.durable().seq + 1)
    tail.poll()
    before = time.perf_counter()
    for _ in range(polls):
        tail.poll()
    elapsed = time.perf_counter() - before
    tail.close()
    journal.close()
    return elapsed / polls


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, help="where the disk to measure is (default: the temporary one)"
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="for each batch size")
    options = parser.parse_args()
    print(f"file journal, write + fdatasync + epoch check + mark, records of {RECORD_BYTES} B")
    print("| records a batch | batches | records/s | p50 ms | p99 ms | p99.9 ms | replay MB/s |")
    print("|---|---|---|---|---|---|---|")
    idle = 0.0
    for count in COUNTS:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            times = append_times(Path(folder), count, options.seconds)
            rate = len(times) * count / sum(times)
            p50, p99, p999 = (percentile(times, share) * 1e3 for share in (0.5, 0.99, 0.999))
            replay = read_rate(Path(folder))
            idle = poll_time(Path(folder))
        row = f"| {count:,} | {len(times):,} | {rate:,.0f} | {p50:.3f} | {p99:.3f} | {p999:.3f}"
        print(f"{row} | {replay:,.0f} |")
    print(f"a follower's poll with nothing new: {idle * 1e6:.1f} µs")


if __name__ == "__main__":
    main()

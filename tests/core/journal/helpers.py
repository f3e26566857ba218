"""What the journal tests share: batches with a pattern, journals in a folder, writers in other processes.
Imported by the test modules beside it."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from engine.journal import Batch, FileJournal
from engine.journal.epochs import epoch_path

ROOT = Path(__file__).resolve().parents[3]
WAIT_SECONDS = 20.0
SEGMENT_BYTES = 4096
POINTS_OF_APPEND = (
    "journal.before_write",
    "journal.after_write",
    "journal.after_sync",
    "journal.after_epoch_check",
    "journal.after_mark",
    "journal.roll",
)
POINTS_OF_TAKE_OVER = ("journal.take_over.after_epoch", "journal.take_over.after_seal")


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {WAIT_SECONDS} s for: {what}")
        os.sched_yield()


def counting_clock() -> Callable[[], int]:
    """1, 2, 3, …"""
    return itertools.count(1).__next__


def journal_open(folder: Path, segment_bytes: int = SEGMENT_BYTES) -> FileJournal:
    return FileJournal(folder, segment_bytes=segment_bytes, clock=counting_clock())


def batch_make(epoch: int, first_seq: int, count: int = 1, payload: bytes | None = None) -> Batch:
    """A batch whose every field follows from its arguments."""
    body = f"{epoch}:{first_seq};".encode() if payload is None else payload
    return Batch(epoch, first_seq, count, first_seq * 10, bytes([first_seq % 256]) * 32, body)


def journal_fill(
    journal: FileJournal, epoch: int, seqs: Iterable[int], size: int | None = None
) -> list[Batch]:
    """Append one batch a sequence; payloads of ``size`` bytes if given."""
    batches = [
        batch_make(epoch, seq, payload=None if size is None else bytes([seq % 256]) * size) for seq in seqs
    ]
    for batch in batches:
        journal.append(batch)
    return batches


def read_all(folder: Path, from_seq: int = 1) -> list[Batch]:
    journal = journal_open(folder)
    try:
        return list(journal.read(from_seq))
    finally:
        journal.close()


def take_over_all(folder: Path) -> list[Batch]:
    """What a new writer keeps."""
    journal = journal_open(folder)
    try:
        journal.take_over()
        return list(journal.read(1))
    finally:
        journal.close()


def segment_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.segment"))


def folder_bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def file_flip(path: Path, offset: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1 << bit
    path.write_bytes(data)


def mark_bytes(folder: Path, epoch: int) -> bytes:
    return epoch_path(folder, epoch).read_bytes()


def mark_restore(folder: Path, epoch: int, data: bytes) -> None:
    epoch_path(folder, epoch).write_bytes(data)


class WriterProcess:
    """``writer_process`` as a child, with a fault if given (``point:action@N``)."""

    def __init__(self, folder: Path, count: int, fault: str = "") -> None:
        environment = dict(os.environ, PYTHONPATH=str(ROOT), OUTCRY_FAULT=fault, OUTCRY_FAULTS_ALLOWED="1")
        module = "tests.core.journal.writer_process"
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, str(folder), str(SEGMENT_BYTES), str(count)],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def wait_stopped(self) -> None:
        stat = Path(f"/proc/{self._process.pid}/stat")
        wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] in "TZ", "the writer has stopped")
        assert self._process.poll() is None, "the writer ended before its fault point"

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def finish(self) -> tuple[int, list[str]]:
        """Exit code and the lines it printed."""
        output, _ = self._process.communicate(timeout=WAIT_SECONDS)
        return self._process.returncode, output.splitlines()

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def returned_seqs(lines: list[str]) -> list[int]:
    return [int(line.split()[1]) for line in lines if line.startswith("returned ")]

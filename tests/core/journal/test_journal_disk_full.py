"""A full disk: JournalFull, nothing half, and the same writer goes on once there is space.
Core tier: needs no service; one part needs the right to mount."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.journal import Batch, FileJournal, JournalFull
from tests.core.journal.helpers import (
    ROOT,
    batch_make,
    counting_clock,
    journal_open,
    read_all,
    segment_files,
    take_over_all,
)

DISK_BYTES = 1024 * 1024
PAYLOAD = b"z" * 20_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB of its own."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=700", "none", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk; the limit on file size below needs none")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def disk_fill(path: Path) -> None:
    """The whole of it: tmpfs takes part of a write before it refuses."""
    with path.open("wb", buffering=0) as file:
        while file.write(bytes(min(4096, os.statvfs(path.parent).f_bavail * 4096))):
            pass


def append_until_full(journal: FileJournal, epoch: int, first_seq: int) -> list[Batch]:
    batches: list[Batch] = []
    with pytest.raises(JournalFull, match="no space for sequence"):  # noqa: PT012 (the one that fails is sought)
        for seq in range(first_seq, first_seq + 1_000):
            batch = batch_make(epoch, seq, payload=PAYLOAD)
            journal.append(batch)
            batches.append(batch)
    return batches


@pytest.mark.parametrize("segment_bytes", [100_000, 64 * 1024 * 1024], ids=["while rolling", "in a segment"])
def test_a_full_disk_sequences_nothing_and_the_journal_stays_usable(
    small_disk: Path, segment_bytes: int
) -> None:
    folder = small_disk / "journal"
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(300_000))
    journal = FileJournal(folder, segment_bytes=segment_bytes, clock=counting_clock())
    journal.take_over()
    batches = append_until_full(journal, 1, 1)
    assert 20 < len(batches) < 40
    before = journal.durable()
    for _ in range(3):
        with pytest.raises(JournalFull):
            journal.append(batch_make(1, len(batches) + 1, payload=PAYLOAD))
        assert journal.durable() == before
        assert read_all(folder) == batches
    journal.heartbeat(10**9)
    assert journal.heartbeat_age(10**9 + 5) == 5, "it still says that it lives"
    ballast.unlink()
    batch = batch_make(1, len(batches) + 1, payload=PAYLOAD)
    journal.append(batch)
    journal.close()
    assert read_all(folder) == take_over_all(folder) == [*batches, batch]


def test_nobody_can_take_over_on_a_full_disk_and_all_is_as_before_afterwards(small_disk: Path) -> None:
    folder, ballast = small_disk / "journal", small_disk / "ballast"
    journal = journal_open(folder)
    journal.take_over()
    batch = batch_make(1, 1)
    journal.append(batch)
    journal.close()
    disk_fill(ballast)
    other = journal_open(folder)
    with pytest.raises(JournalFull, match="no space to take over"):
        other.take_over()
    assert other.writer_is_dead()
    assert read_all(folder) == [batch]
    ballast.unlink()
    epoch = other.take_over()
    other.append(batch_make(epoch, 2))
    assert read_all(folder) == [batch, batch_make(epoch, 2)]


def limited_writer(folder: Path) -> None:
    """Run in a process of its own: a limit on file size stands in for a quota."""
    journal = FileJournal(folder, clock=counting_clock())
    journal.take_over()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    batches = append_until_full(journal, 1, 1)
    assert len(batches) == 14
    assert segment_files(folder)[0].stat().st_size == journal.durable().offset, "nothing half is left"
    assert list(journal.read(1)) == batches
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    batch = batch_make(1, 15, payload=PAYLOAD)
    journal.append(batch)
    assert list(journal.read(1)) == [*batches, batch]


def test_a_limit_on_file_size_is_a_full_disk_too(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, tests.core.journal.test_journal_disk_full as test;"
        "test.limited_writer(pathlib.Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    subprocess.run(command, cwd=ROOT, env=dict(os.environ, PYTHONPATH=str(ROOT)), check=True)
    assert len(take_over_all(tmp_path)) == 15

"""What is durable was synced first: before the mark moves, before a seal; a failed sync is never tried again.
Core tier: needs no service."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.journal import JournalDamaged, JournalFenced
from tests.core.journal.helpers import batch_make, journal_open, read_all, segment_files, take_over_all


def on_sync(monkeypatch: pytest.MonkeyPatch, action: Callable[[str], None]) -> None:
    """Call ``action`` with the file's name, then sync."""
    fdatasync = os.fdatasync

    def watched(descriptor: int) -> None:
        action(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fdatasync(descriptor)

    monkeypatch.setattr(os, "fdatasync", watched)


def test_a_record_is_synced_after_it_is_written_and_before_the_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = journal_open(tmp_path)
    journal.take_over()
    path, seen = segment_files(tmp_path)[0], list[tuple[str, bool, int]]()
    on_sync(
        monkeypatch,
        lambda name: seen.append((name, b"the record" in path.read_bytes(), journal.durable().seq)),
    )
    journal.append(batch_make(1, 1, payload=b"the record"))
    assert seen == [(path.name, True, 0)]
    assert journal.durable().seq == 1


def test_a_new_writer_syncs_the_tail_before_it_seals_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = journal_open(tmp_path)
    journal.take_over()
    journal.append(batch_make(1, 1))
    seen = list[tuple[str, int]]()
    on_sync(monkeypatch, lambda name: seen.append((name, len(segment_files(tmp_path)))))
    journal_open(tmp_path).take_over()
    assert seen == [("0000000001-0000000001.segment", 1), ("0000000002-0000000002.draft", 1)]


def test_after_a_failed_sync_the_outcome_is_open_and_the_writer_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = journal_open(tmp_path)
    journal.take_over()
    journal.append(batch_make(1, 1))
    mark = journal.durable()

    def fail(name: str) -> None:
        raise OSError(errno.EIO, f"cannot sync {name}")

    on_sync(monkeypatch, fail)
    with pytest.raises(JournalDamaged, match="cannot sync") as caught:
        journal.append(batch_make(1, 2))
    assert (caught.value.segment, caught.value.offset) == (segment_files(tmp_path)[0].name, mark.offset)
    monkeypatch.undo()
    for _ in range(2):
        with pytest.raises(JournalFenced, match="its disk failed"):
            journal.append(batch_make(1, 2))
    assert journal.durable() == mark
    assert read_all(tmp_path) == [batch_make(1, 1)]
    assert take_over_all(tmp_path) == [batch_make(1, 1), batch_make(1, 2)], "unknown means: it may be there"

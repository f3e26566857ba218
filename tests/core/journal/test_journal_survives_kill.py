"""Promise P5, journal half: after kill -9 between any two steps every returned append is there, once.
Core tier: needs no service."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.core.journal.helpers import (
    POINTS_OF_APPEND,
    POINTS_OF_TAKE_OVER,
    WriterProcess,
    journal_fill,
    journal_open,
    read_all,
    returned_seqs,
)

KEPT = {"journal.after_write", "journal.after_sync", "journal.after_epoch_check", "journal.after_mark"}
"""Killed here, the last record is whole but was not acknowledged: it is kept."""


@pytest.mark.parametrize("point", POINTS_OF_APPEND)
@pytest.mark.parametrize("time", [1, 2, 13])
def test_a_writer_killed_while_it_appends_loses_nothing_it_returned(
    tmp_path: Path, point: str, time: int
) -> None:
    writer = WriterProcess(tmp_path, 200, f"{point}:kill@{time}")
    code, lines = writer.finish()
    assert code == -signal.SIGKILL
    returned = returned_seqs(lines)
    assert returned == list(range(1, len(returned) + 1))
    if point != "journal.roll":
        assert len(returned) == time - 1
    before = read_all(tmp_path)
    journal = journal_open(tmp_path)
    assert journal.writer_is_dead()
    assert journal.take_over() == 2
    kept = list(journal.read(1))
    assert kept[: len(before)] == before
    assert [batch.first_seq for batch in kept] == list(range(1, len(returned) + 1 + (point in KEPT)))
    assert read_all(tmp_path)[len(kept) :] == []
    more = journal_fill(journal, 2, range(len(kept) + 1, len(kept) + 20), size=500)
    assert read_all(tmp_path) == kept + more


@pytest.mark.parametrize("point", POINTS_OF_TAKE_OVER)
def test_a_writer_killed_while_it_takes_over_leaves_all_as_it_was(tmp_path: Path, point: str) -> None:
    journal = journal_open(tmp_path)
    journal.take_over()
    batches = journal_fill(journal, 1, range(1, 12), size=500)
    journal.close()
    for _ in range(3):
        code, lines = WriterProcess(tmp_path, 5, f"{point}:kill").finish()
        assert (code, lines) == (-signal.SIGKILL, [])
        assert read_all(tmp_path) == batches
    assert journal.take_over() == 5
    batches += journal_fill(journal, 5, [12, 13])
    assert read_all(tmp_path) == batches

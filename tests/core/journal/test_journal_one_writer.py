"""Promise P7, journal half: a paused old writer cannot append past its successor, wherever it stopped.
Core tier: needs no service."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engine.journal import Batch, FileJournal, JournalFenced
from tests.core.journal.helpers import (
    POINTS_OF_APPEND,
    POINTS_OF_TAKE_OVER,
    WriterProcess,
    batch_make,
    journal_fill,
    journal_open,
    read_all,
    returned_seqs,
)
from tests.core.journal.writer_process import FENCED

RETURNS = {"journal.after_epoch_check", "journal.after_mark"}
"""Stopped here, the record is durable and was checked before the successor came: its append may return."""


def history_check(folder: Path, first: set[int], second: set[int]) -> list[Batch]:
    """No sequence twice, none missing, and each append that returned is there under its own epoch."""
    history = read_all(folder)
    assert [batch.first_seq for batch in history] == list(range(1, len(history) + 1))
    owner = {batch.first_seq: batch.epoch for batch in history}
    assert {owner.get(seq) for seq in first} <= {1}
    assert {owner.get(seq) for seq in second} <= {2}
    return history


@pytest.mark.parametrize("point", POINTS_OF_APPEND)
@pytest.mark.parametrize("seq", [1, 9, 10])
def test_a_writer_paused_while_it_appends_is_fenced(tmp_path: Path, point: str, seq: int) -> None:
    old = WriterProcess(tmp_path, 40, f"{point}:stop@{1 if point == 'journal.roll' else seq}")
    try:
        old.wait_stopped()
        new = journal_open(tmp_path)
        assert new.take_over() == 2
        kept = new.durable().seq
        won = journal_fill(new, 2, range(kept + 1, kept + 21), size=500)
        old.go_on()
        code, lines = old.finish()
    finally:
        old.kill()
    returned = returned_seqs(lines)
    assert (code, lines[-1]) == (FENCED, "fenced")
    won += journal_fill(new, 2, range(kept + 21, kept + 31), size=500)
    assert max(returned, default=0) <= kept
    if point != "journal.roll":
        assert max(returned, default=0) == (seq if point in RETURNS else seq - 1)
    history = history_check(tmp_path, set(returned), {batch.first_seq for batch in won})
    assert history[kept:] == won


@pytest.mark.parametrize("point", POINTS_OF_TAKE_OVER)
def test_a_writer_paused_while_it_takes_over_is_fenced(tmp_path: Path, point: str) -> None:
    first = journal_open(tmp_path)
    first.take_over()
    kept = journal_fill(first, 1, range(1, 12), size=500)
    paused = WriterProcess(tmp_path, 5, f"{point}:stop")
    try:
        paused.wait_stopped()
        with pytest.raises(JournalFenced):
            first.append(batch_make(1, 12))
        kept_or_not = batch_make(1, 12)
        last = journal_open(tmp_path)
        assert last.take_over() == 3
        end = last.durable().seq
        won = journal_fill(last, 3, range(end + 1, end + 6))
        paused.go_on()
        code, lines = paused.finish()
    finally:
        paused.kill()
    assert (code, lines) == (FENCED, ["fenced"])
    won += journal_fill(last, 3, range(end + 6, end + 9))
    history = read_all(tmp_path)
    assert history in ([*kept, *won], [*kept, kept_or_not, *won])
    fourth = journal_open(tmp_path)
    assert fourth.take_over() == 4
    assert read_all(tmp_path) == history


def test_of_two_that_take_over_in_turn_only_the_last_can_append(tmp_path: Path) -> None:
    one, two = journal_open(tmp_path), journal_open(tmp_path)
    one.take_over()
    two.take_over()
    with pytest.raises(JournalFenced, match="epoch 1 is over"):
        one.check_epoch()
    with pytest.raises(JournalFenced, match="epoch 1 is over"):
        one.append(batch_make(1, 1))
    two.check_epoch()
    two.append(batch_make(2, 1))
    assert read_all(tmp_path) == [batch_make(2, 1)]


def test_a_fenced_writer_never_touches_what_its_successor_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken over when its record was just whole: the record stays, a second attempt must not replace it."""
    old, new = journal_open(tmp_path), journal_open(tmp_path)
    old.take_over()
    first = batch_make(1, 1, payload=b"kept by the successor")

    def reach(point: str) -> None:
        if point == "journal.after_write":
            monkeypatch.undo()
            assert new.take_over() == 2

    monkeypatch.setattr("engine.journal.writer.reach", reach)
    with pytest.raises(JournalFenced):
        old.append(first)
    with pytest.raises(JournalFenced):
        old.append(batch_make(1, 1, payload=b"never to be written"))
    assert read_all(tmp_path) == [first]
    assert new.durable().seq == 1


def test_many_that_race_leave_one_writer_and_one_history(tmp_path: Path) -> None:
    """Eight threads with a journal each take over at once, append until fenced, and again."""
    returned: list[list[Batch]] = [[] for _ in range(8)]
    start = threading.Barrier(8)

    def compete(mine: list[Batch], journal: FileJournal) -> None:
        start.wait()
        for _ in range(5):
            try:
                epoch = journal.take_over()
                first = journal.durable().seq + 1
                for seq in range(first, first + 10):
                    batch = batch_make(epoch, seq)
                    journal.append(batch)
                    mine.append(batch)
            except JournalFenced:
                continue

    journals = [journal_open(tmp_path) for _ in returned]
    threads = [threading.Thread(target=compete, args=pair) for pair in zip(returned, journals, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    able = []
    for number, journal in enumerate(journals):
        try:
            journal.check_epoch()
            able.append(number)
        except JournalFenced:
            pass
    assert len(able) == 1
    history = {batch.first_seq: batch for batch in read_all(tmp_path)}
    assert list(history) == list(range(1, len(history) + 1))
    for batch in (batch for mine in returned for batch in mine):
        assert history[batch.first_seq] == batch

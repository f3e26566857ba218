"""Readers never pass the durable mark; a lost one is found again; it says whether the writer lives.
Core tier: needs no service."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.journal import Mark
from engine.journal.epochs import epoch_path
from engine.journal.layout import MARK_BYTES, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES
from tests.core.journal.helpers import (
    WriterProcess,
    file_flip,
    journal_fill,
    journal_open,
    mark_bytes,
    mark_restore,
    read_all,
    take_over_all,
    wait_until,
)


def test_the_mark_says_exactly_how_far_the_journal_is_durable(tmp_path: Path) -> None:
    journal = journal_open(tmp_path)
    journal.take_over()
    assert journal.durable() == Mark(1, 0, 1, SEGMENT_HEADER_BYTES, 2)
    journal_fill(journal, 1, [1, 2], size=10)
    end = SEGMENT_HEADER_BYTES + 2 * (RECORD_HEADER_BYTES + 10)
    assert journal.durable() == Mark(1, 2, 1, end, 4)
    journal.heartbeat(900)
    assert journal.durable() == Mark(1, 2, 1, end, 900)
    assert journal_open(tmp_path).durable() == journal.durable()


def test_readers_never_pass_the_mark(tmp_path: Path) -> None:
    journal = journal_open(tmp_path)
    journal.take_over()
    marks, batches = [], []
    for seq in range(1, 13):
        marks.append(mark_bytes(tmp_path, 1))
        batches += journal_fill(journal, 1, [seq], size=700)
    journal.close()
    for done, mark in enumerate(marks):
        mark_restore(tmp_path, 1, mark)
        tail = journal_open(tmp_path).follow(1)
        assert read_all(tmp_path) == tail.poll() == batches[:done]
        assert tail.poll() == []
        tail.close()


def test_a_stale_mark_loses_nothing_at_take_over(tmp_path: Path) -> None:
    journal = journal_open(tmp_path)
    journal.take_over()
    stale = mark_bytes(tmp_path, 1)
    batches = journal_fill(journal, 1, range(1, 31), size=300)
    journal.close()
    mark_restore(tmp_path, 1, stale)
    assert take_over_all(tmp_path) == batches


@pytest.mark.parametrize("lost", [b"", bytes(MARK_BYTES), b"\xff" * 20], ids=["empty", "zeros", "short"])
def test_a_lost_mark_loses_nothing_at_take_over(tmp_path: Path, lost: bytes) -> None:
    journal = journal_open(tmp_path)
    journal.take_over()
    batches = journal_fill(journal, 1, range(1, 31), size=300)
    journal.close()
    mark_restore(tmp_path, 1, lost)
    assert read_all(tmp_path) == []
    assert take_over_all(tmp_path) == batches


def test_a_mark_with_a_bad_checksum_is_not_believed(tmp_path: Path) -> None:
    journal = journal_open(tmp_path)
    journal.take_over()
    first = journal_fill(journal, 1, [1, 2, 3])
    journal.take_over()
    second = journal_fill(journal, 2, [4, 5])
    assert read_all(tmp_path) == first + second
    for at in range(MARK_BYTES):
        file_flip(epoch_path(tmp_path, 2), at)
        assert read_all(tmp_path) == first
        file_flip(epoch_path(tmp_path, 2), at)
    assert read_all(tmp_path) == first + second


def test_a_mark_that_falls_back_does_not_move_a_follower(tmp_path: Path) -> None:
    journal = journal_open(tmp_path)
    journal.take_over()
    stale = mark_bytes(tmp_path, 1)
    batches = journal_fill(journal, 1, range(1, 11), size=700)
    tail = journal_open(tmp_path).follow(1)
    assert tail.poll() == batches
    fresh = mark_bytes(tmp_path, 1)
    for lost in (stale, b""):
        mark_restore(tmp_path, 1, lost)
        assert tail.poll() == []
    mark_restore(tmp_path, 1, fresh)
    assert tail.poll() == []
    assert tail.poll() == journal_fill(journal, 1, []) == []
    more = journal_fill(journal, 1, [11])
    assert tail.poll() == more


def test_a_mark_in_an_earlier_segment_does_not_open_a_later_one(tmp_path: Path) -> None:
    journal = journal_open(tmp_path)
    journal.take_over()
    batches = journal_fill(journal, 1, range(1, 5), size=700)
    earlier = mark_bytes(tmp_path, 1)
    assert journal.durable().segment == 1
    batches += journal_fill(journal, 1, [5, 6], size=700)
    tail = journal_open(tmp_path).follow(1)
    assert tail.poll() == batches
    more = journal_fill(journal, 1, [7], size=700)
    later = mark_bytes(tmp_path, 1)
    assert journal.durable().segment == 2
    mark_restore(tmp_path, 1, earlier)
    assert tail.poll() == []
    mark_restore(tmp_path, 1, later)
    assert tail.poll() == more


def test_the_age_of_the_heartbeat(tmp_path: Path) -> None:
    journal, reader = journal_open(tmp_path), journal_open(tmp_path)
    journal.take_over()
    journal.heartbeat(5_000)
    assert reader.heartbeat_age(7_500) == 2_500
    assert reader.heartbeat_age(4_000) == 0
    journal_fill(journal, 1, [1])
    assert reader.heartbeat_age(7_500) == 2_500, "an append does not set the heartbeat back"
    reader.take_over()
    assert journal.durable().epoch == 2
    assert journal.heartbeat_age(2) == 0


def test_the_lock_says_at_once_that_the_writer_is_dead(tmp_path: Path) -> None:
    writer = WriterProcess(tmp_path, 5, "journal.after_mark:stop@3")
    reader = journal_open(tmp_path)
    try:
        writer.wait_stopped()
        assert not reader.writer_is_dead(), "stopped is not dead"
    finally:
        writer.kill()
    wait_until(reader.writer_is_dead, "the lock is free")
    assert reader.durable().seq == 3


def test_a_closed_writer_counts_as_dead_and_a_fenced_one_does_not_count(tmp_path: Path) -> None:
    first, second, reader = (journal_open(tmp_path) for _ in range(3))
    first.take_over()
    assert not reader.writer_is_dead()
    second.take_over()
    first.close()
    assert not reader.writer_is_dead()
    second.close()
    assert reader.writer_is_dead()

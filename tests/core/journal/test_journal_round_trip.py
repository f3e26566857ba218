"""Promise P5, journal half: what append returned for is read back as it was, from any sequence on.
Core tier: needs no service."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.journal import MAX_PAYLOAD_BYTES, FileJournal, JournalFenced, Mark, open_journal
from tests.core.journal.helpers import (
    batch_make,
    counting_clock,
    folder_bytes,
    journal_fill,
    journal_open,
    read_all,
    segment_files,
)


def test_batches_are_read_as_they_were_appended(tmp_path: Path) -> None:
    journal = journal_open(tmp_path)
    assert journal.take_over() == 1
    batches = [batch_make(1, 1, 3), batch_make(1, 4, 1, b""), batch_make(1, 5, 1_000, bytes(range(256)) * 10)]
    for batch in batches:
        journal.append(batch)
    assert read_all(tmp_path) == batches
    assert journal.durable().seq == 1_004
    assert journal.durable().epoch == 1


@pytest.mark.parametrize(("from_seq", "first"), [(1, 1), (3, 1), (4, 4), (6, 4), (7, 7), (9, 7), (10, None)])
def test_read_begins_with_the_batch_that_holds_the_sequence(
    tmp_path: Path, from_seq: int, first: int | None
) -> None:
    journal = journal_open(tmp_path)
    journal.take_over()
    for seq in (1, 4, 7):
        journal.append(batch_make(1, seq, 3))
    found = [batch.first_seq for batch in journal.read(from_seq)]
    assert found == ([] if first is None else list(range(first, 8, 3)))


def test_reading_across_many_segments_from_every_sequence(tmp_path: Path) -> None:
    journal = journal_open(tmp_path)
    journal.take_over()
    batches = journal_fill(journal, 1, range(1, 41), size=700)
    assert len(segment_files(tmp_path)) == 8
    for seq in range(1, 41):
        assert read_all(tmp_path, seq) == batches[seq - 1 :]


def test_records_greater_than_a_segment_or_a_read_have_their_place(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path, segment_bytes=3_000_000, clock=counting_clock())
    journal.take_over()
    sizes = [10, MAX_PAYLOAD_BYTES, 1, 1_500_000, 1_048_576, 0, 2_999_999]
    batches = [batch_make(1, seq, payload=bytes([seq]) * size) for seq, size in enumerate(sizes, 1)]
    for batch in batches:
        journal.append(batch)
    assert list(journal.read(1)) == batches


def test_a_reopened_journal_continues_where_it_ended(tmp_path: Path) -> None:
    expected = []
    for epoch in (1, 2, 3, 4):
        journal = journal_open(tmp_path)
        assert journal.take_over() == epoch
        first = journal.durable().seq + 1
        expected += journal_fill(journal, epoch, range(first, first + 10), size=300)
        journal.close()
    assert read_all(tmp_path) == expected
    assert [batch.first_seq for batch in expected] == list(range(1, 41))


def test_one_instance_may_take_over_again(tmp_path: Path) -> None:
    journal = journal_open(tmp_path)
    journal.take_over()
    first = journal_fill(journal, 1, [1, 2])
    assert journal.take_over() == 2
    second = journal_fill(journal, 2, [3])
    assert read_all(tmp_path) == first + second


@pytest.mark.parametrize("folder_exists", [True, False])
def test_an_empty_folder_is_an_empty_journal(tmp_path: Path, folder_exists: bool) -> None:
    folder = tmp_path if folder_exists else tmp_path / "none"
    journal = journal_open(folder)
    assert list(journal.read(1)) == []
    assert journal.follow(1).poll() == []
    assert journal.durable() == Mark(0, 0, 0, 0, 0)
    assert journal.voided() == {}
    assert journal.writer_is_dead()
    assert journal.heartbeat_age(7) == 7
    assert list(tmp_path.iterdir()) == []
    assert journal.take_over() == 1
    assert list(journal.read(1)) == []


REFUSED = {
    "another epoch": ({"epoch": 2}, "the batch is of epoch 2, the writer of 1"),
    "a repeated sequence": ({"first_seq": 2}, "the batch begins with 2, the journal ends with 2"),
    "a gap": ({"first_seq": 4}, "the batch begins with 4, the journal ends with 2"),
    "time running back": ({"time": 19}, "time 19 is before that of the last batch, 20"),
    "no command": ({"count": 0}, "a batch has 1 to 1000000 commands from sequence 1 on"),
    "a short hash": ({"event_hash": b"x" * 31}, "the event hash has 32 bytes, not 31"),
    "a great payload": (
        {"payload": bytes(MAX_PAYLOAD_BYTES + 1)},
        "a payload has at most 8388608 bytes, not 8388609",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_batch_that_does_not_follow_is_refused_and_changes_nothing(tmp_path: Path, case: str) -> None:
    change, text = REFUSED[case]
    journal = journal_open(tmp_path)
    journal.take_over()
    batches = journal_fill(journal, 1, [1, 2])
    before = folder_bytes(tmp_path)
    with pytest.raises(ValueError, match=text):
        journal.append(dataclasses.replace(batch_make(1, 3), **change))  # type: ignore[arg-type]
    assert folder_bytes(tmp_path) == before
    assert [*batches, *journal_fill(journal, 1, [3])] == read_all(tmp_path)


def test_to_a_fenced_writer_any_batch_is_answered_so(tmp_path: Path) -> None:
    old, new = journal_open(tmp_path), journal_open(tmp_path)
    old.take_over()
    new.take_over()
    with pytest.raises(JournalFenced, match="epoch 1 is over"):
        old.append(batch_make(1, 77))


def test_only_a_writer_writes(tmp_path: Path) -> None:
    journal = journal_open(tmp_path)
    calls: list[Callable[[], None]] = [
        lambda: journal.append(batch_make(1, 1)),
        lambda: journal.heartbeat(1),
        journal.check_epoch,
    ]
    for call in calls:
        with pytest.raises(JournalFenced, match="this process has not taken over the journal"):
            call()
    assert list(tmp_path.iterdir()) == []


def test_a_file_address_opens_the_folder_it_names(tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    journal = open_journal(f"file://{str(folder).replace(' ', '%20')}")
    journal.take_over()
    journal.append(batch_make(1, 1))
    assert read_all(folder) == [batch_make(1, 1)]


@pytest.mark.parametrize(
    "url", ["", "/srv/journal", "nats://host/x", "file://host/x", "file:x", "file:///x?y=1"]
)
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="journal's address"):
        open_journal(url)

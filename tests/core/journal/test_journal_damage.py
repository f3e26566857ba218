"""What was durable and does not read back is refused with its place: nothing is guessed or cut.
Core tier: needs no service."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.journal import JournalDamaged, JournalError, JournalVersion
from engine.journal.layout import (
    RECORD_HEADER_BYTES,
    SEGMENT_HEADER_BYTES,
    record_pack,
    segment_header_unpack,
)
from tests.core.journal.helpers import (
    batch_make,
    file_flip,
    folder_bytes,
    journal_fill,
    journal_open,
    mark_restore,
    read_all,
    segment_files,
    take_over_all,
)

SIZE = 20
VERSION_AT = 9
RECORD_BYTES = RECORD_HEADER_BYTES + SIZE


def journal_of_ten(folder: Path) -> Path:
    """Ten records in one segment, all marked; its file."""
    journal = journal_open(folder)
    journal.take_over()
    journal_fill(journal, 1, range(1, 11), size=SIZE)
    journal.close()
    return segment_files(folder)[0]


def journal_of_three(folder: Path) -> tuple[Path, bytes, int]:
    """Three records, all marked; their file, its salt, where the third begins."""
    journal = journal_open(folder)
    journal.take_over()
    journal_fill(journal, 1, [1, 2])
    offset = journal.durable().offset
    journal.append(batch_make(1, 3))
    journal.close()
    path = segment_files(folder)[0]
    return path, segment_header_unpack(path.read_bytes()[:SEGMENT_HEADER_BYTES]).salt, offset


def third_replace(path: Path, offset: int, record: bytes) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:offset] + record + content[offset + len(record) :])


def place_of(caught: pytest.ExceptionInfo[JournalDamaged]) -> tuple[str, int]:
    return caught.value.segment, caught.value.offset


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 10 * RECORD_BYTES - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_before_the_mark_is_refused_with_its_place(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    path = journal_of_ten(folder)
    file_flip(path, SEGMENT_HEADER_BYTES + at, bit)
    place = (path.name, SEGMENT_HEADER_BYTES + at // RECORD_BYTES * RECORD_BYTES)
    before = path.read_bytes()
    for action in (read_all, take_over_all):
        with pytest.raises(JournalDamaged) as caught:
            action(folder)
        assert place_of(caught) == place
        assert path.name in str(caught.value)
        assert str(place[1]) in str(caught.value)
    assert segment_files(folder) == [path]
    assert path.read_bytes() == before


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    path = journal_of_ten(tmp_path)
    last = SEGMENT_HEADER_BYTES + 9 * RECORD_BYTES
    whole = path.read_bytes()
    for at, what in ((20, "record header"), (RECORD_HEADER_BYTES, "checksum of the payload")):
        file_flip(path, last + at)
        for action in (read_all, take_over_all):
            with pytest.raises(JournalDamaged) as caught:
                action(tmp_path)
            assert str(caught.value) == f"journal damaged: {path.name} at byte {last}: {what}"
        path.write_bytes(whole)


@pytest.mark.parametrize("record", range(9))
def test_without_its_mark_damage_before_another_record_is_still_no_torn_tail(
    tmp_path: Path, record: int
) -> None:
    path = journal_of_ten(tmp_path)
    mark_restore(tmp_path, 1, b"")
    offset = SEGMENT_HEADER_BYTES + record * RECORD_BYTES
    for at in (0, 40, RECORD_HEADER_BYTES + 3):
        whole = path.read_bytes()
        file_flip(path, offset + at)
        with pytest.raises(JournalDamaged) as caught:
            take_over_all(tmp_path)
        assert place_of(caught) == (path.name, offset)
        path.write_bytes(whole)


def test_a_payload_cannot_pass_for_a_record(tmp_path: Path) -> None:
    """A torn record whose payload looks like a record of this very place is cut, not taken for damage."""
    journal = journal_open(tmp_path)
    journal.take_over()
    offset = journal.durable().offset + RECORD_HEADER_BYTES
    forged = record_pack(batch_make(1, 2), b"guessed!", offset)
    journal.append(batch_make(1, 1, payload=forged + b"tail"))
    journal.close()
    mark_restore(tmp_path, 1, b"")
    file_flip(segment_files(tmp_path)[0], offset + len(forged))
    assert take_over_all(tmp_path) == []


def test_damage_in_a_sealed_segment_is_refused_when_read(tmp_path: Path) -> None:
    journal = journal_open(tmp_path)
    journal.take_over()
    batches = journal_fill(journal, 1, range(1, 21), size=700)
    first, second = segment_files(tmp_path)[:2]
    file_flip(first, SEGMENT_HEADER_BYTES + 5)
    with pytest.raises(JournalDamaged) as caught:
        list(journal.read(1))
    assert place_of(caught) == (first.name, SEGMENT_HEADER_BYTES)
    start = segment_header_unpack(second.read_bytes()[:SEGMENT_HEADER_BYTES]).first_seq
    assert list(journal.read(start)) == batches[start - 1 :]


@pytest.mark.parametrize("at", [0, 7, VERSION_AT, 20, 127])
def test_a_damaged_segment_header_is_refused(tmp_path: Path, at: int) -> None:
    path = journal_of_ten(tmp_path)
    file_flip(path, at)
    for action in (read_all, take_over_all):
        with pytest.raises(JournalError) as caught:
            action(tmp_path)
        assert type(caught.value) is (JournalVersion if at == VERSION_AT else JournalDamaged)


def test_a_missing_segment_is_refused(tmp_path: Path) -> None:
    journal = journal_open(tmp_path)
    journal.take_over()
    journal_fill(journal, 1, range(1, 21), size=700)
    journal.close()
    files = segment_files(tmp_path)
    for missing in (files[-1], files[1]):
        content = missing.read_bytes()
        missing.unlink()
        with pytest.raises(JournalDamaged) as caught:
            read_all(tmp_path)
        assert place_of(caught) == (missing.name, 0)
        assert caught.value.what == "the segment is missing"
        missing.write_bytes(content)
    files[-1].unlink()
    before = sorted(folder_bytes(tmp_path))
    with pytest.raises(JournalDamaged) as caught:
        take_over_all(tmp_path)
    assert caught.value.segment == files[-1].name
    assert sorted(folder_bytes(tmp_path)) == sorted([*before, "epoch-0000000002"])


BROKEN = {
    "sequence 5 follows 2": {"first_seq": 5},
    "sequence 2 follows 2": {"first_seq": 2},
    "a batch of epoch 2 in a segment of epoch 1": {"epoch": 2},
    "time 19 follows 20": {"time": 19},
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_chain_is_refused_with_its_place(tmp_path: Path, what: str) -> None:
    path, salt, offset = journal_of_three(tmp_path)
    broken = dataclasses.replace(batch_make(1, 3), **BROKEN[what])  # type: ignore[arg-type]
    third_replace(path, offset, record_pack(broken, salt, offset))
    for action in (read_all, take_over_all):
        with pytest.raises(JournalDamaged) as caught:
            action(tmp_path)
        assert place_of(caught) == (path.name, offset)
        assert caught.value.what == what
    mark_restore(tmp_path, 1, b"")
    with pytest.raises(JournalDamaged, match=what):  # it is sound, so it was not torn
        take_over_all(tmp_path)


@pytest.mark.parametrize("case", ["of another segment", "of another place"])
def test_a_record_that_was_not_written_there_is_refused(tmp_path: Path, case: str) -> None:
    path, salt, offset = journal_of_three(tmp_path)
    if case == "of another segment":
        record = record_pack(batch_make(1, 3), b"another!", offset)
    else:
        record = record_pack(batch_make(1, 3), salt, offset + 8)
    third_replace(path, offset, record)
    for action in (read_all, take_over_all):
        with pytest.raises(JournalDamaged) as caught:
            action(tmp_path)
        assert place_of(caught) == (path.name, offset)
        assert caught.value.what == "record header"


def test_a_record_moved_to_another_place_is_refused(tmp_path: Path) -> None:
    path = journal_of_ten(tmp_path)
    content = bytearray(path.read_bytes())
    third = SEGMENT_HEADER_BYTES + 2 * RECORD_BYTES
    content[third : third + RECORD_BYTES] = content[third - RECORD_BYTES : third]
    path.write_bytes(content)
    with pytest.raises(JournalDamaged) as caught:
        read_all(tmp_path)
    assert place_of(caught) == (path.name, third)

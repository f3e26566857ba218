"""A writer that dies while it writes leaves part of a record: that is cut, whole ones are kept.
Core tier: needs no service."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.journal import Batch, JournalDamaged
from engine.journal.layout import RECORD_HEADER_BYTES
from tests.core.journal.helpers import (
    batch_make,
    journal_open,
    mark_bytes,
    mark_restore,
    read_all,
    segment_files,
    take_over_all,
)

LAST = batch_make(1, 3, payload=b"the last of them")
LAST_BYTES = RECORD_HEADER_BYTES + len(LAST.payload)


def folder_make(folder: Path, *, is_marked: bool) -> tuple[list[Batch], int]:
    """Three batches; the mark covers the last or not. Returns the first two and where the last begins."""
    journal = journal_open(folder)
    journal.take_over()
    kept = [batch_make(1, 1), batch_make(1, 2)]
    for batch in kept:
        journal.append(batch)
    mark, start = mark_bytes(folder, 1), journal.durable().offset
    journal.append(LAST)
    journal.close()
    if not is_marked:
        mark_restore(folder, 1, mark)
    return kept, start


def folder_cut(template: Path, folder: Path, length: int) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    with segment_files(folder)[0].open("r+b") as file:
        file.truncate(length)
    return folder


def test_a_torn_record_after_the_mark_is_cut_at_every_byte(tmp_path: Path) -> None:
    kept, start = folder_make(tmp_path / "a", is_marked=False)
    for size in range(LAST_BYTES):
        folder = folder_cut(tmp_path / "a", tmp_path / "b", start + size)
        journal = journal_open(folder)
        assert journal.take_over() == 2
        assert journal.durable().seq == 2
        journal.append(batch_make(2, 3))
        assert list(journal.read(1)) == [*kept, batch_make(2, 3)], f"cut after {size} bytes"
        journal.close()


def test_a_complete_record_after_the_mark_is_kept(tmp_path: Path) -> None:
    kept, _ = folder_make(tmp_path, is_marked=False)
    assert read_all(tmp_path) == kept
    assert take_over_all(tmp_path) == [*kept, LAST]
    assert read_all(tmp_path) == [*kept, LAST]


def test_a_torn_record_before_the_mark_is_refused_at_every_byte(tmp_path: Path) -> None:
    _, start = folder_make(tmp_path / "a", is_marked=True)
    for size in range(LAST_BYTES):
        folder = folder_cut(tmp_path / "a", tmp_path / "b", start + size)
        with pytest.raises(JournalDamaged) as caught:
            take_over_all(folder)
        assert (caught.value.segment, caught.value.offset) == (segment_files(folder)[0].name, start)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_pages_of_the_last_record_may_reach_the_disk_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    kept, start = folder_make(folder, is_marked=False)
    begin = data.draw(st.integers(0, LAST_BYTES - 1))
    end = data.draw(st.integers(begin + 1, LAST_BYTES))
    path = segment_files(folder)[0]
    content = bytearray(path.read_bytes())
    whole = bytes(content)
    content[start + begin : start + end] = bytes(end - begin)
    path.write_bytes(content)
    assert take_over_all(folder) == ([*kept, LAST] if bytes(content) == whole else kept)

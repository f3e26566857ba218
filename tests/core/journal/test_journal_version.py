"""A journal of a newer format is refused in clear words, by readers and writers, and left as it is.
Core tier: needs no service."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.journal import JournalDamaged, JournalVersion
from tests.core.journal.helpers import batch_make, folder_bytes, journal_open, read_all, take_over_all


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    journal = journal_open(tmp_path)
    journal.take_over()
    journal.append(batch_make(1, 1))
    journal.close()
    return tmp_path


def test_a_newer_folder_is_refused_with_both_versions(folder: Path) -> None:
    assert (folder / "format").read_text() == "outcry-journal 1\n"
    (folder / "format").write_text("outcry-journal 2\n")
    before = folder_bytes(folder)
    for action in (read_all, take_over_all):
        with pytest.raises(JournalVersion) as caught:
            action(folder)
        text = "the journal has format 2, this program reads up to 1: use a newer Outcry"
        assert str(caught.value) == f"{folder}: {text}"
    assert folder_bytes(folder) == before


def test_a_folder_that_becomes_newer_while_open_is_not_taken_over(folder: Path) -> None:
    journal = journal_open(folder)
    (folder / "format").write_text("outcry-journal 3\n")
    before = folder_bytes(folder)
    with pytest.raises(JournalVersion):
        journal.take_over()
    assert folder_bytes(folder) == before


def test_a_newer_segment_is_refused(folder: Path) -> None:
    path = folder / "0000000001-0000000001.segment"
    content = bytearray(path.read_bytes())
    content[8] = 2
    path.write_bytes(content)
    with pytest.raises(JournalVersion, match="format 2, this program reads up to 1"):
        read_all(folder)


@pytest.mark.parametrize("text", ["", "something else\n", "outcry-journal x\n", "outcry-journal ２\n"])
def test_a_folder_that_says_something_else_is_refused(folder: Path, text: str) -> None:
    (folder / "format").write_text(text)
    with pytest.raises(JournalDamaged, match="not 'outcry-journal 1'"):
        journal_open(folder)

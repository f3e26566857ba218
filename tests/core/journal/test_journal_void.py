"""A voided sequence is on record for every replay, durably, once; a torn void is none.
Core tier: needs no service."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.journal import JournalDamaged
from engine.journal.layout import VOID_BYTES
from tests.core.journal.helpers import file_flip, folder_bytes, journal_fill, journal_open, read_all


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    journal = journal_open(tmp_path)
    journal.take_over()
    journal_fill(journal, 1, range(1, 6))
    journal.close()
    return tmp_path


def test_voids_are_kept_in_order_for_every_process(folder: Path) -> None:
    batches = read_all(folder)
    operator, reader = journal_open(folder), journal_open(folder)
    assert reader.voided() == {}
    operator.void(4, "division by zero in apply")
    operator.void(2, "撮合异常")
    assert list(reader.voided().items()) == [(4, "division by zero in apply"), (2, "撮合异常")]
    assert read_all(folder) == batches, "the journal itself stays as it is"


def test_voiding_again_changes_nothing(folder: Path) -> None:
    journal = journal_open(folder)
    journal.void(4, "first")
    before = folder_bytes(folder)
    journal.void(4, "second")
    assert folder_bytes(folder) == before
    assert journal.voided() == {4: "first"}


@pytest.mark.parametrize(
    ("seq", "reason", "text"),
    [
        (0, "x", "sequence 0 is not in the journal, which has 1 to 5"),
        (6, "x", "sequence 6 is not in the journal, which has 1 to 5"),
        (5, "", "a reason has 1 to 400 bytes of UTF-8, not 0"),
        (5, "撮" * 134, "a reason has 1 to 400 bytes of UTF-8, not 402"),
    ],
)
def test_what_cannot_be_voided_is_refused(folder: Path, seq: int, reason: str, text: str) -> None:
    before = folder_bytes(folder)
    with pytest.raises(ValueError, match=text):
        journal_open(folder).void(seq, reason)
    assert folder_bytes(folder) == before


@pytest.mark.parametrize("torn", [b"O", b"OUTCRYV\n" + b"x" * 400, bytes(VOID_BYTES), bytes(100)])
def test_a_torn_void_is_none_and_the_next_takes_its_place(folder: Path, torn: bytes) -> None:
    journal = journal_open(folder)
    journal.void(1, "kept")
    path = folder / "voids"
    path.write_bytes(path.read_bytes() + torn)
    assert journal.voided() == {1: "kept"}
    journal.void(2, "next")
    assert journal.voided() == {1: "kept", 2: "next"}
    assert path.stat().st_size == 2 * VOID_BYTES


@pytest.mark.parametrize("offset", [0, 10, 300, VOID_BYTES + 20])
def test_a_damaged_void_is_refused_with_its_place(folder: Path, offset: int) -> None:
    journal = journal_open(folder)
    journal.void(1, "one")
    journal.void(2, "two")
    file_flip(folder / "voids", offset)
    for action in (journal.voided, lambda: journal.void(3, "three")):
        with pytest.raises(JournalDamaged) as caught:
            action()
        assert (caught.value.segment, caught.value.offset) == ("voids", offset // VOID_BYTES * VOID_BYTES)

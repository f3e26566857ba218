"""A follower sees every batch once and in order: across segments, seals, new leaders; nothing void.
Core tier: needs no service."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.journal import Batch, FileJournal, JournalDamaged, JournalFenced
from engine.journal.layout import (
    RECORD_HEADER_BYTES,
    SALT_BYTES,
    SegmentHeader,
    record_pack,
    segment_header_unpack,
)
from engine.journal.segments import segment_create
from tests.core.journal.helpers import (
    batch_make,
    counting_clock,
    file_flip,
    journal_fill,
    journal_open,
    read_all,
    segment_files,
)


def test_a_follower_gets_each_batch_once_as_it_becomes_durable(tmp_path: Path) -> None:
    tail = journal_open(tmp_path).follow(1)
    assert tail.poll() == []
    journal = journal_open(tmp_path)
    journal.take_over()
    assert tail.poll() == []
    for seq in range(1, 61):
        batches = journal_fill(journal, 1, [seq], size=500)
        assert tail.poll() == batches
        assert tail.poll() == []
    assert len(segment_files(tmp_path)) == 10


def test_a_follower_crosses_many_segments_in_one_poll(tmp_path: Path) -> None:
    journal = journal_open(tmp_path)
    journal.take_over()
    tail, middle = journal_open(tmp_path).follow(1), journal_open(tmp_path).follow(35)
    first = journal_fill(journal, 1, [1])
    assert tail.poll() == first
    batches = journal_fill(journal, 1, range(2, 61), size=500)
    assert tail.poll() == batches
    assert middle.poll() == batches[33:]


def test_a_follower_goes_on_with_a_new_leader(tmp_path: Path) -> None:
    tail, expected, seen = journal_open(tmp_path).follow(1), list[Batch](), list[Batch]()
    for epoch in range(1, 8):
        journal = journal_open(tmp_path)
        journal.take_over()
        if epoch % 3:  # some leaders die before their first batch
            expected += journal_fill(journal, epoch, range(len(expected) + 1, len(expected) + 12), size=600)
        seen += tail.poll() if epoch % 2 else []
    assert seen + tail.poll() == expected
    assert tail.poll() == []


def test_bytes_past_a_seal_are_void_for_every_reader(tmp_path: Path) -> None:
    """The old leader wakes and writes on, whole and sound records, into its segment: nobody sees them."""
    old, new = journal_open(tmp_path), journal_open(tmp_path)
    old.take_over()
    kept = journal_fill(old, 1, [1, 2])
    behind, ahead = journal_open(tmp_path).follow(1), journal_open(tmp_path).follow(1)
    assert ahead.poll() == kept
    seal = old.durable().offset
    new.take_over()
    with pytest.raises(JournalFenced):
        old.append(batch_make(1, 3, payload=b"written after the seal"))
    path = segment_files(tmp_path)[0]
    salt = segment_header_unpack(path.read_bytes()[:128]).salt
    assert path.read_bytes()[seal : seal + 8] == salt, "it really was written"
    with pytest.raises(JournalFenced):
        old.append(batch_make(1, 3))
    assert ahead.poll() == []
    won = journal_fill(new, 2, [3])
    assert ahead.poll() == won
    assert behind.poll() == read_all(tmp_path) == kept + won


def test_a_segment_the_old_leader_began_after_the_take_over_is_void(tmp_path: Path) -> None:
    old, new = journal_open(tmp_path), journal_open(tmp_path)
    old.take_over()
    kept = journal_fill(old, 1, [1, 2])
    tail = journal_open(tmp_path).follow(1)
    assert tail.poll() == kept
    new.take_over()
    length = segment_header_unpack(segment_files(tmp_path)[1].read_bytes()[:128]).previous_length
    orphan = SegmentHeader(2, 1, bytes(SALT_BYTES), 3, 1, 1, length, 20)
    segment_create(tmp_path, orphan)
    name = segment_files(tmp_path)[1]
    assert name.name == "0000000002-0000000001.segment"
    name.write_bytes(name.read_bytes() + record_pack(batch_make(1, 3), bytes(SALT_BYTES), 128))
    won = journal_fill(new, 2, [3, 4])
    assert tail.poll() == won
    assert read_all(tmp_path) == kept + won
    third = journal_open(tmp_path)
    assert third.take_over() == 3
    assert read_all(tmp_path) == kept + won


def test_a_poll_returns_a_bounded_part(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path, clock=counting_clock())
    journal.take_over()
    batches = journal_fill(journal, 1, range(1, 11), size=4_000_000)
    tail = journal.follow(1)
    parts = [tail.poll() for _ in range(4)]
    assert [len(part) for part in parts] == [5, 5, 0, 0]
    assert parts[0] + parts[1] == batches
    late = journal.follow(10)
    assert late.poll() == batches[9:], "what is skipped does not count"


def test_a_follower_stops_at_damage_each_time(tmp_path: Path) -> None:
    journal = journal_open(tmp_path)
    journal.take_over()
    tail = journal_open(tmp_path).follow(1)
    journal_fill(journal, 1, [1])
    assert [batch.first_seq for batch in tail.poll()] == [1]
    offset = journal.durable().offset
    journal_fill(journal, 1, [2])
    file_flip(segment_files(tmp_path)[0], offset + RECORD_HEADER_BYTES + 1)
    for _ in range(2):
        with pytest.raises(JournalDamaged) as caught:
            tail.poll()
        assert caught.value.offset == offset


def test_sequences_begin_with_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sequences begin with 1"):
        journal_open(tmp_path).follow(0)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 3_000)),
        st.tuples(st.just("take_over"), st.just(0)),
        st.tuples(st.just("poll"), st.just(0)),
        st.tuples(st.just("stale append"), st.integers(0, 3_000)),
    ),
    max_size=40,
)


@settings(max_examples=30, deadline=None)
@given(steps=STEPS, from_seq=st.integers(1, 12))
def test_whatever_leaders_do_readers_see_one_history(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]], from_seq: int
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    old, leader = journal_open(folder), journal_open(folder)
    old.take_over()
    epoch, old_seq = leader.take_over(), 1
    tail, expected, seen = journal_open(folder).follow(from_seq), list[Batch](), list[Batch]()
    for action, size in steps:
        batch = batch_make(epoch, len(expected) + 1, payload=b"x" * size)
        if action == "append":
            leader.append(batch)
            expected.append(batch)
        elif action == "take_over":
            old, leader, old_seq = leader, old, len(expected) + 1
            epoch = leader.take_over()
        elif action == "poll":
            seen += tail.poll()
        else:
            with pytest.raises(JournalFenced):
                old.append(batch_make(epoch - 1, old_seq, payload=b"y" * size))
    assert seen + tail.poll() == expected[from_seq - 1 :]
    assert read_all(folder) == expected
    for journal in (old, leader):
        journal.close()
    tail.close()

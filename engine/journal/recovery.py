"""What a new writer finds: where the journal ends, what of its tail stays, and what is damage.
Called by ``take_over`` after the epoch is claimed, before the seal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.journal.errors import JournalDamaged
from engine.journal.layout import SEGMENT_HEADER_BYTES, BadBytes
from engine.journal.protocol import Mark
from engine.journal.segments import ChainBroken, Segment, segment_header_read, segment_name, segment_newest


@dataclass(slots=True, frozen=True)
class End:
    """The end of what is kept. segment, epoch: of the last segment (0: none) · length: its valid bytes ·
    seq, time: of the last batch (0: none)."""

    segment: int
    epoch: int
    length: int
    seq: int
    time: int


def journal_end(folder: Path, epoch: int, mark: Mark) -> End:
    """Read the tail left by the writers below ``epoch`` and make it durable.

    Complete records after the mark are kept (their writer may or may not have acknowledged them), an
    incomplete one is cut. Raises JournalDamaged if the head segment is not as written before the mark, which
    is the later of ``mark`` and the one repeated in the last sound header of the head segment.
    """
    newest = segment_newest(folder, epoch)
    if newest is None:
        if mark.segment:
            raise JournalDamaged(segment_name(mark.segment, mark.epoch), 0, "the segment is missing")
        return End(0, 0, 0, 0, 0)
    head = Segment(folder, *newest)
    try:
        marked = _mark_in_head(folder, head, mark)
        seq, time, length = _scan(head, marked)
        if marked and seq < mark.seq:
            raise JournalDamaged(head.name, length, f"ends with sequence {seq}, the mark says {mark.seq}")
        head.sync()
    finally:
        head.close()
    return End(*newest, length, seq, time)


def _mark_in_head(folder: Path, head: Segment, mark: Mark) -> int:
    """Offset of the mark in the head segment; 0 if it lies in an earlier one, which is sealed then."""
    if (mark.segment, mark.epoch) == (head.header.index, head.header.epoch):
        return mark.offset
    if not mark.segment:
        return 0
    header = head.header
    while header.previous_index > mark.segment:
        header = segment_header_read(folder, header.previous_index, header.previous_epoch)
    place = (header.previous_index, header.previous_epoch)
    name = segment_name(mark.segment, mark.epoch)
    if place != (mark.segment, mark.epoch):
        raise JournalDamaged(name, mark.offset, f"the mark is here, but the journal ends with {head.name}")
    if header.previous_length < mark.offset:
        raise JournalDamaged(name, header.previous_length, f"sealed here, before the mark at {mark.offset}")
    return 0


def _scan(head: Segment, marked: int) -> tuple[int, int, int]:
    """(seq, time, length) at the end of the head's last complete record."""
    seq, time, length = head.header.first_seq - 1, head.header.previous_time, SEGMENT_HEADER_BYTES
    try:
        for batch, offset in head.records(length, head.size(), seq, time):
            seq, time, length = batch.last_seq, batch.time, offset
    except ChainBroken as error:
        raise JournalDamaged(head.name, error.offset, error.what) from None
    except BadBytes as error:
        if length < marked or head.has_record_after(length):
            raise JournalDamaged(head.name, length, error.what) from None
    if length < marked:
        raise JournalDamaged(head.name, length, f"ends here, before the mark at {marked}")
    return seq, time, length

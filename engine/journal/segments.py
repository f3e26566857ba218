"""Segment files: their names, their headers, how one is made and how its records are read in order.
Used by the writer (making), the tail (reading) and recovery (both)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from engine.journal.epochs import folder_sync
from engine.journal.errors import JournalDamaged
from engine.journal.layout import (
    RECORD_HEADER_BYTES,
    SEGMENT_HEADER_BYTES,
    BadBytes,
    SegmentHeader,
    record_header_is_sound,
    record_size,
    record_unpack,
    segment_header_pack,
    segment_header_unpack,
)
from engine.journal.protocol import Batch

READ_BYTES = 1024 * 1024
_NAME = re.compile(r"(\d{10})-(\d{10})\.segment")


def segment_name(index: int, epoch: int) -> str:
    return f"{index:010d}-{epoch:010d}.segment"


def segment_newest(folder: Path, below_epoch: int) -> tuple[int, int] | None:
    """(index, epoch) of the head of the chain: the last segment of the highest epoch that made one.

    Whatever a lower epoch acknowledged was durable before the next epoch was claimed, so that epoch's first
    segment follows it; a segment of a lower epoch that came later holds nothing acknowledged.
    """
    pairs = [(int(m[2]), int(m[1])) for name in os.listdir(folder) if (m := _NAME.fullmatch(name))]
    newest = max((pair for pair in pairs if pair[0] < below_epoch), default=None)
    return (newest[1], newest[0]) if newest else None


def segment_create(folder: Path, header: SegmentHeader) -> int:
    """Make the segment durable with its header, name last: a segment that has its name has its header.

    Returns the descriptor, open for writing. Raises OSError; then there is no such segment.
    """
    path = folder / segment_name(header.index, header.epoch)
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600)
    try:
        write_whole(descriptor, segment_header_pack(header), 0)
        os.fdatasync(descriptor)
        os.rename(draft, path)
    except BaseException:
        os.close(descriptor)
        draft.unlink(missing_ok=True)
        raise
    folder_sync(folder)
    return descriptor


def write_whole(descriptor: int, data: bytes, offset: int) -> None:
    """One write where the system takes all of it at once; raises OSError with part of it written."""
    done = os.pwrite(descriptor, data, offset)
    while done < len(data):
        done += os.pwrite(descriptor, data[done:], offset + done)


def segment_header_read(folder: Path, index: int, epoch: int) -> SegmentHeader:
    """Raises JournalDamaged if the segment is missing or its header is not as written."""
    segment = Segment(folder, index, epoch)
    segment.close()
    return segment.header


class ChainBroken(BadBytes):
    """A sound record that does not follow the one before it: damage wherever it stands."""


class Segment:
    """One segment, open for reading."""

    def __init__(self, folder: Path, index: int, epoch: int) -> None:
        self.name = segment_name(index, epoch)
        self._descriptor = -1
        try:
            self._descriptor = os.open(folder / self.name, os.O_RDONLY)
            self.header = segment_header_unpack(self.pread(SEGMENT_HEADER_BYTES, 0))
        except FileNotFoundError:
            raise JournalDamaged(self.name, 0, "the segment is missing") from None
        except BadBytes as error:
            self.close()
            raise JournalDamaged(self.name, 0, error.what) from None
        if (self.header.index, self.header.epoch) != (index, epoch):
            self.close()
            raise JournalDamaged(self.name, 0, "the header names another segment")

    def pread(self, size: int, offset: int) -> bytes:
        return os.pread(self._descriptor, size, offset)

    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def sync(self) -> None:
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def records(self, offset: int, limit: int, seq: int, time: int) -> Iterator[tuple[Batch, int]]:
        """Each batch that starts in [offset, limit), with the offset after it.

        seq, time: of the batch before. Raises BadBytes at the first that is not whole within the limit, not
        sound or does not follow its predecessor.
        """
        window, base = b"", offset
        while offset < limit:
            if len(window) - (offset - base) < RECORD_HEADER_BYTES:
                window, base = self.pread(min(READ_BYTES, limit - offset), offset), offset
            size = record_size(window, offset - base, self.header.salt, offset)
            if offset + size > limit:
                raise BadBytes(offset, "the record is cut short")
            if len(window) - (offset - base) < size:
                window, base = self.pread(min(max(READ_BYTES, size), limit - offset), offset), offset
            batch = record_unpack(window, offset - base, offset)
            _chain_check(batch, self.header.epoch, seq, time, offset)
            offset, seq, time = offset + size, batch.last_seq, batch.time
            yield batch, offset

    def has_record_after(self, offset: int) -> bool:
        """True if the header of a record stands anywhere behind ``offset``.

        It was written when all before it was durable, so what is bad at ``offset`` is damage, no torn tail.
        """
        salt, limit = self.header.salt, self.size()
        offset += 1
        while offset < limit:
            window = self.pread(READ_BYTES + RECORD_HEADER_BYTES, offset)
            start = window.find(salt)
            while 0 <= start < READ_BYTES:
                if record_header_is_sound(window, start, salt, offset + start):
                    return True
                start = window.find(salt, start + 1)
            offset += READ_BYTES
        return False


def _chain_check(batch: Batch, epoch: int, seq: int, time: int, offset: int) -> None:
    """Raises BadBytes unless ``batch`` follows a batch that ended with ``seq`` at ``time``."""
    if batch.epoch != epoch:
        raise ChainBroken(offset, f"a batch of epoch {batch.epoch} in a segment of epoch {epoch}")
    if batch.first_seq != seq + 1:
        raise ChainBroken(offset, f"sequence {batch.first_seq} follows {seq}")
    if batch.time < time:
        raise ChainBroken(offset, f"time {batch.time} follows {time}")

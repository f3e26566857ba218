"""The one who writes: appends records to segments it made itself, and says how far they are durable.
Made by ``FileJournal.take_over``; dropped when it is fenced."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from engine.journal.epochs import EpochClaim, MarkReader, epoch_claim
from engine.journal.errors import FULL_ERRNOS, JournalDamaged, JournalFenced, error_of
from engine.journal.faults import reach
from engine.journal.layout import (
    RECORD_HEADER_BYTES,
    SALT_BYTES,
    SEGMENT_HEADER_BYTES,
    SegmentHeader,
    batch_check,
    record_pack,
)
from engine.journal.protocol import Batch
from engine.journal.recovery import End, journal_end
from engine.journal.segments import segment_create, segment_name, write_whole

RESERVE_BYTES = 256 * 1024
"""Zeros written ahead: a sync that changes no file size is cheaper; more at once would stall for longer."""
NO_SPACE = "no space to take over the journal"


class FileWriter:
    """Holds one epoch. Appends come from one thread at a time; heartbeats may come from another."""

    def __init__(self, folder: Path, claim: EpochClaim, end: End, segment_bytes: int) -> None:
        self._folder = folder
        self._claim = claim
        self._segment_bytes = segment_bytes
        self._index, self._offset = end.segment, end.length
        self._index_epoch = end.epoch
        self._seq, self._time = end.seq, end.time
        self._allocated = 0
        self._descriptor = -1
        self._salt = b""
        self._over = ""  # why this writer must never write again

    @property
    def epoch(self) -> int:
        return self._claim.epoch

    def append(self, batch: Batch, now: Callable[[], int]) -> None:
        """See ``Journal.append``. now: read after the sync, for the heartbeat in the mark."""
        if self._over:
            raise JournalFenced(self._over)
        try:
            self._check_follows(batch)
        except ValueError:
            self.check()  # to one who was fenced that is the answer, whatever the batch
            raise
        size = RECORD_HEADER_BYTES + len(batch.payload)
        if self._offset > SEGMENT_HEADER_BYTES and self._offset + size > self._segment_bytes:
            self.segment_begin()
            reach("journal.roll")
        reach("journal.before_write")
        self._write(record_pack(batch, self._salt, self._offset))
        reach("journal.after_write")
        self._sync()
        reach("journal.after_sync")
        self.check()
        reach("journal.after_epoch_check")
        self._offset, self._seq, self._time = self._offset + size, batch.last_seq, batch.time
        try:
            self.mark(now())
        except OSError as error:
            self._fail(error)
        reach("journal.after_mark")

    def check(self) -> None:
        """Raises JournalFenced if another took over; from then on this writer touches nothing.

        Its successor may have kept and sealed the record it wrote last, so not even that may be overwritten.
        """
        if self._over:
            raise JournalFenced(self._over)
        try:
            self._claim.check()
        except JournalFenced as error:
            self._over = str(error)
            raise

    def segment_begin(self) -> None:
        """Make the next segment; its header seals the present one at the present offset."""
        salt = os.urandom(SALT_BYTES)
        header = SegmentHeader(
            index=self._index + 1,
            epoch=self.epoch,
            salt=salt,
            first_seq=self._seq + 1,
            previous_index=self._index,
            previous_epoch=self._index_epoch,
            previous_length=self._offset,
            previous_time=self._time,
        )
        try:
            descriptor = segment_create(self._folder, header)
        except OSError as error:
            self._refuse(error)
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._salt = descriptor, salt
        self._index, self._index_epoch = header.index, header.epoch
        self._offset = self._allocated = SEGMENT_HEADER_BYTES

    def mark(self, now: int) -> None:
        """Let readers see everything written so far. now: ns."""
        self._claim.mark_set(seq=self._seq, segment=self._index, offset=self._offset, now=now)

    def heartbeat(self, now: int) -> None:
        self._claim.heartbeat_set(now)

    def close(self) -> None:
        self._over = self._over or "this writer was closed"
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._claim.release()

    def _check_follows(self, batch: Batch) -> None:
        batch_check(batch)
        if batch.epoch != self.epoch:
            raise ValueError(f"the batch is of epoch {batch.epoch}, the writer of {self.epoch}")
        if batch.first_seq != self._seq + 1:
            raise ValueError(f"the batch begins with {batch.first_seq}, the journal ends with {self._seq}")
        if batch.time < self._time:
            raise ValueError(f"time {batch.time} is before that of the last batch, {self._time}")

    def _write(self, record: bytes) -> None:
        end = self._offset + len(record)
        try:
            if end > self._allocated:
                self._reserve(end)
            write_whole(self._descriptor, record, self._offset)
            self._allocated = max(self._allocated, end)
        except OSError as error:
            self._take_back()
            self._refuse(error)

    def _reserve(self, end: int) -> None:
        """Write zeros ahead, within the segment; where there is no room for them the record goes alone."""
        goal = min(max(end, self._allocated + RESERVE_BYTES), self._segment_bytes)
        if goal < end:
            return
        try:
            write_whole(self._descriptor, bytes(goal - self._allocated), self._allocated)
            self._allocated = goal
        except OSError as error:
            if error.errno not in FULL_ERRNOS:
                raise
            os.ftruncate(self._descriptor, self._allocated)

    def _take_back(self) -> None:
        """Remove what was written of the last record; it was never whole, so no successor kept it."""
        try:
            os.ftruncate(self._descriptor, self._offset)
            self._allocated = self._offset
        except OSError as error:
            self._fail(error)

    def _refuse(self, error: OSError) -> NoReturn:
        """Nothing was sequenced: say why."""
        self.check()
        if error.errno not in FULL_ERRNOS:
            self._fail(error)
        raise error_of(error, f"no space for sequence {self._seq + 1}") from error

    def _sync(self) -> None:
        try:
            os.fdatasync(self._descriptor)
        except OSError as error:
            self._fail(error)  # a second try could succeed without the bytes having reached the disk

    def _fail(self, error: OSError) -> NoReturn:
        """The disk failed in a way that leaves the outcome open: this writer is finished."""
        self._over = f"this writer stopped when its disk failed: {error}"
        raise JournalDamaged(segment_name(self._index, self.epoch), self._offset, str(error)) from error


def writer_take_over(
    folder: Path, marks: MarkReader, segment_bytes: int, now: Callable[[], int]
) -> FileWriter:
    """Claim the next epoch, read the tail, seal it. Raises as ``Journal.take_over``; then nothing is held."""
    try:
        claim = epoch_claim(folder, now())
    except OSError as error:
        raise error_of(error, NO_SPACE) from error
    reach("journal.take_over.after_epoch")
    writer: FileWriter | None = None
    try:
        end = journal_end(folder, claim.epoch, marks.below(claim.epoch))
        writer = FileWriter(folder, claim, end, segment_bytes)
        writer.segment_begin()
        reach("journal.take_over.after_seal")
        writer.check()
        writer.mark(now())
    except BaseException as error:
        if writer is None:
            claim.release()
        else:
            writer.close()
        if isinstance(error, OSError):
            raise error_of(error, NO_SPACE) from error
        raise
    return writer

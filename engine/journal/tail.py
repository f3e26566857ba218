"""A reader's place in the journal: goes from the mark back along the seals, then forward, record by record.
Used by followers (``follow``), replays (``read``); needs only the folder and never passes the mark."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path

from engine.journal.epochs import MarkReader
from engine.journal.errors import JournalDamaged
from engine.journal.layout import RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, BadBytes, SegmentHeader
from engine.journal.protocol import Batch, Mark
from engine.journal.segments import Segment, segment_header_read, segment_name

POLL_BYTES = 16 * 1024 * 1024


class FileTail:
    """Yields each batch once, from the one that holds ``from_seq`` on.

    Keeps the open segment and the offset in it between polls; when nothing is new a poll costs a stat and a
    read of the mark.
    """

    def __init__(self, folder: Path, from_seq: int) -> None:
        if from_seq < 1:
            raise ValueError("sequences begin with 1")
        self._folder = folder
        self._marks = MarkReader(folder)
        self._from_seq = from_seq
        self._segment: Segment | None = None
        self._offset = 0
        self._seq = 0
        self._time = 0
        self._ahead: deque[SegmentHeader] = deque()

    def poll(self) -> list[Batch]:
        return self.advance(self._marks.latest())

    def advance(self, mark: Mark) -> list[Batch]:
        """Batches between this place and ``mark``; a mark that lies behind (one was lost) gives none."""
        batches: list[Batch] = []
        if not mark.segment or not self._reach_for(mark):
            return batches
        room = POLL_BYTES
        while room > 0:
            for batch in self._read_on(self._limit(mark)):
                if batch.last_seq >= self._from_seq:
                    room -= RECORD_HEADER_BYTES + len(batch.payload)
                    batches.append(batch)
                if room <= 0:
                    break
            else:
                if not self._ahead:
                    break
                self._enter(self._ahead.popleft())
        return batches

    def close(self) -> None:
        if self._segment is not None:
            self._segment.close()
        self._segment = None
        self._ahead.clear()
        self._marks.close()

    def _reach_for(self, mark: Mark) -> bool:
        """Make the segments from here to the mark's known; False if the mark is not ahead of this place."""
        here = self._segment.header if self._segment else None
        last = self._ahead[-1] if self._ahead else here
        if last is not None and mark.segment <= last.index:
            is_last = (mark.segment, mark.epoch) == (last.index, last.epoch)
            return is_last and (bool(self._ahead) or mark.offset > self._offset)
        path = segment_path(self._folder, mark, last, self._from_seq)
        if here is None:
            self._enter(path.popleft())
        self._ahead.extend(path)
        return True

    def _enter(self, header: SegmentHeader) -> None:
        """Go on at the start of the segment of ``header``, the first or the one after that being read."""
        if self._segment is None:
            self._seq, self._time = header.first_seq - 1, header.previous_time
        elif (header.first_seq - 1, header.previous_time) != (self._seq, self._time):
            what = f"continues after sequence {header.first_seq - 1}, the one before ends with {self._seq}"
            raise JournalDamaged(segment_name(header.index, header.epoch), 0, what)
        segment = Segment(self._folder, header.index, header.epoch)
        if self._segment is not None:
            self._segment.close()
        self._segment, self._offset = segment, SEGMENT_HEADER_BYTES

    def _limit(self, mark: Mark) -> int:
        """Where the open segment ends for readers: at its seal, or at the mark."""
        return self._ahead[0].previous_length if self._ahead else mark.offset

    def _read_on(self, limit: int) -> Iterator[Batch]:
        segment = self._segment
        assert segment is not None
        try:
            for batch, offset in segment.records(self._offset, limit, self._seq, self._time):
                self._offset, self._seq, self._time = offset, batch.last_seq, batch.time
                yield batch
        except BadBytes as error:
            raise JournalDamaged(segment.name, error.offset, error.what) from None


def segment_path(
    folder: Path, mark: Mark, after: SegmentHeader | None, from_seq: int
) -> deque[SegmentHeader]:
    """The segments behind ``after`` (None: from the one that holds ``from_seq``) up to the mark's.

    Walks back, for only the later segment knows its predecessor: a paused writer may have left another
    segment of the same index. Raises JournalDamaged.
    """
    path: deque[SegmentHeader] = deque()
    index, epoch = mark.segment, mark.epoch
    while after is None or index > after.index:
        header = segment_header_read(folder, index, epoch)
        path.appendleft(header)
        index, epoch = header.previous_index, header.previous_epoch
        if after is None and (header.first_seq <= from_seq or not index):
            return path
    if (index, epoch) != (after.index, after.epoch):
        name = segment_name(path[0].index, path[0].epoch)
        raise JournalDamaged(name, 0, f"continues {segment_name(index, epoch)}, which was not read")
    return path

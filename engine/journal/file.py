"""The journal as files in one folder of one machine: the embedded default (DESIGN §5).
Opened by ``open_journal``; every process on the machine may read it, one at a time writes.

    format                            the version of all the rest
    epoch-<epoch>                     claim, lock and durable mark of that epoch's writer
    <index>-<epoch>.segment           a header that seals the segment before, then one record a batch
    voids                             the sequences every replay skips
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.journal.epochs import MarkReader, folder_sync
from engine.journal.errors import JournalDamaged, JournalFenced, JournalVersion, error_of
from engine.journal.layout import VERSION, version_text
from engine.journal.protocol import MAX_PAYLOAD_BYTES, Batch, Mark
from engine.journal.tail import FileTail
from engine.journal.voids import void_append, voids_read
from engine.journal.writer import FileWriter, writer_take_over

SEGMENT_BYTES = 64 * 1024 * 1024
FORMAT_NAME = "format"
_FORMAT_WORD = "outcry-journal"


class FileJournal:
    """Implements ``Journal``. Reading needs only the folder, which may not exist yet.

    One thread at a time may append, take over and close; everything else may be called from any thread.
    A process that writes must not fork: the child would keep the writer's lock.
    """

    def __init__(self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES, clock: Callable[[], int]) -> None:
        """segment_bytes: where a segment is ended (a greater record has one of its own) · clock: ns UTC.

        Raises JournalVersion, JournalDamaged.
        """
        if not 0 < segment_bytes <= 1024 * MAX_PAYLOAD_BYTES:
            raise ValueError(f"segment_bytes is {segment_bytes}")
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._clock = clock
        self._marks = MarkReader(folder)
        self._writer: FileWriter | None = None
        format_check(folder)

    def take_over(self) -> int:
        self._writer_drop()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not format_check(self._folder):
            format_write(self._folder)
        self._writer = writer_take_over(self._folder, self._marks, self._segment_bytes, self._clock)
        return self._writer.epoch

    def append(self, batch: Batch) -> None:
        self._writing().append(batch, self._clock)

    def read(self, from_seq: int) -> Iterator[Batch]:
        tail = self.follow(from_seq)
        try:
            mark = self.durable()
            while batches := tail.advance(mark):
                yield from batches
        finally:
            tail.close()

    def follow(self, from_seq: int) -> FileTail:
        return FileTail(self._folder, from_seq)

    def durable(self) -> Mark:
        return self._marks.latest()

    def heartbeat(self, now: int) -> None:
        self._writing().heartbeat(now)

    def heartbeat_age(self, now: int) -> int:
        return max(0, now - self._marks.latest().heartbeat_ns)

    def writer_is_dead(self) -> bool:
        return self._marks.writer_is_dead()

    def check_epoch(self) -> None:
        self._writing().check()

    def void(self, seq: int, reason: str) -> None:
        last = self.durable().seq
        if not 1 <= seq <= last:
            raise ValueError(f"sequence {seq} is not in the journal, which has 1 to {last}")
        try:
            void_append(self._folder, seq, reason)
        except OSError as error:
            raise error_of(error, f"no space to void sequence {seq}") from error

    def voided(self) -> dict[int, str]:
        return voids_read(self._folder)

    def close(self) -> None:
        self._writer_drop()
        self._marks.close()

    def _writing(self) -> FileWriter:
        if self._writer is None:
            raise JournalFenced("this process has not taken over the journal")
        return self._writer

    def _writer_drop(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def format_check(folder: Path) -> bool:
    """True if the folder has a format this program reads, False if it has none yet.

    Raises JournalVersion if it is newer, JournalDamaged if it is not a journal's.
    """
    try:
        text = (folder / FORMAT_NAME).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return False
    word, _, number = text.strip().partition(" ")
    if word != _FORMAT_WORD or not number.isascii() or not number.isdigit():
        raise JournalDamaged(FORMAT_NAME, 0, f"says {text[:40]!r}, not '{_FORMAT_WORD} {VERSION}'")
    if int(number) > VERSION:
        raise JournalVersion(f"{folder}: {version_text(int(number))}")
    return True


def format_write(folder: Path) -> None:
    """Say durably which format the folder has. Raises JournalFull."""
    draft = folder / f"{FORMAT_NAME}-{os.urandom(8).hex()}.draft"
    try:
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            os.write(descriptor, f"{_FORMAT_WORD} {VERSION}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(draft, folder / FORMAT_NAME)
        folder_sync(folder)
        folder_sync(folder.parent)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise error_of(error, f"no space for a journal in {folder}") from error

"""The right to write: one file an epoch, which is claim, lock and durable mark of its writer in one.
Used by the writer (claim, mark, check) and by every reader (mark, heartbeat, is the writer dead)."""

from __future__ import annotations

import fcntl
import os
import re
import threading
from dataclasses import replace
from pathlib import Path

from engine.journal.errors import JournalFenced
from engine.journal.layout import MARK_BYTES, mark_pack, mark_unpack
from engine.journal.protocol import Mark

NO_MARK = Mark(0, 0, 0, 0, 0)
_NAME = re.compile(r"epoch-(\d{10})")
_CLAIM_TRIES = 1_000
_MARK_TRIES = 100


def epoch_path(folder: Path, epoch: int) -> Path:
    return folder / f"epoch-{epoch:010d}"


def epoch_highest(folder: Path) -> int:
    """The highest epoch ever claimed; 0 if none (or no folder)."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return 0
    return max((int(match[1]) for name in names if (match := _NAME.fullmatch(name))), default=0)


def folder_sync(folder: Path) -> None:
    """Make the names in ``folder`` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class EpochClaim:
    """An epoch this process holds: its locked file, into which only this object writes.

    Each writer marks in a file of its own, so a paused one that wakes cannot set its successor's back.
    The lock goes with the process; a forked child that keeps the descriptor open would keep it too.
    """

    def __init__(self, folder: Path, epoch: int, descriptor: int, now: int) -> None:
        self.epoch = epoch
        self._next_path = str(epoch_path(folder, epoch + 1))
        self._descriptor = descriptor
        self._mark = Mark(epoch, 0, 0, 0, now)
        self._lock = threading.Lock()  # appends and heartbeats come from different threads

    def check(self) -> None:
        """Raises JournalFenced if a higher epoch exists. Epochs have no gaps, so one look is enough."""
        if os.path.exists(self._next_path):
            raise JournalFenced(f"epoch {self.epoch} is over: another writer has taken over")

    def mark_set(self, *, seq: int, segment: int, offset: int, now: int) -> None:
        """Advance the mark in one write; it needs no sync, for the next record's header repeats it."""
        with self._lock:
            heartbeat = max(now, self._mark.heartbeat_ns)
            self._write(Mark(self.epoch, seq, segment, offset, heartbeat))

    def heartbeat_set(self, now: int) -> None:
        with self._lock:
            self._write(replace(self._mark, heartbeat_ns=now))

    def _write(self, mark: Mark) -> None:
        if self._descriptor < 0:
            raise JournalFenced(f"epoch {self.epoch} was given up")
        self._mark = mark
        os.pwrite(self._descriptor, mark_pack(mark), 0)

    def release(self) -> None:
        """Close the file, and with it the lock."""
        with self._lock:
            os.close(self._descriptor)
            self._descriptor = -1


def epoch_claim(folder: Path, now: int) -> EpochClaim:
    """Claim the next epoch; of several claimants each gets another one, the highest is the writer.

    The file is made locked and filled under another name and then linked: it exists at once or not at all,
    and is never seen unlocked while its writer lives. now: ns, the first heartbeat.
    """
    for _ in range(_CLAIM_TRIES):
        epoch = epoch_highest(folder) + 1
        draft = folder / f"epoch-{os.urandom(8).hex()}.draft"
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.pwrite(descriptor, mark_pack(Mark(epoch, 0, 0, 0, now)), 0)
            os.fsync(descriptor)
            os.link(draft, epoch_path(folder, epoch))
        except BaseException as error:
            os.close(descriptor)
            if isinstance(error, FileExistsError):
                continue
            raise
        finally:
            draft.unlink(missing_ok=True)
        folder_sync(folder)
        return EpochClaim(folder, epoch, descriptor, now)
    raise JournalFenced(f"{_CLAIM_TRIES} others took over first")


class MarkReader:
    """Reads the newest mark; keeps the newest epoch's file open, so that a poll is one stat and one read.

    May be shared by threads.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._epoch = 0
        self._next_path = ""
        self._descriptor = -1
        self._lock = threading.RLock()

    def latest(self) -> Mark:
        """The placed mark of the highest epoch that has one, with the heartbeat of the highest epoch."""
        with self._lock:
            self._step()
            epoch = self._epoch
            newest = self._read(self._descriptor) if epoch else None
        if newest is not None and newest.segment:
            return newest
        heartbeat = newest.heartbeat_ns if newest else 0
        return replace(self.below(epoch), heartbeat_ns=heartbeat)

    def below(self, epoch: int) -> Mark:
        """The placed mark of the highest epoch under ``epoch``; NO_MARK if there is none."""
        for lower in range(epoch - 1, 0, -1):
            mark = self._read_epoch(lower)
            if mark is not None and mark.segment:
                return mark
        return NO_MARK

    def writer_is_dead(self) -> bool:
        """True if nobody holds the lock of the highest epoch."""
        with self._lock:
            self._step()
            epoch = self._epoch
        if not epoch:
            return True
        # A descriptor of its own: the lock belongs to the open file, and closing this one gives it back.
        descriptor = os.open(epoch_path(self._folder, epoch), os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True

    def close(self) -> None:
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
            self._epoch, self._descriptor = 0, -1

    def _step(self) -> None:
        """Open the file of the highest epoch if it is not the open one."""
        if self._epoch and not os.path.exists(self._next_path):
            return
        highest = epoch_highest(self._folder)
        if highest > self._epoch:
            self.close()
            self._descriptor = os.open(epoch_path(self._folder, highest), os.O_RDONLY)
            self._epoch = highest
            self._next_path = str(epoch_path(self._folder, highest + 1))

    def _read_epoch(self, epoch: int) -> Mark | None:
        try:
            descriptor = os.open(epoch_path(self._folder, epoch), os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            return self._read(descriptor)
        finally:
            os.close(descriptor)

    def _read(self, descriptor: int) -> Mark | None:
        """A read may meet a half-done write: read again; a mark that stays bad was lost with the power."""
        for _ in range(_MARK_TRIES):
            mark = mark_unpack(os.pread(descriptor, MARK_BYTES, 0))
            if mark is not None:
                return mark
        return None

"""What can go wrong with a journal, one class for each answer a caller has to give.
Raised by every journal; caught by the leader, the followers and the management commands."""

from __future__ import annotations

import errno


class JournalError(Exception):
    """Any trouble with the journal; never raised itself."""


class JournalFenced(JournalError):
    """Another writer holds a higher epoch (or this instance never took over): stop leading.

    Raised from ``append`` it means: what was written is not acknowledged by this writer.
    """


class JournalFull(JournalError):
    """The disk or the quota is full: nothing was sequenced, the journal stays usable once there is space."""


FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def error_of(error: OSError, what: str) -> Exception:
    """JournalFull saying ``what`` if ``error`` is a full disk or quota, else the error as it is."""
    if error.errno in FULL_ERRNOS:
        return JournalFull(f"{what}: {error.strerror}")
    return error


class JournalVersion(JournalError):
    """The folder was written by a newer version of the program than this one can read."""


class JournalDamaged(JournalError):
    """Bytes that were durable do not read back as written, or cannot be told to be: an operator must look.

    Args: segment: file name ("" when no file is at fault) · offset: byte in it · what: one English phrase.
    """

    def __init__(self, segment: str, offset: int, what: str) -> None:
        super().__init__(f"journal damaged: {segment or 'folder'} at byte {offset}: {what}")
        self.segment = segment
        self.offset = offset
        self.what = what

"""The journal: every command, in order, durable before it is answered (DESIGN §5).
Import from here; the modules inside are the file journal's own business."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from engine.journal.errors import (
    JournalDamaged,
    JournalError,
    JournalFenced,
    JournalFull,
    JournalVersion,
)
from engine.journal.file import FileJournal
from engine.journal.protocol import HEARTBEAT_STALE_NS, MAX_PAYLOAD_BYTES, Batch, Journal, Mark, Tail

__all__ = [
    "HEARTBEAT_STALE_NS",
    "MAX_PAYLOAD_BYTES",
    "Batch",
    "FileJournal",
    "Journal",
    "JournalDamaged",
    "JournalError",
    "JournalFenced",
    "JournalFull",
    "JournalVersion",
    "Mark",
    "Tail",
    "open_journal",
]


def open_journal(url: str, *, clock: Callable[[], int] = time.time_ns) -> Journal:
    """The journal at ``url``: ``file:///absolute/folder``. clock: ns UTC, for heartbeats.

    Raises ValueError for any other address, JournalVersion, JournalDamaged.
    """
    parts = urlsplit(url)
    if parts.scheme != "file":
        raise ValueError(f"a journal's address begins with file:///, not {parts.scheme or url!r}")
    folder = Path(unquote(parts.path))
    if parts.netloc not in ("", "localhost") or not folder.is_absolute() or parts.query or parts.fragment:
        raise ValueError(f"a file journal's address is file:/// and an absolute folder, not {url!r}")
    return FileJournal(folder, clock=clock)

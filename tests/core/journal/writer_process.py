"""A writer in a process of its own: takes over, appends, prints what returned. Run by the fault tests.
``python -m tests.core.journal.writer_process FOLDER SEGMENT_BYTES COUNT``"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from engine.journal import FileJournal, JournalFenced
from tests.core.journal.helpers import batch_make

FENCED = 3


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(folder: Path, segment_bytes: int, count: int) -> int:
    journal = FileJournal(folder, segment_bytes=segment_bytes, clock=time.time_ns)
    try:
        epoch = journal.take_over()
        say(f"epoch {epoch}")
        first = journal.durable().seq + 1
        for seq in range(first, first + count):
            journal.append(batch_make(epoch, seq, payload=f"{epoch}:{seq};".encode() * 40))
            say(f"returned {seq}")
    except JournalFenced:
        say("fenced")
        return FENCED
    say("done")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))

"""One supervisor a data folder: an flock that the kernel releases however the holder dies.
Called by `manage.py up` and `manage.py clean_data`."""

import fcntl
import os
from pathlib import Path
from typing import IO


class AlreadyRunning(Exception):
    """Another supervisor holds this data folder."""


class InstanceLock:
    """Held from construction until `release` or the death of this process."""

    def __init__(self, data: Path) -> None:
        """Take the lock; raises AlreadyRunning."""
        self._file: IO[str] = (data / "lock").open("a+", encoding="ascii")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise AlreadyRunning(str(data)) from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Let the next one in."""
        self._file.close()

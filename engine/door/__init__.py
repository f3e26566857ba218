"""The door: how anything outside the engine asks it for something. Channels is behind it and stays there.
Called by services; `configure` once a process, then `await door().call(command)` or `door().call_sync(command)`."""

import os
import threading

from engine.door.client import NOT_AFTER_MS, Door, Outcome
from engine.replies import DoorError, Reply

__all__ = ["NOT_AFTER_MS", "Door", "DoorError", "Outcome", "Reply", "close", "configure", "door"]

_lock = threading.Lock()
_configured: tuple[str, str] | None = None
_door: Door | None = None
_pid = 0


def configure(*, redis_url: str, stack_id: str) -> None:
    """Say where the venue is; nothing is opened before the first call. Another address closes the old door."""
    global _configured
    if not redis_url or not stack_id:
        raise ValueError("the door needs the address of Redis and the stack id")
    with _lock:
        if _configured == (redis_url, stack_id):
            return
        _close()
        _configured = (redis_url, stack_id)


def door() -> Door:
    """This process's door; a Django process that did not configure it is known by its settings."""
    global _door, _pid
    found = _door
    if found is not None and _pid == os.getpid():
        return found
    with _lock:
        if _door is None or _pid != os.getpid():  # a forked child has no thread behind the door it inherited
            _door, _pid = Door(*(_configured or _from_settings())), os.getpid()
        return _door


def _from_settings() -> tuple[str, str]:
    from django.conf import settings

    return settings.REDIS_URL, settings.OUTCRY_STACK_ID


def close() -> None:
    """End the door's thread; the next `door()` opens a new one."""
    with _lock:
        _close()


def _close() -> None:
    global _door
    if _door is not None and _pid == os.getpid():
        _door.close()
    _door = None

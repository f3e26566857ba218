"""The list of sequences every replay skips, in an append-only file of its own.
Written by ``manage.py journal void`` for a command that stops the engine; read by whoever replays."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from engine.journal.epochs import folder_sync
from engine.journal.errors import JournalDamaged
from engine.journal.layout import VOID_BYTES, BadBytes, void_pack, void_unpack
from engine.journal.segments import write_whole

MAX_VOIDS = 10_000
FILE_NAME = "voids"


def void_append(folder: Path, seq: int, reason: str) -> None:
    """Durably add ``seq``; one that is there already stays as it is. ValueError, JournalDamaged, OSError."""
    block = void_pack(seq, reason)
    descriptor = os.open(folder / FILE_NAME, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        known, length = _parse(_read(descriptor))
        if seq in known:
            return
        if len(known) >= MAX_VOIDS:
            raise ValueError(f"at most {MAX_VOIDS} sequences can be voided")
        write_whole(descriptor, block, length)  # over a block that was never finished
        os.fsync(descriptor)
        folder_sync(folder)
    finally:
        os.close(descriptor)


def voids_read(folder: Path) -> dict[int, str]:
    """Sequence → reason. Raises JournalDamaged."""
    try:
        descriptor = os.open(folder / FILE_NAME, os.O_RDONLY)
    except FileNotFoundError:
        return {}
    try:
        return _parse(_read(descriptor))[0]
    finally:
        os.close(descriptor)


def _read(descriptor: int) -> bytes:
    return os.pread(descriptor, (MAX_VOIDS + 1) * VOID_BYTES, 0)


def _parse(data: bytes) -> tuple[dict[int, str], int]:
    """The voids and the bytes they take; a last block that is short or all zero was never finished."""
    voids: dict[int, str] = {}
    for offset in range(0, len(data), VOID_BYTES):
        block = data[offset : offset + VOID_BYTES]
        is_last = offset + VOID_BYTES >= len(data)
        if is_last and (len(block) < VOID_BYTES or not any(block)):
            return voids, offset
        try:
            seq, reason = void_unpack(block, offset)
        except BadBytes as error:
            raise JournalDamaged(FILE_NAME, offset, error.what) from None
        voids.setdefault(seq, reason)
    return voids, len(data)

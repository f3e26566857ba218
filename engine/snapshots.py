"""Snapshots of the engine's state on disk: the sequence, the event hash, the state hash and the canonical bytes.
Written by followers, read at start, by reconcile and rebuild; never needed for correctness, only for speed."""

import hashlib
import logging
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from engine import messages
from engine.core.engine import Engine
from engine.journal.faults import reach

logger = logging.getLogger(__name__)

MAGIC = b"OUTCRYS\n"
VERSION = 1
KEEP = 3
HASH_BYTES = 32
# magic, version, sequence, event hash, state hash (sha256 of the bytes that follow), their length
_HEADER = struct.Struct("<8sIQ32s32sQ")
_NAME = re.compile(r"snapshot-(\d{20})")


class SnapshotRefused(Exception):
    """The file is not a whole, sound snapshot that this program can read; an older one will do."""


@dataclass(slots=True, frozen=True)
class Snapshot:
    """The state after `seq`. event_hash: of all events up to it · state_hash: sha256 of `data`."""

    seq: int
    event_hash: bytes
    state_hash: bytes
    data: bytes

    def engine(self) -> Engine:
        """A new engine in this state."""
        return Engine.load(messages.wire_decode(self.data))


def snapshot_take(engine: Engine, event_hash: bytes) -> Snapshot:
    """The engine's state as it stands; the same state gives the same bytes on any machine."""
    data = messages.wire_encode(engine.dump())
    return Snapshot(engine.seq, event_hash, hashlib.sha256(data).digest(), data)


def state_hash(engine: Engine) -> bytes:
    """sha256 of the canonical snapshot bytes."""
    return snapshot_take(engine, b"").state_hash


class SnapshotStore:
    """The snapshots of one folder; several processes may write and read it at once."""

    def __init__(self, folder: Path, keep: int = KEEP) -> None:
        self.folder = folder
        self._keep = keep

    def write(self, snapshot: Snapshot) -> Path:
        """Make it durable under its name, or not at all; then drop the oldest. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / f"snapshot-{snapshot.seq:020d}"
        draft = self.folder / f".{path.name}.{os.getpid()}"
        try:
            reach("snapshot.before_write")
            _write_synced(draft, _pack(snapshot))
            reach("snapshot.after_write")
            draft.rename(path)
            reach("snapshot.after_rename")
        finally:
            draft.unlink(missing_ok=True)
        _folder_sync(self.folder)
        self._drop_old()
        reach("snapshot.after_drop")
        return path

    def sequences(self) -> list[int]:
        """The sequences of what is there, newest first."""
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        return sorted((int(match[1]) for name in names if (match := _NAME.fullmatch(name))), reverse=True)

    def newest(self, seq_max: int | None = None) -> Snapshot | None:
        """The newest sound one at or below `seq_max`; a damaged one is passed over, and said so."""
        for seq in self.sequences():
            if seq_max is not None and seq > seq_max:
                continue
            path = self.folder / f"snapshot-{seq:020d}"
            try:
                return _unpack(path.read_bytes(), seq)
            except FileNotFoundError:  # another process dropped it meanwhile
                continue
            except SnapshotRefused as refused:
                logger.warning("snapshot %s is passed over: %s", path.name, refused)
        return None

    def _drop_old(self) -> None:
        for seq in self.sequences()[self._keep :]:
            (self.folder / f"snapshot-{seq:020d}").unlink(missing_ok=True)


def _pack(snapshot: Snapshot) -> bytes:
    header = _HEADER.pack(
        MAGIC, VERSION, snapshot.seq, snapshot.event_hash, snapshot.state_hash, len(snapshot.data)
    )
    return header + snapshot.data


def _unpack(data: bytes, seq: int) -> Snapshot:
    if len(data) < _HEADER.size or data[:8] != MAGIC:
        raise SnapshotRefused("it is no snapshot")
    _, version, own_seq, event_hash, own_hash, length = _HEADER.unpack_from(data)
    if version > VERSION:
        raise SnapshotRefused(f"it has format {version}, this program reads up to {VERSION}")
    body = data[_HEADER.size :]
    if own_seq != seq or length != len(body) or hashlib.sha256(body).digest() != own_hash:
        raise SnapshotRefused("its bytes are not those that were written")
    return Snapshot(seq, event_hash, own_hash, body)


def _write_synced(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def _folder_sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The bytes of the file journal: segment header, record, mark, void; version 1, little-endian.
Used by the modules of ``engine.journal`` that read and write files; pure functions."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import google_crc32c

from engine.journal.errors import JournalVersion
from engine.journal.protocol import EVENT_HASH_BYTES, MAX_COUNT, MAX_PAYLOAD_BYTES, Batch, Mark

VERSION = 1
SALT_BYTES = 8
SEGMENT_MAGIC = b"OUTCRYJ\n"
MARK_MAGIC = b"OUTCRYM\n"
VOID_MAGIC = b"OUTCRYV\n"

_CRC = struct.Struct("<I")
# magic, version, (unused), index, epoch, salt, first_seq, previous index, epoch, length, time
_SEGMENT = struct.Struct("<8sIIQQ8sQQQQQ")
# salt, own offset, epoch, first_seq, count, payload length, time, event hash, payload CRC
_RECORD = struct.Struct("<8sQQQIIQ32sI")
_MARK = struct.Struct("<8sQQQQQ")
_VOID = struct.Struct("<8sQI")

SEGMENT_HEADER_BYTES = 128
RECORD_HEADER_BYTES = _RECORD.size + _CRC.size
MARK_BYTES = _MARK.size + _CRC.size
VOID_BYTES = 512
MAX_REASON_BYTES = 400


class BadBytes(Exception):
    """What begins at ``offset`` is not a whole and sound piece. Never leaves the journal."""

    def __init__(self, offset: int, what: str) -> None:
        super().__init__(what)
        self.offset = offset
        self.what = what


@dataclass(slots=True, frozen=True)
class SegmentHeader:
    """Names a segment and seals the one before it.

    index: from 1, one up along the chain · epoch: of its only writer · salt: random, begins each record, so
    that no payload can pass for one · first_seq: the next sequence when it was made · previous_*: the segment
    before it (index 0: none) and its valid length in bytes; what stands after that is void ·
    previous_time: of the last batch before it, ns (0: none).
    """

    index: int
    epoch: int
    salt: bytes
    first_seq: int
    previous_index: int
    previous_epoch: int
    previous_length: int
    previous_time: int


def _signed(data: bytes) -> bytes:
    return data + _CRC.pack(google_crc32c.value(data))


def _is_sound(data: bytes) -> bool:
    return data[-_CRC.size :] == _CRC.pack(google_crc32c.value(data[: -_CRC.size]))


def segment_header_pack(header: SegmentHeader) -> bytes:
    """128 bytes."""
    fields = _SEGMENT.pack(
        SEGMENT_MAGIC, VERSION, 0, header.index, header.epoch, header.salt, header.first_seq,
        header.previous_index, header.previous_epoch, header.previous_length, header.previous_time,
    )  # fmt: skip
    return _signed(fields.ljust(SEGMENT_HEADER_BYTES - _CRC.size, b"\0"))


def segment_header_unpack(data: bytes) -> SegmentHeader:
    """Raises BadBytes, or JournalVersion: every later version keeps magic and version where they are."""
    if len(data) < SEGMENT_HEADER_BYTES or data[:8] != SEGMENT_MAGIC:
        raise BadBytes(0, "no segment header")
    version = int.from_bytes(data[8:12], "little")
    if version > VERSION:
        raise JournalVersion(version_text(version))
    if not _is_sound(data):
        raise BadBytes(0, "checksum of the segment header")
    return SegmentHeader(*_SEGMENT.unpack_from(data)[3:])


def version_text(version: int) -> str:
    return f"the journal has format {version}, this program reads up to {VERSION}: use a newer Outcry"


def record_pack(batch: Batch, salt: bytes, offset: int) -> bytes:
    """The record of ``batch`` at ``offset``.

    Its own offset and first_seq − 1 repeat the durable mark as it was when the record was written.
    """
    header = _RECORD.pack(
        salt, offset, batch.epoch, batch.first_seq, batch.count, len(batch.payload), batch.time,
        batch.event_hash, google_crc32c.value(batch.payload),
    )  # fmt: skip
    return _signed(header) + batch.payload


def record_header_is_sound(data: bytes, start: int, salt: bytes, offset: int) -> bool:
    """True if a record's header stands at data[start:], written for this segment and this offset."""
    header = data[start : start + RECORD_HEADER_BYTES]
    if len(header) < RECORD_HEADER_BYTES or header[:SALT_BYTES] != salt:
        return False
    return _is_sound(header) and int(_RECORD.unpack_from(header)[1]) == offset


def record_size(data: bytes, start: int, salt: bytes, offset: int) -> int:
    """Bytes of the record whose header stands at data[start:]. Raises BadBytes."""
    if not record_header_is_sound(data, start, salt, offset):
        raise BadBytes(offset, "record header")
    length = int(_RECORD.unpack_from(data, start)[5])
    if length > MAX_PAYLOAD_BYTES:
        raise BadBytes(offset, f"payload of {length} bytes")
    return RECORD_HEADER_BYTES + length


def record_unpack(data: bytes, start: int, offset: int) -> Batch:
    """The batch of the whole record at data[start:]; call ``record_size`` first. Raises BadBytes."""
    _, _, epoch, first_seq, count, length, time, event_hash, crc = _RECORD.unpack_from(data, start)
    begin = start + RECORD_HEADER_BYTES
    payload = data[begin : begin + length]
    if len(payload) < length or google_crc32c.value(payload) != crc:
        raise BadBytes(offset, "checksum of the payload")
    return Batch(epoch, first_seq, count, time, event_hash, payload)


def batch_check(batch: Batch) -> None:
    """Raises ValueError if a field is outside what a record can hold."""
    if not 1 <= batch.count <= MAX_COUNT or batch.first_seq < 1:
        raise ValueError(f"a batch has 1 to {MAX_COUNT} commands from sequence 1 on")
    if len(batch.event_hash) != EVENT_HASH_BYTES:
        raise ValueError(f"the event hash has {EVENT_HASH_BYTES} bytes, not {len(batch.event_hash)}")
    if len(batch.payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a payload has at most {MAX_PAYLOAD_BYTES} bytes, not {len(batch.payload)}")


def mark_pack(mark: Mark) -> bytes:
    return _signed(_MARK.pack(MARK_MAGIC, mark.epoch, mark.seq, mark.segment, mark.offset, mark.heartbeat_ns))


def mark_unpack(data: bytes) -> Mark | None:
    """None if the bytes are not a whole and sound mark."""
    if len(data) != MARK_BYTES or data[:8] != MARK_MAGIC or not _is_sound(data):
        return None
    return Mark(*_MARK.unpack_from(data)[1:])


def void_pack(seq: int, reason: str) -> bytes:
    """A block of 512 bytes. Raises ValueError if the reason is too long."""
    text = reason.encode()
    if not 0 < len(text) <= MAX_REASON_BYTES:
        raise ValueError(f"a reason has 1 to {MAX_REASON_BYTES} bytes of UTF-8, not {len(text)}")
    return _signed((_VOID.pack(VOID_MAGIC, seq, len(text)) + text).ljust(VOID_BYTES - _CRC.size, b"\0"))


def void_unpack(data: bytes, offset: int) -> tuple[int, str]:
    """Sequence and reason of one block. Raises BadBytes."""
    if len(data) != VOID_BYTES or data[:8] != VOID_MAGIC or not _is_sound(data):
        raise BadBytes(offset, "void record")
    _, seq, length = _VOID.unpack_from(data)
    return seq, data[_VOID.size : _VOID.size + length].decode()

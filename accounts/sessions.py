"""What the web remembers of a login session between requests: a record in Redis, PostgreSQL behind it.
Read at every request (accounts/principals.py), written by accounts/services.py after each commit."""

from __future__ import annotations

import logging
from typing import Final

import msgspec
from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import get_channel_layer
from django.utils import timezone

from accounts.redis_clients import RedisAway, redis_client, redis_client_async, redis_key

logger = logging.getLogger(__name__)

# The record outlives the access token it was written for, so that trading needs no PostgreSQL meanwhile.
RECORD_TTL_S: Final = 600
# The tombstone outlives every record a late reader could still write.
TOMBSTONE_TTL_S: Final = 3 * RECORD_TTL_S


class SessionRecord(msgspec.Struct, array_like=True):
    """The facts of a live session that a request needs."""

    user_id: int
    username: str
    roles: list[str]
    account_ids: list[int]


_DECODER: Final = msgspec.msgpack.Decoder(SessionRecord)


def session_group(session_id: str) -> str:
    """The channel layer group whose sockets end with the session."""
    return f"session.{session_id}"


def session_read(session_id: str) -> SessionRecord | None:
    """The live session's record, or None when it is ended or unknown. Raises what the database raises."""
    try:
        ended, body = redis_client().mget(_keys(session_id))
    except RedisAway:
        return _session_load(session_id)
    if ended:
        return None
    if body:
        return _DECODER.decode(body)
    record = _session_load(session_id)
    if record is not None:
        _record_add(session_id, record)
    return record


async def session_read_async(session_id: str) -> SessionRecord | None:
    """As `session_read`, for code on an event loop; a thread is used only when Redis does not know."""
    try:
        ended, body = await redis_client_async().mget(_keys(session_id))
    except RedisAway:
        return await sync_to_async(_session_load)(session_id)
    if ended:
        return None
    if body:
        return _DECODER.decode(body)
    return await sync_to_async(session_read)(session_id)


def session_remember(session_id: str, record: SessionRecord) -> None:
    """Write the record of a session that has begun or changed; call after the commit."""
    try:
        redis_client().set(_record_key(session_id), msgspec.msgpack.encode(record), ex=RECORD_TTL_S)
    except RedisAway:
        logger.warning("session record not written: Redis is away")


def sessions_forget(session_ids: list[str]) -> None:
    """End sessions for every web process and their sockets; call after the commit that ended them.

    Should Redis be away the records are unreachable too, and readers fall back to PostgreSQL; when it is
    back with its records, `services.sessions_announce_ended` puts the tombstones there within a minute."""
    try:
        sessions_remember_ended(session_ids)
        for session_id in session_ids:
            _sockets_end(session_id)
    except RedisAway:
        logger.warning("session end not announced: Redis is away; the sweep says it again")


def sessions_remember_ended(session_ids: list[str]) -> None:
    """Write the tombstones that outrank any record; raises what a Redis that is away raises."""
    pipe = redis_client().pipeline(transaction=True)
    for session_id in session_ids:
        pipe.set(_ended_key(session_id), b"1", ex=TOMBSTONE_TTL_S)
        pipe.delete(_record_key(session_id))
    pipe.execute()


def _sockets_end(session_id: str) -> None:
    layer = get_channel_layer()
    message = {"type": "session.ended", "session_id": session_id}
    async_to_sync(layer.group_send)(session_group(session_id), message)


def _record_add(session_id: str, record: SessionRecord) -> None:
    """Fill the record unless a newer one stands there already."""
    try:
        redis_client().set(_record_key(session_id), msgspec.msgpack.encode(record), ex=RECORD_TTL_S, nx=True)
    except RedisAway:
        logger.warning("session record not filled: Redis is away")


def _session_load(session_id: str) -> SessionRecord | None:
    from accounts import selectors

    return selectors.session_record(session_id=session_id, now=timezone.now())


def _keys(session_id: str) -> list[str]:
    return [_ended_key(session_id), _record_key(session_id)]


def _ended_key(session_id: str) -> str:
    return redis_key(f"session.ended.{session_id}")


def _record_key(session_id: str) -> str:
    return redis_key(f"session.record.{session_id}")

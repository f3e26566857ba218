"""Readiness: each server is asked the question that matters, not whether its port is open.
Called by the supervisor's process table and the test harness."""

import asyncio
import contextlib
from pathlib import Path

import psycopg
import redis.asyncio as redis

PROBE_TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 65_536


async def postgres_answers(url: str) -> bool:
    """True when `SELECT 1` is answered."""
    try:
        async with await psycopg.AsyncConnection.connect(url, connect_timeout=5) as connection:
            cursor = await connection.execute("SELECT 1")
            return await cursor.fetchone() == (1,)
    except psycopg.OperationalError:
        return False


async def redis_answers(url: str) -> bool:
    """True when PING is answered."""
    client = redis.Redis.from_url(url, socket_connect_timeout=PROBE_TIMEOUT_S, socket_timeout=PROBE_TIMEOUT_S)
    try:
        return bool(await client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        await client.aclose()


async def http_status(host: str, port: int, path: str) -> int | None:
    """The status of `GET path`, None when nothing answers."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(
                    f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("ascii")
                )
                line = await reader.readline()
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError):
        return None
    words = line.split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else None


async def file_exists(path: Path) -> bool:
    """True when the process has written its ready file."""
    return path.exists()

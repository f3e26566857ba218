"""Rate limits by user and by address, in one atomic Redis script of fixed cost (promise P20).
Called by the DRF throttle, the async endpoints and the sockets before the work is done."""

from __future__ import annotations

import logging
from hashlib import sha1
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from django.conf import settings
from redis.exceptions import NoScriptError

from accounts.http.envelope import ApiError
from accounts.redis_clients import RedisAway, redis_client, redis_client_async, redis_key
from engine.core.codes import Code

if TYPE_CHECKING:
    from accounts.principals import Principal

logger = logging.getLogger(__name__)

Kind = Literal["read", "write", "order", "cancel", "login", "socket"]


class Rate(NamedTuple):
    """`per_second` units refill a bucket that holds `burst`."""

    per_second: float
    burst: int


# By kind: what one user (for logins: one user name) and one address may do. The address allows many
# users behind one router. Cancels have their own budget, so that nobody is locked into his risk.
RATES: Final[dict[str, tuple[Rate, Rate]]] = {
    "read": (Rate(200, 400), Rate(2_000, 4_000)),
    "write": (Rate(20, 60), Rate(200, 400)),
    "order": (Rate(2_000, 4_000), Rate(20_000, 40_000)),
    "cancel": (Rate(2_000, 4_000), Rate(20_000, 40_000)),
    "login": (Rate(0.5, 30), Rate(5, 300)),
    "socket": (Rate(5, 50), Rate(50, 500)),
}

# The generic cell rate algorithm: a key holds the time at which its bucket is full again, in µs. All keys
# are looked at before any is charged, so a refusal costs nobody anything. Redis' own clock is the one
# clock all web processes share.
_SCRIPT: Final = """
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000000 + tonumber(t[2])
local weight = tonumber(ARGV[1])
local fulls, wait = {}, 0
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local full = math.max(tonumber(redis.call('GET', key) or '0'), now) + weight * interval
  wait = math.max(wait, full - burst * interval - now)
  fulls[i] = full
end
if wait > 0 then return math.ceil(wait) end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', fulls[i]), 'PX', math.ceil((fulls[i] - now) / 1000) + 1)
end
return 0
"""
_SCRIPT_SHA: Final = sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()


def throttle_check(
    principal: Principal | None, address: str, kind: Kind, weight: int = 1, name: str = ""
) -> None:
    """Charge `weight` to the caller's budgets of `kind`; THROTTLED with Retry-After when one is empty.

    `name` stands for the user where there is no principal yet (login). With Redis away logins are refused
    (nothing would slow a guesser down) and everything else passes: orders need Redis anyway and are
    refused by the door, and reads should survive."""
    keys, arguments = _question(principal, address, kind, weight, name)
    try:
        client = redis_client()
        try:
            wait_us = int(client.evalsha(_SCRIPT_SHA, len(keys), *keys, *arguments))
        except NoScriptError:
            wait_us = int(client.eval(_SCRIPT, len(keys), *keys, *arguments))
    except RedisAway:
        return _without_redis(kind)
    return _judge(wait_us)


async def throttle_check_async(
    principal: Principal | None, address: str, kind: Kind, weight: int = 1, name: str = ""
) -> None:
    """As `throttle_check`, for code on an event loop."""
    keys, arguments = _question(principal, address, kind, weight, name)
    try:
        client = redis_client_async()
        try:
            wait_us = int(await client.evalsha(_SCRIPT_SHA, len(keys), *keys, *arguments))
        except NoScriptError:
            wait_us = int(await client.eval(_SCRIPT, len(keys), *keys, *arguments))
    except RedisAway:
        return _without_redis(kind)
    return _judge(wait_us)


def _question(
    principal: Principal | None, address: str, kind: str, weight: int, name: str
) -> tuple[list[str], list[str]]:
    """The keys to charge and the script's arguments."""
    by_user, by_address = {**RATES, **getattr(settings, "OUTCRY_THROTTLES", {})}[kind]
    buckets = [(f"address.{address}", by_address)]
    if principal is not None:
        buckets.append((f"user.{principal.user_id}", by_user))
    elif name:
        buckets.append((f"name.{name.lower()[:150]}", by_user))
    # A weight above the burst could never pass; it takes the whole bucket instead.
    arguments = [str(min(weight, *(rate.burst for _, rate in buckets)))]
    for _, rate in buckets:
        arguments += [str(round(1_000_000 / rate.per_second)), str(rate.burst)]
    return [redis_key(f"throttle.{kind}.{bucket}") for bucket, _ in buckets], arguments


def _judge(wait_us: int) -> None:
    if wait_us > 0:
        wait_s = -(-wait_us // 1_000_000)
        raise ApiError(Code.THROTTLED, limit=wait_s, retry_after=wait_s)


def _without_redis(kind: str) -> None:
    logger.warning("throttle not asked: Redis is away")
    if kind == "login":
        raise ApiError(Code.DATABASE_UNAVAILABLE, retry_after=1)

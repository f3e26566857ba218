"""Limits by user and by address; cancels have a budget of their own; 429 with Retry-After (promise P20).
Run by pytest in the app tier, on a real Redis."""

import asyncio
from typing import Any

import pytest
from django.test import override_settings

from accounts.http.envelope import ApiError
from accounts.principals import Principal
from accounts.redis_clients import redis_client
from accounts.throttles import RATES, Rate, throttle_check, throttle_check_async
from engine.core.codes import Code
from tests.support.people import person
from tests.support.servers import RedisServer

# So slow that nothing refills while the test runs.
SLOW = Rate(0.001, 5)
WIDE = Rate(1_000, 100_000)
slow_users = override_settings(OUTCRY_THROTTLES={"order": (SLOW, WIDE), "cancel": (SLOW, WIDE)})
slow_addresses = override_settings(OUTCRY_THROTTLES={"order": (WIDE, SLOW)})


def trader(user_id: int) -> Principal:
    return Principal(user_id, f"user{user_id}", "s", frozenset(), frozenset(), 0)


def allowed(*arguments: Any, **options: Any) -> bool:
    try:
        throttle_check(*arguments, **options)
    except ApiError as error:
        return _throttled(error)
    return True


def _throttled(error: ApiError) -> bool:
    assert (error.code, error.http_status) == (Code.THROTTLED, 429)
    assert error.retry_after is not None
    assert error.retry_after >= 1
    return False


@slow_users
def test_a_user_has_his_burst_and_no_more_and_disturbs_nobody() -> None:
    assert [allowed(trader(1), "10.0.0.1", "order") for _ in range(7)] == [True] * 5 + [False] * 2
    assert allowed(trader(2), "10.0.0.1", "order")


@slow_users
def test_cancels_have_their_own_budget() -> None:
    while allowed(trader(1), "10.0.0.1", "order"):
        pass
    assert allowed(trader(1), "10.0.0.1", "cancel")


@slow_addresses
def test_an_address_is_limited_over_all_its_users() -> None:
    assert [allowed(trader(i), "10.0.0.1", "order") for i in range(6)] == [True] * 5 + [False]
    assert allowed(trader(9), "10.0.0.2", "order")


@slow_users
def test_weight_counts_and_a_refusal_charges_nobody() -> None:
    assert allowed(trader(1), "10.0.0.1", "order", 3)
    assert not allowed(trader(1), "10.0.0.1", "order", 3)
    assert allowed(trader(1), "10.0.0.1", "order", 2)
    assert not allowed(trader(1), "10.0.0.1", "order", 1)


@slow_users
def test_weight_above_the_burst_takes_the_whole_bucket() -> None:
    assert allowed(trader(1), "10.0.0.1", "order", 100)
    assert not allowed(trader(1), "10.0.0.1", "order")


@slow_users
def test_threads_and_event_loops_share_one_budget() -> None:
    async def ask() -> int:
        passed = 0
        for _ in range(4):
            try:
                await throttle_check_async(trader(1), "10.0.0.1", "order")
                passed += 1
            except ApiError as error:
                passed += _throttled(error)
        return passed

    assert [allowed(trader(1), "10.0.0.1", "order") for _ in range(3)] == [True] * 3
    assert asyncio.run(ask()) == 2
    assert asyncio.run(ask()) == 0


@slow_users
def test_retry_after_is_when_the_bucket_has_room() -> None:
    for _ in range(5):
        throttle_check(trader(1), "10.0.0.1", "order")
    with pytest.raises(ApiError) as refused:
        throttle_check(trader(1), "10.0.0.1", "order")
    assert refused.value.retry_after in (999, 1000)


@override_settings(OUTCRY_THROTTLES={"read": (Rate(0.01, 5), Rate(0.01, 5))})
def test_keys_stay_no_longer_than_their_bucket_is_short_of_full() -> None:
    throttle_check(trader(1), "10.0.0.1", "read")
    keys = redis_client().keys("*throttle*")
    assert len(keys) == 2
    assert all(90_000 < redis_client().pttl(key) <= 100_001 for key in keys)


@override_settings(OUTCRY_THROTTLES={"read": (SLOW, WIDE)})
def test_a_throttled_route_answers_429_with_retry_after() -> None:
    ann = person("ann")
    answers = [ann.get(f"/api/auth/user/{ann.user_id}") for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 5 + [429]
    assert answers[-1].code == Code.THROTTLED
    assert int(answers[-1].headers["Retry-After"]) >= 1
    bob = person("bob")
    assert bob.get(f"/api/auth/user/{bob.user_id}").status == 200


def test_without_redis_reads_pass_and_logins_do_not(redis: RedisServer) -> None:
    redis.kill()
    try:
        throttle_check(trader(1), "10.0.0.1", "read")
        with pytest.raises(ApiError) as refused:
            throttle_check(None, "10.0.0.1", "login", name="ann")
        assert refused.value.http_status == 503
    finally:
        redis.start()
    throttle_check(None, "10.0.0.1", "login", name="ann")


def test_every_burst_has_room_for_a_whole_batch() -> None:
    assert all(rate.burst >= 100 for kind in ("order", "cancel") for rate in RATES[kind])

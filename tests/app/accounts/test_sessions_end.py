"""Short access tokens, rotating refresh tokens with reuse detection; logout and password change end
sessions, their tokens and their sockets (promise S3). Run by pytest in the app tier."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts import services, sessions
from accounts.http.envelope import ApiError
from accounts.models import Session, User
from accounts.principals import principal_from_token, principal_from_token_async
from accounts.redis_clients import redis_client
from accounts.sessions import session_group
from engine.core.codes import Code
from tests.support.people import PASSWORD, Person, log_in, person
from tests.support.servers import RedisServer

NEW_PASSWORD = "another long password"


def me(someone: Person, **headers: str) -> Any:
    return someone.get(f"/api/auth/user/{someone.user_id}", **headers)


def refresh(token: str) -> Any:
    return Person().post("/api/auth/refresh", {"refresh_token": token})


def test_access_token_lives_five_minutes_and_names_its_session() -> None:
    ann = person("ann")
    claims = jwt.decode(ann.token, settings.JWT_SIGNING_KEY, algorithms=["HS256"], issuer="outcry")
    assert claims["exp"] - claims["iat"] == 300
    assert claims["sid"] == ann.login.session_id  # type: ignore[union-attr]


def test_logout_ends_this_session_and_no_other() -> None:
    ann = person("ann")
    elsewhere = Person(ann.user, log_in(ann.user))  # type: ignore[arg-type]
    assert ann.post("/api/auth/logout").status == 200
    assert (me(ann).status, me(ann).code) == (401, Code.SESSION_ENDED)
    assert refresh(ann.login.refresh_token).code == Code.SESSION_ENDED  # type: ignore[union-attr]
    assert me(elsewhere).status == 200


def test_password_change_ends_every_session() -> None:
    ann = person("ann")
    elsewhere = Person(ann.user, log_in(ann.user))  # type: ignore[arg-type]
    wrong = ann.post("/api/auth/password/change", {"old_password": "x", "new_password": NEW_PASSWORD})
    assert (wrong.code, wrong.field) == (Code.LOGIN_FAILED, "old_password")
    assert me(ann).status == 200
    body = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert ann.post("/api/auth/password/change", body).status == 200
    assert me(ann).code == me(elsewhere).code == Code.SESSION_ENDED
    login = Person().post("/api/auth/login", {"username": "ann", "password": NEW_PASSWORD})
    assert login.status == 200


def test_refresh_rotates_and_a_reuse_ends_the_session() -> None:
    ann = person("ann")
    first = ann.login.refresh_token  # type: ignore[union-attr]
    second = refresh(first).data
    assert me(ann, HTTP_AUTHORIZATION=f"Bearer {second['token']}").status == 200
    assert refresh(first).code == Code.TOKEN_REUSED
    assert refresh(second["refresh_token"]).code == Code.SESSION_ENDED
    assert me(ann, HTTP_AUTHORIZATION=f"Bearer {second['token']}").code == Code.SESSION_ENDED
    assert Session.objects.get(user=ann.user).end_reason == "refresh_reused"


def test_two_refreshes_at_once_never_both_succeed() -> None:
    ann = person("ann")
    token = ann.login.refresh_token  # type: ignore[union-attr]

    def exchange(_: int) -> Any:
        try:
            return refresh(token)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(answer.status for answer in pool.map(exchange, range(8)))
    assert statuses == [200] + [401] * 7


def test_login_that_overlaps_a_password_change_begins_no_session() -> None:
    ann = person("ann")
    checked = User.objects.get(pk=ann.user_id)
    services.password_change(
        user_id=ann.user_id, old_password=PASSWORD, new_password=NEW_PASSWORD, now=timezone.now()
    )
    with pytest.raises(ApiError) as refused:
        services._session_begin(user=checked, address="", user_agent="", now=timezone.now())
    assert refused.value.code == Code.LOGIN_FAILED
    assert not Session.objects.filter(ended_at=None).exists()


def test_sockets_hear_that_their_session_ended() -> None:
    ann = person("ann")
    session_id = ann.login.session_id  # type: ignore[union-attr]

    async def heard() -> Any:
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(session_group(session_id), channel)
        received = asyncio.ensure_future(layer.receive(channel))
        await asyncio.to_thread(ann.post, "/api/auth/logout")
        return await asyncio.wait_for(received, 5)

    assert asyncio.run(heard()) == {"type": "session.ended", "session_id": session_id}


@pytest.mark.parametrize("token", ["x", "a.b.c", "Bearer", "é", "." * 3000])
def test_what_is_no_token_is_refused(token: str) -> None:
    ann = person("ann")
    answer = me(ann, HTTP_AUTHORIZATION=f"Bearer {token}")
    assert (answer.status, answer.code) == (401, Code.UNAUTHENTICATED)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("key", "algorithm"), [("", "none"), ("another key of thirty-two letters", "HS256"), (None, "HS512")]
)
def test_only_our_key_and_algorithm_sign(key: str | None, algorithm: str) -> None:
    ann = person("ann")
    claims = jwt.decode(ann.token, settings.JWT_SIGNING_KEY, algorithms=["HS256"], issuer="outcry")
    forged = jwt.encode(claims, settings.JWT_SIGNING_KEY if key is None else key, algorithm=algorithm)
    assert me(ann, HTTP_AUTHORIZATION=f"Bearer {forged}").code == Code.UNAUTHENTICATED


def test_expired_and_refresh_tokens_open_nothing() -> None:
    ann = person("ann")
    claims = jwt.decode(ann.token, settings.JWT_SIGNING_KEY, algorithms=["HS256"], issuer="outcry")
    old = jwt.encode({**claims, "exp": claims["iat"] - 1}, settings.JWT_SIGNING_KEY, algorithm="HS256")
    assert me(ann, HTTP_AUTHORIZATION=f"Bearer {old}").code == Code.TOKEN_EXPIRED
    refresh_token = ann.login.refresh_token  # type: ignore[union-attr]
    assert me(ann, HTTP_AUTHORIZATION=f"Bearer {refresh_token}").code == Code.UNAUTHENTICATED
    assert refresh(ann.token).code == Code.UNAUTHENTICATED


def test_token_in_the_address_is_not_looked_at() -> None:
    ann = person("ann")
    answer = Person().get(f"/api/auth/user/{ann.user_id}?token={ann.token}&access_token={ann.token}")
    assert answer.code == Code.UNAUTHENTICATED


def test_session_survives_a_wiped_redis_and_ends_though_redis_was_away(redis: RedisServer) -> None:
    ann = person("ann")
    redis_client().flushall()
    assert principal_from_token(ann.token).user_id == ann.user_id
    redis.kill()
    try:
        assert principal_from_token(ann.token).user_id == ann.user_id
        session_id = ann.login.session_id  # type: ignore[union-attr]
        services.sessions_end(session_ids=[session_id], reason="logout", now=timezone.now())
        with pytest.raises(ApiError) as ended:
            principal_from_token(ann.token)
        assert ended.value.code == Code.SESSION_ENDED
    finally:
        redis.start()
    assert me(ann).code == Code.SESSION_ENDED


def test_an_end_that_redis_missed_is_announced_again() -> None:
    ann = person("ann")
    session_id = ann.login.session_id  # type: ignore[union-attr]
    Session.objects.update(ended_at=timezone.now())  # as if Redis had been away and kept its record
    assert sessions.session_read(session_id) is not None
    assert services.sessions_announce_ended(now=timezone.now()) == 1
    assert sessions.session_read(session_id) is None
    assert services.sessions_announce_ended(now=timezone.now() + timedelta(minutes=16)) == 0


def test_known_session_needs_no_database(django_assert_num_queries: Any) -> None:
    ann = person("ann")
    with django_assert_num_queries(0):
        assert principal_from_token(ann.token).username == "ann"
        assert asyncio.run(principal_from_token_async(ann.token)).username == "ann"


def test_session_past_its_end_is_not_known_and_is_purged() -> None:
    ann = person("ann")
    Session.objects.update(expires_at=timezone.now() - timedelta(days=31))
    redis_client().flushall()
    assert sessions.session_read(ann.login.session_id) is None  # type: ignore[union-attr]
    assert services.sessions_purge(now=timezone.now()) == 1
    assert not Session.objects.exists()

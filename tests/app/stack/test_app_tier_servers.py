"""The app tier's own promises: Django, the cache and the channel layer reach the tests' servers.
Run by pytest, app tier."""

import pytest
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection

from tests.support.servers import PostgresServer, RedisServer


@pytest.mark.django_db
def test_the_database_is_a_copy_of_the_template() -> None:
    get_user_model().objects.create(username="li")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), current_setting('fsync')")
        assert cursor.fetchone() == ("outcry_test", "off")


@pytest.mark.django_db
def test_a_test_leaves_no_rows() -> None:
    assert not get_user_model().objects.filter(username="li").exists()


def test_a_database_of_ones_own_in_a_moment(postgres: PostgresServer) -> None:
    url = postgres.database_create("own")
    assert url.endswith("/own")
    postgres.database_drop("own")


def test_the_cache_is_the_tests_redis(redis_empty: RedisServer) -> None:
    cache.set("price", 3501)
    assert cache.get("price") == 3501


async def test_the_channel_layer_carries_a_message() -> None:
    layer = get_channel_layer()
    assert layer is not None
    name = await layer.new_channel()
    await layer.send(name, {"type": "door.reply", "seq": 7})
    assert await layer.receive(name) == {"type": "door.reply", "seq": 7}


def test_a_killed_redis_comes_back_on_its_address(redis: RedisServer) -> None:
    redis.kill()
    redis.start()
    cache.set("back", 1)
    assert cache.get("back") == 1

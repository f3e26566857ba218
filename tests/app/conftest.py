"""The app tier: one PostgreSQL with a template database and one Redis a test process.
Called by pytest; nothing here waits, tests step what they need."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as redis_package
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from exchange.projecting import projector_make
from exchange.stack.grants import grants_apply
from exchange.stack.postgres import WEB_ROLE
from tests.support.servers import TEMPLATE, PostgresServer, RedisServer, postgres_server, redis_server
from tests.support.venue import Venue


@pytest.fixture(scope="session")
def postgres(django_db_blocker: Any) -> Iterator[PostgresServer]:
    """A running PostgreSQL whose template database is migrated and granted."""
    passwords = (settings.TEST_OWNER_PASSWORD, settings.TEST_WEB_PASSWORD)
    with postgres_server(port=settings.TEST_POSTGRES_PORT, passwords=passwords) as server:
        server.database_create(TEMPLATE, "template1")
        with django_db_blocker.unblock():
            database_point(TEMPLATE)
            call_command("migrate", verbosity=0, interactive=False)
            database_point(settings.TEST_DATABASE)
        grants_apply(server.url(TEMPLATE), WEB_ROLE)
        yield server


@pytest.fixture(scope="session")
def django_db_setup(postgres: PostgresServer, django_db_blocker: Any) -> Iterator[None]:
    """pytest-django's database: a copy of the template, reached as the owner."""
    postgres.database_create(settings.TEST_DATABASE)
    with django_db_blocker.unblock():
        yield
        connections["default"].close()


@pytest.fixture(scope="session", autouse=True)
def redis() -> Iterator[RedisServer]:
    """The tests' Redis, where the settings of Channels, caches and Celery expect it."""
    with redis_server(settings.TEST_REDIS_PORT, settings.TEST_REDIS_PASSWORD) as server:
        yield server


@pytest.fixture
def redis_empty(redis: RedisServer) -> RedisServer:
    """The tests' Redis with nothing in it."""
    with redis_package.Redis.from_url(redis.url) as client:
        client.flushall()
    return redis


@pytest.fixture
def venue(tmp_path: Path, redis_empty: RedisServer) -> Iterator[Venue]:
    """A stepped venue without projections: IF, cu and BTC_USDT listed, accounts 1 and 2 funded."""
    venue = Venue(tmp_path, redis_empty.url, settings.OUTCRY_STACK_ID)
    yield _venue_opened(venue)
    venue.close()


@pytest.fixture
def projected_venue(tmp_path: Path, redis_empty: RedisServer, transactional_db: None) -> Iterator[Venue]:
    """As `venue`, with the real projector: `step()` and `project()` bring Postgres up to date."""
    venue = Venue(tmp_path, redis_empty.url, settings.OUTCRY_STACK_ID, projector=projector_make())
    yield _venue_opened(venue)
    venue.close()


def _venue_opened(venue: Venue) -> Venue:
    venue.open_day()
    venue.open_account(1, USDT=10**12, BTC=10**10)
    venue.open_account(2, USDT=10**12, BTC=10**10)
    return venue


def database_point(name: str) -> None:
    """Let Django's one connection name another database of the tests' server."""
    connection = connections["default"]
    connection.close()
    connection.settings_dict["NAME"] = name

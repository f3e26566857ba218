"""The same processes against outside servers: Debian's own PostgreSQL and Redis, on ports of the test's.
Run by pytest, stack tier; skipped only where those packages are not installed."""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from exchange.stack.child import die_with
from exchange.stack.ports import private_port
from exchange.stack.postgres import OWNER_ROLE, WEB_ROLE, Cluster, roles_prepare
from exchange.stack.redis_server import redis_url
from exchange.stack.users import identity, server_user
from tests.support.servers import end, open_folder, postgres_answers, postgres_start, redis_answers
from tests.support.stack import processes_of, stack_remove, stack_running, stack_spawn
from tests.support.waiting import wait_until

DEBIAN_REDIS = Path("/usr/bin/redis-server")


def debian_postgres() -> Path | None:
    """The programs' folder of the newest PostgreSQL that Debian installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return found[-1] if found else None


@pytest.fixture
def outside_postgres() -> Iterator[tuple[str, str]]:
    """(web address, owner address) in a PostgreSQL that is not ours."""
    programs = debian_postgres()
    if programs is None:
        pytest.skip("Debian's postgresql is not installed")
    folder = open_folder()
    user = server_user(folder / "cluster")
    if user is not None:
        shutil.chown(folder, user.uid, user.gid)
    cluster = Cluster(programs, folder / "cluster", private_port(), user)
    command = [
        str(programs / "initdb"),
        "-D",
        str(cluster.folder),
        "-U",
        "postgres",
        "--auth=trust",
        "-E",
        "UTF8",
    ]
    subprocess.run([*command, "--locale=C.UTF-8"], cwd="/", capture_output=True, check=True, **identity(user))
    process = postgres_start(cluster, folder, unsafe=False)
    try:
        admin = cluster.url("postgres", "unused", "postgres")
        wait_until(lambda: postgres_answers(admin), what="Debian's PostgreSQL answers")
        owner, web = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
        roles_prepare(admin, owner, web)
        yield cluster.url(WEB_ROLE, web), cluster.url(OWNER_ROLE, owner)
    finally:
        end(process)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def outside_redis() -> Iterator[str]:
    """The address of a Redis that is not ours, with a password."""
    if not DEBIAN_REDIS.exists():
        pytest.skip("Debian's redis-server is not installed")
    folder, port, password = open_folder(), private_port(), secrets.token_urlsafe(12)
    command = [
        str(DEBIAN_REDIS),
        "--port",
        str(port),
        "--requirepass",
        password,
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, preexec_fn=die_with(os.getpid(), signal.SIGKILL)
        )
    try:
        url = redis_url(port, password)
        wait_until(lambda: redis_answers(url), what="Debian's Redis answers")
        yield url
    finally:
        end(process)
        shutil.rmtree(folder, ignore_errors=True)


def test_a_venue_on_outside_servers(outside_postgres: tuple[str, str], outside_redis: str) -> None:
    web, owner = outside_postgres
    environ = {"DATABASE_URL": web, "DATABASE_OWNER_URL": owner, "REDIS_URL": outside_redis}
    with stack_running(environ) as stack:
        assert not {"postgres", "redis"} & set(stack.pids)
        assert stack.run["postgres"] == web
        assert stack.run["redis"] == outside_redis
        assert not (stack.data / "postgres").exists()
        assert stack.http_get("/admin/login/")[0] == 200
        with psycopg.connect(web) as connection:
            assert connection.execute("SELECT count(*) > 0 FROM django_migrations").fetchone() == (True,)
        assert stack.stop() == 0
    # The servers were not ours to stop.
    assert postgres_answers(web)
    assert redis_answers(outside_redis)


def test_an_outside_redis_alone(outside_redis: str) -> None:
    with stack_running({"REDIS_URL": outside_redis}) as stack:
        assert "redis" not in stack.pids
        assert "postgres" in stack.pids
        assert stack.http_get("/admin/login/")[0] == 200


def test_an_outside_server_that_does_not_answer_is_named() -> None:
    data = open_folder()
    try:
        environ = {"REDIS_URL": redis_url(private_port(), "nobody-listens"), "OUTCRY_OUTSIDE_TIMEOUT_S": "2"}
        stack = stack_spawn(data, environ)
        assert stack.process.wait(60) == 1
        assert "Redis (REDIS_URL) does not answer" in stack.output
        assert processes_of(data) == []
    finally:
        stack_remove(data)

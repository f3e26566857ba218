"""A PostgreSQL (fsync off) and a Redis of the tests' own, with the stack's programs and settings.
Called by tests/app/conftest.py and by fault tests that need a server to kill."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis
from psycopg import sql

from exchange.stack.binaries import redis_program
from exchange.stack.child import die_with
from exchange.stack.ports import private_port
from exchange.stack.postgres import (
    DATABASE,
    OWNER_ROLE,
    WEB_ROLE,
    Cluster,
    cluster_prepare,
    roles_prepare,
    system_place,
)
from exchange.stack.redis_server import redis_config_write, redis_url
from exchange.stack.users import identity
from tests.support.waiting import wait_until

TEMPLATE = "outcry_template"


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server; `url` for the owner of a database, `web_url` for the web role."""

    cluster: Cluster
    admin_password: str
    owner_password: str
    web_password: str
    process: subprocess.Popen[bytes]

    def url(self, database: str = DATABASE) -> str:
        """The owner's address: migrates, projects."""
        return self.cluster.url(OWNER_ROLE, self.owner_password, database)

    def web_url(self, database: str = DATABASE) -> str:
        """The web role's address: only reads what is projected."""
        return self.cluster.url(WEB_ROLE, self.web_password, database)

    def admin_url(self, database: str = "postgres") -> str:
        """The superuser's address: makes databases."""
        return self.cluster.url("postgres", self.admin_password, database)

    def database_create(self, name: str, template: str = TEMPLATE) -> str:
        """A new database copied from the template; returns the owner's address."""
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
        with psycopg.connect(self.admin_url(), autocommit=True) as connection:
            names = (sql.Identifier(name), sql.Identifier(OWNER_ROLE), sql.Identifier(template))
            connection.execute(statement.format(*names))
        return self.url(name)

    def database_drop(self, name: str) -> None:
        """Remove a database, ending its sessions."""
        with psycopg.connect(self.admin_url(), autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )


@contextmanager
def postgres_server(
    *, port: int = 0, passwords: tuple[str, str] | None = None, unsafe: bool = True
) -> Iterator[PostgresServer]:
    """A fresh cluster, stopped and removed at the end.

    `passwords` are the owner's and the web role's; `unsafe` turns fsync off.
    """
    folder, admin = open_folder(), secrets.token_urlsafe(16)
    owner, web = passwords or (secrets.token_urlsafe(16), secrets.token_urlsafe(16))
    cluster = cluster_prepare(folder, port or private_port(), admin)
    process = postgres_start(cluster, folder, unsafe=unsafe)
    server = PostgresServer(cluster, admin, owner, web, process)
    try:
        wait_until(lambda: postgres_answers(server.admin_url()), what="PostgreSQL answers")
        roles_prepare(server.admin_url(), owner, web)
        yield server
    finally:
        end(process, signal.SIGINT)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(system_place(folder), ignore_errors=True)


def postgres_start(cluster: Cluster, folder: Path, *, unsafe: bool) -> subprocess.Popen[bytes]:
    """Start the server of a cluster; it dies with this process."""
    with (folder / "postgres.log").open("ab") as log:
        return subprocess.Popen(
            cluster.command(unsafe=unsafe), cwd="/", stdout=log, stderr=log, start_new_session=True,
            preexec_fn=die_with(os.getpid(), signal.SIGINT), **identity(cluster.user),
        )  # fmt: skip


@dataclass(slots=True)
class RedisServer:
    """A running Redis that a test may kill and start again."""

    folder: Path
    port: int
    password: str
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """The address with password, database 0."""
        return redis_url(self.port, self.password)

    def kill(self) -> None:
        """kill -9: what was in it is gone."""
        self.process.kill()
        self.process.wait()

    def start(self) -> None:
        """Start again, empty, on the same port; returns when it answers."""
        self.process = redis_start(self.folder, self.port, self.password)
        wait_until(lambda: redis_answers(self.url), what="Redis answers")


@contextmanager
def redis_server(port: int = 0, password: str = "") -> Iterator[RedisServer]:
    """A fresh Redis, stopped and removed at the end."""
    folder, port = open_folder(), port or private_port()
    password = password or secrets.token_urlsafe(16)
    server = RedisServer(folder, port, password, redis_start(folder, port, password))
    try:
        wait_until(lambda: redis_answers(server.url), what="Redis answers")
        yield server
    finally:
        end(server.process, signal.SIGTERM)
        shutil.rmtree(folder, ignore_errors=True)


def redis_start(folder: Path, port: int, password: str) -> subprocess.Popen[bytes]:
    """Start Redis with the stack's configuration; it dies with this process."""
    config = redis_config_write(folder, port, password)
    with (folder / "redis.log").open("ab") as log:
        return subprocess.Popen(
            [str(redis_program()), str(config)], stdout=log, stderr=log, start_new_session=True,
            preexec_fn=die_with(os.getpid(), signal.SIGKILL),
        )  # fmt: skip


def open_folder() -> Path:
    """A temporary folder that another user can enter, as PostgreSQL may run as one."""
    folder = Path(tempfile.mkdtemp(prefix="outcry-test-"))
    folder.chmod(0o755)
    return folder


def postgres_answers(url: str) -> bool:
    """True when the server takes a session."""
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def redis_answers(url: str) -> bool:
    """True when PING is answered."""
    with redis.Redis.from_url(url, socket_timeout=5) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def end(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGINT) -> None:
    """Stop a server and wait until it is gone; insist after 15 s."""
    process.send_signal(number)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

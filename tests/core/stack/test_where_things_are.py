"""Addresses, ports, folders and stale lock files: the small decisions `up` makes before anything runs.
Run by pytest, core tier."""

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.stack.instance import AlreadyRunning, InstanceLock
from exchange.stack.locate import (
    FolderRefused,
    database_from_url,
    environment_prepare,
    folder_adopt,
    private_write,
    redis_database,
    secrets_read,
)
from exchange.stack.ports import PRIVATE_FIRST, PRIVATE_LAST, PortTaken, private_port, web_port
from exchange.stack.postgres import cluster_busy, lock_file_clear
from tests.support.waiting import wait_until


def test_a_database_address_becomes_djangos_entry() -> None:
    entry = database_from_url("postgresql://web:p%40ss@db.example:5433/outcry?sslmode=require")
    assert entry == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "outcry",
        "USER": "web",
        "PASSWORD": "p@ss",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require"},
    }


def test_a_socket_folder_is_a_host() -> None:
    assert database_from_url("postgresql:///outcry?host=/run/postgresql")["HOST"] == "/run/postgresql"


def test_another_database_is_refused() -> None:
    with pytest.raises(ValueError, match="must begin with postgresql://"):
        database_from_url("sqlite:///db")


def test_celery_has_its_own_redis_database() -> None:
    assert redis_database("redis://:pw@127.0.0.1:6379/0", 1) == "redis://:pw@127.0.0.1:6379/1"
    assert redis_database("unix:///run/redis.sock", 1) == "redis+socket:///run/redis.sock?virtual_host=1"


def test_private_ports_stay_below_the_ephemeral_range() -> None:
    assert PRIVATE_FIRST <= private_port() < PRIVATE_LAST <= 32_768


def test_the_web_port_is_the_next_free_one_unless_asked_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert web_port("127.0.0.1", "", default=port) > port
        with pytest.raises(PortTaken, match=f"port {port} "):
            web_port("127.0.0.1", str(port))


@pytest.mark.parametrize("asked", ["-1", "65536", "http"])
def test_what_is_no_port_is_refused(asked: str) -> None:
    with pytest.raises(ValueError, match=r"not a port|invalid literal"):
        web_port("127.0.0.1", asked)


def test_a_folder_with_other_files_is_not_adopted(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(FolderRefused):
        folder_adopt(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    data = tmp_path / "data"
    made = secrets_read(data)
    assert secrets_read(data) == made
    assert len({*made.values()}) == len(made) == 7
    path = data / "secrets" / "stack.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_command_is_told_what_runs_but_the_shell_wins(tmp_path: Path) -> None:
    told = {"REDIS_URL": "redis://stack", "DATABASE_URL": "postgresql://stack"}
    private_write(tmp_path / "run.json", json.dumps({"environment": told}))
    environ = {"OUTCRY_DATA": str(tmp_path), "REDIS_URL": "redis://shell"}
    environment_prepare(environ, ["reconcile"])
    assert environ["REDIS_URL"] == "redis://shell"
    assert environ["DATABASE_URL"] == "postgresql://stack"
    assert environ["OUTCRY_DATABASE_ROLE"] == "owner"


def test_up_is_not_told_about_an_earlier_stack(tmp_path: Path) -> None:
    private_write(tmp_path / "run.json", json.dumps({"environment": {"REDIS_URL": "redis://dead"}}))
    environ = {"OUTCRY_DATA": str(tmp_path)}
    environment_prepare(environ, ["up"])
    assert "REDIS_URL" not in environ


def test_one_instance_a_folder(tmp_path: Path) -> None:
    first = InstanceLock(tmp_path)
    with pytest.raises(AlreadyRunning):
        InstanceLock(tmp_path)
    first.release()
    InstanceLock(tmp_path).release()


def postmaster_file(folder: Path, pid: int) -> Path:
    path = folder / "postmaster.pid"
    path.write_text(f"{pid}\n{folder}\n", "ascii")
    return path


def test_a_lock_file_of_a_zombie_is_removed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        stat_path = Path(f"/proc/{dead.pid}/stat")
        wait_until(lambda: ") Z " in stat_path.read_text("ascii"), what="the child is a zombie")
        path = postmaster_file(tmp_path, dead.pid)
        lock_file_clear(tmp_path)
        assert not path.exists()


def test_a_lock_file_of_another_program_is_removed(tmp_path: Path) -> None:
    path = postmaster_file(tmp_path, os.getpid())
    assert not cluster_busy(tmp_path)
    assert not path.exists()


def test_no_lock_file_is_no_server(tmp_path: Path) -> None:
    assert not cluster_busy(tmp_path)

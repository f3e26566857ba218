"""`up` as root and as an ordinary user, in folders PostgreSQL's user can and cannot reach.
Run by pytest, stack tier."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.stack.binaries import redis_program
from exchange.stack.postgres import system_place
from exchange.stack.users import RunUser, can_reach
from tests.support.servers import open_folder
from tests.support.stack import BASE_DIR, RunningStack, processes_of, stack_remove, stack_running, stack_spawn

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder under one that only root can enter."""
    parent = Path(tempfile.mkdtemp(prefix="outcry-closed-"))
    yield parent / "data"
    stack_remove(parent / "data")
    shutil.rmtree(parent)


@needs_root
def test_root_runs_postgresql_as_nobody_inside_the_data_folder() -> None:
    with stack_running() as stack:
        folder = stack.data / "postgres"
        nobody = pwd.getpwnam("nobody").pw_uid
        assert folder.stat().st_uid == nobody
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert Path(f"/proc/{stack.pids['postgres']}").stat().st_uid == nobody
        assert not system_place(stack.data).exists()


@needs_root
def test_a_cluster_that_nobody_cannot_reach_goes_to_the_system_folder(closed_folder: Path) -> None:
    with stack_running(data=closed_folder) as stack:
        outside = system_place(closed_folder)
        assert stat.S_IMODE(outside.stat().st_mode) == 0o700
        assert str(outside) in stack.output
        assert not (closed_folder / "postgres").exists()
        # No folder of another's had its permission changed.
        assert stat.S_IMODE(closed_folder.parent.stat().st_mode) == 0o700
        assert stack.stop() == 0
        done = stack.manage("clean_data")
        assert done.returncode == 0, done.stderr
        assert not outside.exists()
        assert not closed_folder.exists()


@needs_root
def test_an_ordinary_user_runs_everything_as_itself() -> None:
    nobody = pwd.getpwnam("nobody")
    user = RunUser(nobody.pw_uid, nobody.pw_gid)
    python, environ = ordinary_python(user)
    data = open_folder()
    os.chown(data, user.uid, user.gid)
    try:
        stack = stack_spawn(data, environ, python=python, user=user)
        stack.wait_ready()
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in stack.pids.values()}
        assert owners == {user.uid}
        assert stack.http_get("/admin/login/")[0] == 200
        assert stack.stop() == 0
        assert processes_of(data) == []
    finally:
        stack_remove(data)


def ordinary_python(user: RunUser) -> tuple[str, dict[str, str]]:
    """A Python that user can run, with this one's packages; skips where there is none."""
    if can_reach(user, Path(sys.executable).resolve().parent) and can_reach(user, BASE_DIR):
        return sys.executable, {}
    packages, version = sysconfig.get_path("purelib"), sys.version_info[:3]
    system = shutil.which("python3", path=os.defpath)
    if system is None or not can_reach(user, Path(packages)):
        pytest.skip(f"the user nobody cannot read {packages}")
    command = [system, "-c", "import sys; print(sys.version_info[:3])"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    if told.stdout.strip() != str(version):
        pytest.skip(f"{system} is another Python than {version}")
    return system, {"PYTHONPATH": packages, "PATH": f"{redis_program().parent}:{os.defpath}"}


def test_a_folder_with_other_files_is_refused_and_left_alone() -> None:
    folder = open_folder()
    try:
        (folder / "thesis.txt").write_text("mine")
        stack = stack_spawn(folder)
        assert stack.process.wait(30) == 1
        assert "holds other files" in stack.output
        done = stack.manage("clean_data")
        assert done.returncode == 1
        assert [entry.name for entry in folder.iterdir()] == ["thesis.txt"]
    finally:
        stack_remove(folder)


def test_a_taken_web_port_is_named(stack: RunningStack) -> None:
    port = stack.web.rpartition(":")[2]
    other = open_folder()
    try:
        second = stack_spawn(other, {"OUTCRY_WEB_PORT": port})
        assert second.process.wait(30) == 1
        assert f"port {port} (OUTCRY_WEB_PORT) is in use" in second.output
        assert processes_of(other) == []
    finally:
        stack_remove(other)

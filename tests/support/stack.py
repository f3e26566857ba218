"""A real `manage.py up` in a folder of its own, and what tests do to it.
Called by tests/stack/conftest.py and by fault tests."""

import contextlib
import http.client
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange.stack.child import die_with
from exchange.stack.locate import run_file_read
from exchange.stack.postgres import system_place
from exchange.stack.users import RunUser, identity
from tests.support.servers import open_folder
from tests.support.waiting import wait_until

BASE_DIR = Path(__file__).resolve().parents[2]
UP_TIMEOUT_S, DOWN_TIMEOUT_S = 90.0, 40.0
# A test's stack must not inherit what the surrounding shell says about another one.
FOREIGN = (
    "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "JOURNAL_URL", "DJANGO_SETTINGS_MODULE",
    "OUTCRY_STACK_ID", "OUTCRY_SECRET_KEY", "OUTCRY_JWT_KEY", "OUTCRY_DATABASE_ROLE",
)  # fmt: skip


@dataclass(slots=True)
class RunningStack:
    """A venue that `up` keeps running; addresses come from its run.json, fresh at every look."""

    data: Path
    process: subprocess.Popen[bytes]
    environ: dict[str, str]
    output_path: Path

    @property
    def run(self) -> dict[str, Any]:
        """What run.json says now; fails when there is none."""
        found = run_file_read(self.data)
        assert found is not None, f"no run.json in {self.data}:\n{self.output}"
        return found

    @property
    def output(self) -> str:
        """What `up` has printed."""
        return self.output_path.read_text("utf-8", "replace")

    @property
    def web(self) -> str:
        """The web address, `http://host:port`."""
        return str(self.run["web"])

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name, of those that are alive."""
        return {entry["name"]: entry["pid"] for entry in self.run["processes"] if entry["pid"] is not None}

    def user(self, username: str) -> dict[str, Any]:
        """A demo user: username, password, role, account_ids."""
        return next(user for user in self.run["users"] if user["username"] == username)

    def wait_ready(self, timeout_s: float = UP_TIMEOUT_S) -> None:
        """Wait until run.json is there; fails at once when `up` ended."""

        def ready() -> bool:
            status = self.process.poll()
            assert status is None, f"`up` ended with {status}:\n{self.output}"
            return run_file_read(self.data) is not None

        wait_until(ready, timeout_s, "the stack is ready")

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Signal one process by name; returns its id."""
        pid = self.pids[name]
        os.kill(pid, number)
        return pid

    def wait_back(self, name: str, old_pid: int, timeout_s: float = 30.0) -> int:
        """Wait until the process runs under a new id; returns it."""
        return wait_until(
            lambda: (pid := self.pids.get(name)) is not None and pid != old_pid and pid,
            timeout_s,
            f"{name} is back",
        )

    def manage(self, *arguments: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a manage.py command beside the stack; found by the data folder alone."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=BASE_DIR, env=self.environ,
            capture_output=True, text=True, timeout=timeout_s, check=False,
        )  # fmt: skip

    def http_get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a GET; raises OSError when nothing answers."""
        host, port = self.web.removeprefix("http://").rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """End `up` by a signal; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(DOWN_TIMEOUT_S)


def stack_spawn(
    data: Path,
    environ: Mapping[str, str] | None = None,
    *,
    demo: bool = False,
    python: str = sys.executable,
    user: RunUser | None = None,
) -> RunningStack:
    """Start `manage.py up` on a folder; does not wait. It dies with this process."""
    env = {key: value for key, value in os.environ.items() if key not in FOREIGN}
    env |= {"OUTCRY_DATA": str(data), "OUTCRY_WEB_PORT": "0", "OUTCRY_DEMO": "1" if demo else "0"}
    env |= dict(environ or {})
    output_path = data.with_name(f"{data.name}.out")
    with output_path.open("ab") as output:
        process = subprocess.Popen(
            [python, "manage.py", "up"], cwd=BASE_DIR, env=env, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True,
            preexec_fn=die_with(os.getpid(), signal.SIGKILL), **identity(user),
        )  # fmt: skip
    return RunningStack(data, process, env, output_path)


@contextlib.contextmanager
def stack_running(
    environ: Mapping[str, str] | None = None, *, demo: bool = False, data: Path | None = None
) -> Iterator[RunningStack]:
    """A ready stack, stopped and removed at the end."""
    folder = data or open_folder()
    stack = stack_spawn(folder, environ, demo=demo)
    try:
        stack.wait_ready()
        yield stack
    finally:
        stack.stop()
        stack_remove(folder)


def stack_remove(data: Path) -> None:
    """Remove what a stack left."""
    shutil.rmtree(data, ignore_errors=True)
    shutil.rmtree(system_place(data), ignore_errors=True)
    data.with_name(f"{data.name}.out").unlink(missing_ok=True)


def process_lives(pid: int) -> bool:
    """True while the process exists and is not only a zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


def processes_of(data: Path) -> list[int]:
    """Every living process that was told to serve this data folder, grandchildren included."""
    found = []
    marker, folder = f"OUTCRY_DATA={data}".encode(), str(data).encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            told = (entry / "environ").read_bytes().split(b"\0")
            if (marker in told or folder in (entry / "cmdline").read_bytes()) and process_lives(
                int(entry.name)
            ):
                found.append(int(entry.name))
    return found

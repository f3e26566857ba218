"""The embedded PostgreSQL: where its cluster lives, how it is made, started and given its roles.
Called by the supervisor, clean_data and the test harness."""

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from exchange.stack.binaries import postgres_programs
from exchange.stack.users import RunUser, can_reach, identity, server_user

SYSTEM_FOLDER = Path("/var/lib/outcry")
OWNER_ROLE, WEB_ROLE, DATABASE = "outcry", "outcry_web", "outcry"
INITDB_TIMEOUT_S = 120
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "log_min_messages": "warning",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# For tests only: a crash of the machine may lose the cluster, a crash of the process does not.
UNSAFE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresFailed(Exception):
    """The cluster could not be made; the text carries initdb's words."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster ready to start: programs, data, port and the user it runs as."""

    programs: Path
    folder: Path
    port: int
    user: RunUser | None

    def command(self, *, unsafe: bool = False) -> list[str]:
        """The foreground server's command line."""
        settings = SETTINGS | {"port": str(self.port)} | (UNSAFE_SETTINGS if unsafe else {})
        flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self.programs / "postgres"), "-D", str(self.folder), *flags]

    def url(self, role: str, password: str, database: str = DATABASE) -> str:
        """The libpq address of a database for one role."""
        return f"postgresql://{role}:{quote(password)}@127.0.0.1:{self.port}/{database}"


def system_place(data: Path) -> Path:
    """Where a cluster goes that the data folder cannot hold; one place a data folder."""
    return SYSTEM_FOLDER / hashlib.sha256(str(data).encode()).hexdigest()[:16]


def cluster_prepare(data: Path, port: int, admin_password: str) -> Cluster:
    """Find or make the cluster of this data folder; a second run changes nothing.

    Raises ServerMissing, UserMissing or PostgresFailed.
    """
    place, user = _cluster_place(data)
    programs = _programs_reachable(user)
    folder, draft = place / "cluster", place / "draft"
    if not folder.exists():
        # Made beside and renamed: a start that was cut short leaves no half cluster.
        shutil.rmtree(draft, ignore_errors=True)
        _initdb(programs, draft, user, admin_password)
        draft.rename(folder)
    lock_file_clear(folder)
    return Cluster(programs, folder, port, user)


def _cluster_place(data: Path) -> tuple[Path, RunUser | None]:
    """The folder around the cluster (existing, 0700, owned by its user) and that user."""
    inside, outside = data / "postgres", system_place(data)
    if outside.exists() and os.geteuid() == 0:
        return outside, server_user(outside)
    user = server_user(inside)
    _folder_make(inside, user)
    if can_reach(user, inside):
        return inside, user
    inside.rmdir()
    SYSTEM_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
    _folder_make(outside, user)
    return outside, user


def _folder_make(folder: Path, user: RunUser | None) -> None:
    """A 0700 folder of that user."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if user is not None:
        os.chown(folder, user.uid, user.gid)


def _programs_reachable(user: RunUser | None) -> Path:
    """The programs' folder; copied to /var/lib/outcry when the virtual environment cannot be entered."""
    programs = postgres_programs()
    if can_reach(user, programs):
        return programs
    stamp = hashlib.sha256(f"{programs}{(programs / 'postgres').stat().st_mtime_ns}".encode()).hexdigest()[
        :12
    ]
    copy = SYSTEM_FOLDER / f"server-{stamp}"
    if not copy.exists():
        SYSTEM_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=SYSTEM_FOLDER) as draft:
            shutil.copytree(programs.parent, Path(draft) / "server", symlinks=True)
            (Path(draft) / "server").rename(copy)
    return copy / "bin"


def _initdb(programs: Path, folder: Path, user: RunUser | None, admin_password: str) -> None:
    """Make the cluster; its superuser's password travels in a 0600 file, as initdb's own pipe cannot
    be read after the change of user."""
    with tempfile.NamedTemporaryFile("w", prefix="outcry-") as password:
        password.write(admin_password)
        password.flush()
        if user is not None:
            os.chown(password.name, user.uid, user.gid)
        done = subprocess.run(
            [
                str(programs / "initdb"), "-D", str(folder), "-U", "postgres", "--auth=scram-sha-256",
                f"--pwfile={password.name}", "-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8",
                "--no-instructions",
            ],
            cwd="/", env={"PATH": os.defpath, "LC_ALL": "C"}, capture_output=True, text=True,
            timeout=INITDB_TIMEOUT_S, check=False, **identity(user),
        )  # fmt: skip
    if done.returncode != 0:
        raise PostgresFailed(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")


def lock_file_clear(folder: Path) -> None:
    """Remove a postmaster.pid whose process is a zombie or another program: PostgreSQL would wait for it
    for ever where nothing reaps the dead."""
    lock = folder / "postmaster.pid"
    try:
        pid = int(lock.read_text("ascii").split()[0])
        status = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError, ValueError, IndexError):
        return
    name, _, rest = status.partition("(")[2].rpartition(")")
    if rest.split()[0] == "Z" or name != "postgres":
        lock.unlink(missing_ok=True)


def cluster_busy(folder: Path) -> bool:
    """True while a server that a killed supervisor left is still shutting down on this cluster."""
    lock_file_clear(folder)
    try:
        pid = int((folder / "postmaster.pid").read_text("ascii").split()[0])
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError, ValueError, IndexError):
        return False
    except PermissionError:
        return True
    return True


def roles_prepare(admin_url: str, owner_password: str, web_password: str) -> None:
    """Create the two roles and the database; a second run changes nothing.

    The owner migrates and projects; the web role gets its rights, table by table, from grants.py.
    """
    with psycopg.connect(admin_url, autocommit=True, connect_timeout=5) as connection:
        have = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        for role, password in ((OWNER_ROLE, owner_password), (WEB_ROLE, web_password)):
            if role not in have:
                statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
                connection.execute(statement.format(sql.Identifier(role), sql.Literal(password)))
        names = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        if DATABASE not in names:
            statement = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(OWNER_ROLE)))


STOP_SIGNAL = signal.SIGINT  # fast shutdown: sessions are ended, data is flushed

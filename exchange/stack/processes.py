"""The table of a venue's processes: command, environment, readiness, how each is stopped.
Called by the supervisor."""

import os
import sys
from functools import partial
from pathlib import Path

from exchange.stack.binaries import redis_program
from exchange.stack.child import ProcessSpec
from exchange.stack.postgres import STOP_SIGNAL
from exchange.stack.probes import file_exists, http_status, postgres_answers, redis_answers
from exchange.stack.redis_server import redis_config_write
from exchange.stack.venue import Venue

BASE_DIR = Path(__file__).resolve().parents[2]
WS_MESSAGE_BYTES_MAX = 262_144
CELERY_THREADS = 4
STAGE_MAKERS, STAGE_SERVICES, STAGE_ENGINES, STAGE_SERVERS = range(4)
SERVER_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def server_processes(venue: Venue) -> list[ProcessSpec]:
    """The embedded servers; none where outside ones are named."""
    specs = []
    if venue.cluster is not None:
        specs.append(
            ProcessSpec(
                name="postgres",
                command=venue.cluster.command(),
                ready=partial(postgres_answers, admin_url(venue)),
                environment=SERVER_ENVIRONMENT,
                stop_stage=STAGE_SERVERS,
                user=venue.cluster.user,
                stop_signal=STOP_SIGNAL,
                stop_timeout_s=30.0,
                orphan_signal=STOP_SIGNAL,
            )
        )
    if venue.redis_port is not None:
        config = redis_config_write(venue.data / "redis", venue.redis_port, venue.secrets["redis_password"])
        specs.append(
            ProcessSpec(
                name="redis",
                command=[str(redis_program()), str(config)],
                ready=partial(redis_answers, venue.redis_url),
                environment=SERVER_ENVIRONMENT,
                stop_stage=STAGE_SERVERS,
            )
        )
    return specs


def admin_url(venue: Venue) -> str:
    """The embedded PostgreSQL's superuser address; only for making roles and the database."""
    if venue.cluster is None:
        raise ValueError("an outside PostgreSQL has no superuser known to us")
    return venue.cluster.url("postgres", venue.secrets["admin_password"], "postgres")


def engine_processes(venue: Venue) -> list[ProcessSpec]:
    """Two engine processes: one leads, the other follows, projects and stands by."""
    return [
        _python(venue, name, ["manage.py", "engine", "--name", name], STAGE_ENGINES, owner=True)
        for name in ("engine-1", "engine-2")
    ]


def service_processes(venue: Venue) -> list[ProcessSpec]:
    """Web, Celery worker and beat."""
    schedule = str(venue.data / "run" / "beat-schedule")
    celery = ["-m", "celery", "-A", "exchange.celery"]
    # Threads: a killed worker leaves no pool processes behind.
    worker = [
        *celery, "worker", "--pool=threads", f"--concurrency={CELERY_THREADS}", "--without-gossip",
        "--without-mingle", "--loglevel=INFO", f"--hostname=worker@{venue.stack_id}",
    ]  # fmt: skip
    beat = [*celery, "beat", "--loglevel=INFO", "--pidfile=", f"--schedule={schedule}"]
    return [
        _web(venue),
        _python(venue, "celery-worker", worker),
        _python(venue, "celery-beat", beat),
    ]


def _web(venue: Venue) -> ProcessSpec:
    command = [
        sys.executable, "-m", "uvicorn", "exchange.asgi:application",
        "--host", venue.web_host, "--port", str(venue.web_port),
        "--loop", "uvloop", "--http", "exchange.http_protocol:BoundedHttp", "--lifespan", "off",
        "--no-server-header", "--no-access-log",
        "--ws", "websockets", "--ws-max-size", str(WS_MESSAGE_BYTES_MAX), "--ws-ping-interval", "5",
        "--ws-ping-timeout", "30", "--ws-per-message-deflate", "false", "--timeout-graceful-shutdown", "5",
    ]  # fmt: skip

    async def web_answers() -> bool:
        return await http_status(venue.local_host, venue.web_port, "/health") == 200

    return ProcessSpec(
        name="web",
        command=command,
        ready=web_answers,
        environment=process_environment(venue, "web"),
        stop_stage=STAGE_SERVICES,
        cwd=BASE_DIR,
    )


def makers_processes(venue: Venue) -> list[ProcessSpec]:
    """The demo's market makers: ordinary users on the public WebSocket; none with OUTCRY_DEMO=0."""
    if not venue.demo:
        return []
    return [_python(venue, "makers", ["manage.py", "makers"], STAGE_MAKERS)]


def _python(
    venue: Venue, name: str, arguments: list[str], stage: int = STAGE_SERVICES, *, owner: bool = False
) -> ProcessSpec:
    """A Python process that says by its ready file that it is ready."""
    ready_file = venue.ready_file(name)
    return ProcessSpec(
        name=name,
        command=[sys.executable, *arguments],
        ready=partial(file_exists, ready_file),
        environment=process_environment(venue, name, owner=owner),
        cwd=BASE_DIR,
        stop_stage=stage,
        ready_file=ready_file,
    )


def allowed_hosts(venue: Venue) -> str:
    """The host names the web answers to: those of the operator, and where the supervisor itself asks."""
    asked = os.environ.get("OUTCRY_ALLOWED_HOSTS") or "localhost,127.0.0.1,[::1]"
    return f"{asked},{venue.local_host}"


def process_environment(venue: Venue, name: str, *, owner: bool = False) -> dict[str, str]:
    """What one process is told; only those that migrate and project get the owner's database address."""
    told = dict(os.environ) | venue.environment() | {
        "OUTCRY_DATA": str(venue.data),
        "OUTCRY_WEB_URL": venue.web_url,
        "OUTCRY_WEB_PORT": str(venue.web_port),
        "OUTCRY_ALLOWED_HOSTS": allowed_hosts(venue),
        "OUTCRY_PROCESS": name,
        "OUTCRY_READY_FILE": str(venue.ready_file(name)),
        "OUTCRY_DATABASE_ROLE": "owner" if owner else "web",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "",
    }  # fmt: skip
    if not owner:
        del told["DATABASE_OWNER_URL"]
    return told

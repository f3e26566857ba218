"""One venue's addresses and secrets: what the embedded servers and every process are told.
Made by the supervisor at start; written to `run.json`."""

import json
import os
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path

from exchange.stack.locate import JsonObject, folder_adopt, private_write, secrets_read
from exchange.stack.ports import private_port, web_port
from exchange.stack.postgres import OWNER_ROLE, WEB_ROLE, Cluster, cluster_prepare
from exchange.stack.redis_server import redis_url

PRIVATE_FOLDERS = ("secrets", "log", "run", "redis")


@dataclass(frozen=True, slots=True)
class Venue:
    """Everything that is decided before the first process starts."""

    data: Path
    stack_id: str
    secrets: dict[str, str]
    cluster: Cluster | None  # None: DATABASE_URL names an outside server
    redis_port: int | None  # None: REDIS_URL names an outside server
    database_url: str
    database_owner_url: str
    redis_url: str
    journal_url: str
    web_host: str
    web_port: int
    demo: bool

    @property
    def local_host(self) -> str:
        """Where this machine itself reaches the web."""
        return "127.0.0.1" if self.web_host in ("0.0.0.0", "::") else self.web_host

    @property
    def web_url(self) -> str:
        """The address to open in a browser."""
        return f"http://{self.local_host}:{self.web_port}"

    def ready_file(self, name: str) -> Path:
        """Where the named process says that it is ready."""
        return self.data / "run" / f"{name}.ready"

    def environment(self) -> dict[str, str]:
        """What commands beside the running stack need to find it."""
        return {
            "DATABASE_URL": self.database_url,
            "DATABASE_OWNER_URL": self.database_owner_url,
            "REDIS_URL": self.redis_url,
            "JOURNAL_URL": self.journal_url,
            "OUTCRY_STACK_ID": self.stack_id,
        }


def venue_prepare(data: Path, environ: MutableMapping[str, str]) -> Venue:
    """Decide addresses and make what must exist on disk; the servers are not started yet.

    Raises FolderRefused, PortTaken, ServerMissing, UserMissing or PostgresFailed.
    """
    folder_adopt(data)
    for name in PRIVATE_FOLDERS:
        (data / name).mkdir(mode=0o700, exist_ok=True)
    secrets = secrets_read(data)
    host = environ.get("OUTCRY_WEB_HOST") or "127.0.0.1"
    port = web_port(host, environ.get("OUTCRY_WEB_PORT", ""))
    outside_database, outside_redis = environ.get("DATABASE_URL", ""), environ.get("REDIS_URL", "")
    cluster = None if outside_database else cluster_prepare(data, private_port(), secrets["admin_password"])
    redis_port = None if outside_redis else private_port()
    if cluster is not None:
        web_database = cluster.url(WEB_ROLE, secrets["web_password"])
        owner_database = cluster.url(OWNER_ROLE, secrets["owner_password"])
    else:
        web_database = outside_database
        owner_database = environ.get("DATABASE_OWNER_URL") or outside_database
    return Venue(
        data=data,
        stack_id=environ.get("OUTCRY_STACK_ID") or secrets["stack_id"],
        secrets=secrets,
        cluster=cluster,
        redis_port=redis_port,
        database_url=web_database,
        database_owner_url=owner_database,
        redis_url=outside_redis or redis_url(redis_port or 0, secrets["redis_password"]),
        journal_url=environ.get("JOURNAL_URL") or f"file://{data}/journal",
        web_host=host,
        web_port=port,
        demo=environ.get("OUTCRY_DEMO", "1") != "0",
    )


def demo_read(data: Path) -> JsonObject:
    """What the demo seed left for people and scripts: users with passwords and account ids."""
    try:
        found: JsonObject = json.loads((data / "secrets" / "demo.json").read_text("utf-8"))
    except FileNotFoundError:
        return {"users": []}
    return found


def run_file_write(venue: Venue, pids: dict[str, int | None]) -> None:
    """Write `<data>/run.json`: once everything is ready, and again when a process came back."""
    content = {
        "web": venue.web_url,
        "postgres": venue.database_url,
        "redis": venue.redis_url,
        "journal": venue.journal_url,
        "stack_id": venue.stack_id,
        "data": str(venue.data),
        "supervisor": os.getpid(),
        "processes": [{"name": name, "pid": pid} for name, pid in pids.items()],
        "users": demo_read(venue.data).get("users", []),
        "environment": venue.environment() | {"OUTCRY_WEB_PORT": str(venue.web_port)},
    }
    private_write(venue.data / "run.json", json.dumps(content, indent=2, ensure_ascii=False) + "\n")

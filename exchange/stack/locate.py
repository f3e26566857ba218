"""Where the data folder is and what runs on it: reads `run.json` and the generated secrets.
Called by manage.py before Django starts, by settings and the supervisor; standard library only."""

import json
import os
import secrets
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

JsonObject = dict[str, Any]
# Commands that create tables, grant rights or write projected tables: they connect as the owner.
OWNER_COMMANDS = frozenset({"migrate", "engine", "rebuild", "reconcile", "sqlmigrate", "flush"})
# `up` starts the servers itself, so a run.json of another instance must not leak into it.
STACK_COMMANDS = frozenset({"up", "clean_data"})
MARKER = ".outcry"


class FolderRefused(Exception):
    """The data folder is not ours to write into; the text says why."""


def data_folder(environ: MutableMapping[str, str]) -> Path:
    """The data folder of this venue: OUTCRY_DATA, else ./data; absolute."""
    return Path(environ.get("OUTCRY_DATA") or "data").resolve()


def folder_adopt(data: Path) -> None:
    """Make the data folder and mark it as a venue's, so that clean-data may later remove all of it.

    Raises FolderRefused for a folder that holds something else: it is never mixed with, nor removed.
    """
    marker = data / MARKER
    if marker.exists():
        return
    if data.exists() and any(data.iterdir()):
        raise FolderRefused(f"{data} holds other files; name an empty folder in OUTCRY_DATA")
    # Traversable, because PostgreSQL may run as another user; everything secret inside has its own 0700.
    data.mkdir(mode=0o755, parents=True, exist_ok=True)
    marker.write_text("This folder belongs to an Outcry venue; `make clean-data` removes it.\n", "utf-8")


def run_file_read(data: Path) -> JsonObject | None:
    """What `<data>/run.json` says, or None when nothing is ready on this folder."""
    try:
        found: JsonObject = json.loads((data / "run.json").read_text("utf-8"))
    except (FileNotFoundError, PermissionError, json.JSONDecodeError):
        return None
    return found


def environment_prepare(environ: MutableMapping[str, str], command: Sequence[str]) -> None:
    """Fill what is not set from the running stack, and choose the database role by the command."""
    environ.setdefault("DJANGO_SETTINGS_MODULE", "exchange.settings.embedded")
    name = command[0] if command else ""
    data = data_folder(environ)
    environ["OUTCRY_DATA"] = str(data)
    if name in OWNER_COMMANDS:
        environ.setdefault("OUTCRY_DATABASE_ROLE", "owner")
    if name in STACK_COMMANDS:
        return
    run = run_file_read(data) or {}
    for key, value in run.get("environment", {}).items():
        environ.setdefault(key, value)


def secrets_read(data: Path) -> dict[str, str]:
    """The venue's generated secrets by name; made once, 0600, in `<data>/secrets/stack.json`."""
    path = data / "secrets" / "stack.json"
    try:
        found: dict[str, str] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        folder_adopt(data)
        return _secrets_create(path)
    return found


def _secrets_create(path: Path) -> dict[str, str]:
    """Generate and keep the secrets; a rename makes the file appear whole or not at all."""
    names = (
        "secret_key", "jwt_key", "admin_password", "owner_password", "web_password", "redis_password",
    )  # fmt: skip
    made = {name: secrets.token_urlsafe(48 if name.endswith("key") else 24) for name in names}
    made["stack_id"] = secrets.token_hex(6)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    private_write(path, json.dumps(made, indent=2))
    return made


def private_write(path: Path, text: str) -> None:
    """Write a 0600 file that appears whole: written beside, synced, renamed."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.rename(path)


def database_from_url(url: str) -> JsonObject:
    """Django's DATABASES entry for `postgresql://user:password@host:port/name` (or `?host=/socket/folder`).

    Raises ValueError for another scheme: the venue needs PostgreSQL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError(f"DATABASE_URL must begin with postgresql://, not {parts.scheme}://")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", "") or (parts.hostname or ""),
        "PORT": str(parts.port or query.pop("port", "") or ""),
        "OPTIONS": query,
    }


def redis_database(url: str, index: int) -> str:
    """The same Redis with another database number; sockets name it in the query, TCP in the path."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={index}"
    return urlunsplit(parts._replace(path=f"/{index}"))

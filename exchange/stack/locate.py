"""Where the data folder is and what runs on it: reads `run.json` and the generated secrets.
Called by manage.py before Django starts, by settings/embedded.py and the supervisor; standard library only."""

import json
import os
import secrets
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

JsonObject = dict[str, Any]
# Commands that create tables, grant rights or write projected tables: they connect as the owner.
OWNER_COMMANDS = frozenset({"migrate", "engine", "rebuild", "reconcile", "grants", "sqlmigrate", "test"})
# `up` starts the servers itself, so a run.json of another instance must not leak into it.
STACK_COMMANDS = frozenset({"up", "clean_data"})


def data_folder(environ: MutableMapping[str, str]) -> Path:
    """The data folder of this venue: OUTCRY_DATA, else ./data; absolute."""
    return Path(environ.get("OUTCRY_DATA") or "data").resolve()


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
        return found
    except FileNotFoundError:
        return _secrets_create(path)


def _secrets_create(path: Path) -> dict[str, str]:
    """Generate and keep the secrets; a rename makes the file appear whole or not at all."""
    names = ("secret_key", "jwt_key", "owner_password", "web_password", "redis_password")
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
    from urllib.parse import parse_qs, unquote

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

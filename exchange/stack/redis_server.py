"""The embedded Redis: its configuration and command line.
Called by the supervisor and the test harness."""

from pathlib import Path
from urllib.parse import quote

from exchange.stack.locate import private_write

# A Unix socket's path is limited to 107 bytes by the kernel.
SOCKET_PATH_MAX = 107


def redis_url(port: int, password: str, database: int = 0) -> str:
    """The TCP address of the embedded Redis."""
    return f"redis://:{quote(password)}@127.0.0.1:{port}/{database}"


def redis_config_write(folder: Path, port: int, password: str) -> Path:
    """Write `redis.conf` (0600: it holds the password) and return its path.

    Nothing is persisted: what stands in Redis is rebuilt from the journal.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = [
        "bind 127.0.0.1", f"port {port}", f"requirepass {password}", "protected-mode yes",
        'save ""', "appendonly no", "daemonize no", f'dir "{folder}"', "tcp-backlog 511",
        "maxmemory 512mb", "maxmemory-policy noeviction",
        # A slow subscriber is cut at 64 MB instead of filling the memory.
        "client-output-buffer-limit pubsub 64mb 32mb 30",
        # Its command line keeps naming the folder it serves.
        "set-proc-title no",
    ]  # fmt: skip
    socket_path = folder / "redis.sock"
    if len(str(socket_path).encode()) <= SOCKET_PATH_MAX:
        lines += [f'unixsocket "{socket_path}"', "unixsocketperm 700"]
    path = folder / "redis.conf"
    private_write(path, "\n".join(lines) + "\n")
    return path

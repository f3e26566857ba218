"""Free TCP ports on this machine.
Called by the supervisor and the test harness."""

import secrets
import socket

# Below Linux's ephemeral range (from 32768), so that no outgoing connection takes a port
# while its server restarts.
PRIVATE_FIRST, PRIVATE_LAST = 20_000, 32_000
ATTEMPTS_MAX = 200


class PortTaken(Exception):
    """The port that was asked for is in use."""


def port_is_free(host: str, port: int) -> bool:
    """True when a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def private_port(host: str = "127.0.0.1") -> int:
    """A free port for a server of our own; random, so that two venues starting together do not meet."""
    for _ in range(ATTEMPTS_MAX):
        port = PRIVATE_FIRST + secrets.randbelow(PRIVATE_LAST - PRIVATE_FIRST)
        if port_is_free(host, port):
            return port
    raise PortTaken(f"no free port between {PRIVATE_FIRST} and {PRIVATE_LAST} on {host}")


def web_port(host: str, asked: str, default: int = 8000) -> int:
    """The web port: the one asked for ("0" = any), else the first free one from `default` up.

    Raises PortTaken when the asked port is in use, or ValueError when it is not a port.
    """
    if asked:
        port = int(asked)
        if not 0 <= port <= 65_535:
            raise ValueError(f"OUTCRY_WEB_PORT {port} is not a port")
        if port == 0:
            return private_port(host)
        if not port_is_free(host, port):
            raise PortTaken(f"port {port} (OUTCRY_WEB_PORT) is in use")
        return port
    for port in range(default, default + ATTEMPTS_MAX):
        if port_is_free(host, port):
            return port
    raise PortTaken(f"no free port from {default} to {default + ATTEMPTS_MAX - 1}")

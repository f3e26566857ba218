"""Sockets are for our own pages and for programs, not for other sites' pages; frames have a limit (S4, S7).
Run by pytest, stack tier."""

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from exchange.stack.processes import WS_MESSAGE_BYTES_MAX
from tests.support.stack import RunningStack


def address(stack: RunningStack) -> str:
    return stack.web.replace("http://", "ws://") + "/ws"


def test_a_program_without_an_origin_is_let_in(stack: RunningStack) -> None:
    with connect(address(stack)) as socket:
        assert socket.response is not None
        assert socket.response.status_code == 101


def test_our_own_page_is_let_in(stack: RunningStack) -> None:
    with connect(address(stack), origin=Origin(stack.web)) as socket:
        assert socket.response is not None
        assert socket.response.status_code == 101


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://["]
)
def test_another_sites_page_is_refused(stack: RunningStack, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(address(stack), origin=Origin(origin))
    assert refused.value.response.status_code == 403


def test_a_socket_to_nowhere_is_refused_without_an_error_of_ours(stack: RunningStack) -> None:
    for path in ("", "/nowhere", "/ws/", "/wsx"):
        with pytest.raises(InvalidStatus) as refused:
            connect(address(stack).removesuffix("/ws") + path)
        assert refused.value.response.status_code == 403
    assert "No route found" not in (stack.data / "log" / "web.log").read_text("utf-8", "replace")


def test_a_frame_above_the_limit_closes_the_socket(stack: RunningStack) -> None:
    with connect(address(stack)) as socket:
        socket.send("x" * (WS_MESSAGE_BYTES_MAX + 1))
        with pytest.raises(ConnectionClosed) as closed:
            read_to_the_end(socket)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def read_to_the_end(socket: ClientConnection) -> None:
    while True:
        socket.recv(timeout=10)

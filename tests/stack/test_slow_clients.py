"""A client that reads nothing is cut off, its connection too, and others trade on (P12).
Run by pytest, stack tier, against the real server."""

import json
import urllib.request
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support.stack import RunningStack


def log_in(stack: RunningStack, username: str) -> str:
    user = stack.user(username)
    body = json.dumps({"username": username, "password": user["password"]}).encode()
    request = urllib.request.Request(
        f"{stack.web}/api/auth/login", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        token: str = json.load(answer)["data"]["token"]
    return token


def open_socket(stack: RunningStack, username: str, **options: Any) -> ClientConnection:
    socket: ClientConnection = connect(stack.web.replace("http://", "ws://") + "/ws", legacy=True, **options)
    socket.send(json.dumps({"type": "auth", "token": log_in(stack, username)}))
    assert json.loads(socket.recv())["success"] is True
    return socket


def send_forever(socket: ClientConnection, text: str) -> None:
    while True:
        socket.send(text)


def test_a_client_that_reads_nothing_is_cut_off_and_others_are_not(stack: RunningStack) -> None:
    quick = open_socket(stack, "bob")
    # Its own library stops reading from the network after one frame.
    slow = open_socket(stack, "alice", max_queue=1)
    question = json.dumps({"type": "nothing", "request_id": "x" * 60})
    with pytest.raises((ConnectionClosed, OSError)):
        send_forever(slow, question)
    quick.send('{"type":"ping","request_id":1}')
    assert json.loads(quick.recv(timeout=10)) == {"type": "pong", "request_id": 1}
    quick.close()

"""No password, token or key is ever written to a log, whatever people do (S3).
Run by pytest, stack tier."""

from __future__ import annotations

import json
from urllib.parse import quote

from tests.support.clients import ask, call, logged_in, watcher
from tests.support.stack import RunningStack

PASSWORD, WRONG = "a-password-nobody-logs-71", "a-wrong-password-nobody-logs-72"
TRADING_PASSWORD = "a-trading-password-nobody-logs-73"


async def test_the_logs_hold_no_secret(stack: RunningStack) -> None:
    web = stack.web
    call(web, "POST", "/api/auth/register", {"username": "quiet", "password": PASSWORD})
    first = call(web, "POST", "/api/auth/login", {"username": "quiet", "password": PASSWORD})
    ask(web, "POST", "/api/auth/login", {"username": "quiet", "password": WRONG})
    ask(web, "POST", "/api/auth/login", f'{{"password": "{WRONG}"'.encode())
    second = call(web, "POST", "/api/auth/refresh", {"refresh_token": first["refresh_token"]})
    opening = {"user_id": first["user_id"], "user_name": "mine", "password": TRADING_PASSWORD}
    ask(web, "POST", "/api/account/open", opening, second["token"])
    ask(web, "GET", f"/api/account/1?token={quote(second['token'])}")
    ask(web, "GET", "/api/account/1", token=second["token"][:-2] + "xx")
    async with watcher(web, second["token"]) as socket:
        await socket.ask(type="query_account", account_id="1")
        await socket.ask(type="auth", token=second["token"] + "x")
    call(web, "POST", "/api/auth/logout", {}, second["token"])
    operator = logged_in(stack, "operator")

    secrets = {PASSWORD, WRONG, TRADING_PASSWORD, operator["token"], operator["refresh_token"]}
    secrets |= {login[name] for login in (first, second) for name in ("token", "refresh_token")}
    secrets |= {user["password"] for user in stack.run["users"]}
    for path in sorted((stack.data / "secrets").glob("*.json")):
        kept = json.loads(path.read_text("utf-8"))
        kept.pop("stack_id", None)  # part of every name of the venue, and no secret
        secrets |= {value for value in kept.values() if isinstance(value, str) and len(value) > 10}
    said = {path.name: path.read_text("utf-8", "replace") for path in (stack.data / "log").iterdir()}
    said["up"] = stack.output.split("Outcry: ready")[0]
    assert len(said) > 8
    found = [(name, secret[:6]) for name, text in said.items() for secret in secrets if secret in text]
    assert found == []

"""Users with tokens, and what they see over HTTP.
Called by app-tier tests of every route."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.models import TradingAccount, User
from accounts.rights import RoleName
from accounts.services import Login
from engine.border import json_loads

PASSWORD = "correct horse battery"


@dataclass
class Answer:
    """A response of the API, its envelope taken apart."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def data(self) -> Any:
        """What was asked for; fails with the whole body when it was refused."""
        assert self.body["success"] is True, self.body
        return self.body["data"]

    @property
    def code(self) -> int:
        """The refusal's code; fails with the whole body when it was none, or badly dressed."""
        assert self.body["success"] is False, self.body
        assert self.body["data"] is None
        assert set(self.body["error"]) == {"code", "message", "message_zh", "field", "limit"}
        code: int = self.body["error"]["code"]
        return code

    @property
    def field(self) -> str | None:
        """The refusal's field."""
        field: str | None = self.body["error"]["field"]
        return field


@dataclass
class Person:
    """Somebody with or without a token."""

    user: User | None = None
    login: Login | None = None
    address: str = "127.0.0.1"
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    @property
    def user_id(self) -> int:
        """The user's id."""
        assert self.user is not None
        return self.user.pk

    @property
    def token(self) -> str:
        """The access token."""
        assert self.login is not None
        return self.login.access_token

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Ask; `body` is JSON data, or bytes sent as they are."""
        headers.setdefault("REMOTE_ADDR", self.address)
        if self.login is not None:
            headers.setdefault("HTTP_AUTHORIZATION", f"Bearer {self.token}")
        data = body if isinstance(body, bytes) else msgspec.json.encode(body if body is not None else {})
        if method == "GET":
            data = b""
        response = self.client.generic(method, path, data, "application/json", **headers)  # type: ignore[arg-type]
        return Answer(response.status_code, dict(response.headers), json_loads(response.content))

    def get(self, path: str, **headers: str) -> Answer:
        """GET."""
        return self.request("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        """POST."""
        return self.request("POST", path, body, **headers)


def anonymous() -> Person:
    """Somebody without a token."""
    return Person()


def person(username: str, *roles: RoleName) -> Person:
    """A registered user with these roles (a trader without any) and a fresh session."""
    user = services.user_register(username=username, password=PASSWORD, roles=roles or (RoleName.TRADER,))
    return Person(user, log_in(user))


def log_in(user: User) -> Login:
    """Another session of the user, without the password's cost."""
    return services._session_begin(user=user, address="127.0.0.1", user_agent="test", now=timezone.now())


def account_row(someone: Person, **fields: Any) -> TradingAccount:
    """An open trading account as a row only: for tests that need no engine."""
    account = TradingAccount.objects.create(
        user_id=someone.user_id,
        name=fields.pop("name", "test"),
        idempotency_key=fields.pop("idempotency_key", f"row-{TradingAccount.objects.count()}"),
        request_digest="",
        state=fields.pop("state", TradingAccount.State.OPEN),
        created_at=timezone.now(),
        **fields,
    )
    services.user_sessions_update(user_id=someone.user_id, now=timezone.now())
    return account

"""Who is asking: the principal behind an access token, found without touching PostgreSQL.
Called by the DRF authentication, the async endpoints and the sockets' first message."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from accounts import sessions
from accounts.http.envelope import ApiError
from accounts.rights import Right, rights_of, scope_of
from accounts.tokens import VenueAccessToken
from engine.core.codes import Code

TOKEN_LENGTH_MAX = 2048


@dataclass(frozen=True)
class Principal:
    """An authenticated user within one session. `expires_at`: epoch seconds at which the token ends."""

    user_id: int
    username: str
    session_id: str
    roles: frozenset[str]
    account_ids: frozenset[int]
    expires_at: int

    # What Django and DRF ask of a request's user.
    is_authenticated = True
    is_anonymous = False
    is_active = True

    @property
    def pk(self) -> int:
        """The user's id."""
        return self.user_id

    @cached_property
    def rights(self) -> frozenset[Right]:
        """Every right of the principal's roles."""
        return rights_of(self.roles)

    @cached_property
    def scope(self) -> int:
        """The scope bits of the principal's commands (terms.SCOPE_*)."""
        return scope_of(self.rights)

    def owns(self, account_id: int) -> bool:
        """True when the account is the principal's own."""
        return account_id in self.account_ids


def bearer_token(header: str | None) -> str | None:
    """The token of an Authorization header; None without one; UNAUTHENTICATED for another scheme."""
    if not header:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ApiError(Code.UNAUTHENTICATED)
    return token.strip()


def principal_from_token(token: str) -> Principal:
    """The principal of an access token; UNAUTHENTICATED, TOKEN_EXPIRED or SESSION_ENDED otherwise."""
    claims = _claims(token)
    return _principal(claims, sessions.session_read(claims["sid"]))


async def principal_from_token_async(token: str) -> Principal:
    """As `principal_from_token`, for code on an event loop."""
    claims = _claims(token)
    return _principal(claims, await sessions.session_read_async(claims["sid"]))


def _claims(token: str) -> dict[str, Any]:
    if len(token) > TOKEN_LENGTH_MAX:
        raise ApiError(Code.UNAUTHENTICATED)
    try:
        payload: dict[str, Any] = VenueAccessToken(token).payload  # type: ignore[arg-type]
    except ExpiredTokenError:
        raise ApiError(Code.TOKEN_EXPIRED) from None
    except TokenError:
        raise ApiError(Code.UNAUTHENTICATED) from None
    if not isinstance(payload.get("sid"), str):
        raise ApiError(Code.UNAUTHENTICATED)
    return payload


def _principal(claims: dict[str, Any], session: sessions.SessionRecord | None) -> Principal:
    if session is None or str(session.user_id) != str(claims.get("user_id")):
        raise ApiError(Code.SESSION_ENDED)
    return Principal(
        user_id=session.user_id,
        username=session.username,
        session_id=claims["sid"],
        roles=frozenset(session.roles),
        account_ids=frozenset(session.account_ids),
        expires_at=int(claims["exp"]),
    )

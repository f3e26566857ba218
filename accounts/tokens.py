"""The two tokens of a session, signed with the venue's own key and one pinned algorithm.
Called by accounts/services.py to issue and accounts/principals.py to read them."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

ALGORITHM: Final = "HS256"
ISSUER: Final = "outcry"
ACCESS_LIFETIME: Final = timedelta(minutes=5)
REFRESH_LIFETIME: Final = timedelta(days=7)


@lru_cache(maxsize=4)
def _backend(key: str) -> TokenBackend:
    if len(key) < 32:
        raise ValueError("JWT_SIGNING_KEY has fewer than 32 characters")
    return TokenBackend(ALGORITHM, signing_key=key, issuer=ISSUER)


class VenueAccessToken(AccessToken):
    """Carries the user's id and the session's (`sid`); lives five minutes."""

    lifetime = ACCESS_LIFETIME

    @property
    def token_backend(self) -> TokenBackend:
        """Signs with JWT_SIGNING_KEY, never with another secret of Django's."""
        return _backend(settings.JWT_SIGNING_KEY)


class VenueRefreshToken(RefreshToken):
    """Each is good once: the session's row names the one that is (accounts/services.py)."""

    lifetime = REFRESH_LIFETIME
    access_token_class = VenueAccessToken

    @property
    def token_backend(self) -> TokenBackend:
        """As the access token's."""
        return _backend(settings.JWT_SIGNING_KEY)


def refresh_token_issue(*, user_id: int, session_id: str) -> VenueRefreshToken:
    """A new refresh token of the session; its `access_token` is the matching access token."""
    token = VenueRefreshToken()
    token["user_id"] = str(user_id)
    token["sid"] = session_id
    return token


def token_claims(token: Any) -> tuple[str, str, int]:
    """(session id, token id, user id) of a verified token; KeyError or ValueError when one is missing."""
    return str(token["sid"]), str(token["jti"]), int(token["user_id"])


def access_token_issue(*, user_id: int, session_id: str) -> str:
    """A new access token of a session that is live; its refresh token is not touched.

    For the pages: several tabs share one session, and a refresh token is good only once."""
    token = VenueAccessToken()
    token["user_id"] = str(user_id)
    token["sid"] = session_id
    return str(token)

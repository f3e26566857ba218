"""DRF's authentication, permission and throttle classes; each is a thin call of the one function behind it.
Named in REST_FRAMEWORK of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.http.addresses import client_address
from accounts.principals import Principal, bearer_token, principal_from_token
from accounts.throttles import Kind, throttle_check

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which itself imports this module through the settings


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`; request.user and request.auth are the Principal."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """The principal twice, or None without a token."""
        token = bearer_token(request.META.get("HTTP_AUTHORIZATION"))
        if token is None:
            return None
        principal = principal_from_token(token)
        return principal, principal

    def authenticate_header(self, request: Request) -> str:
        """Makes DRF answer 401, not 403, to a request without a token."""
        return "Bearer"


class Authenticated(BasePermission):
    """A principal, nothing more; rights are checked by `require` in the view."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """True for a principal."""
        return isinstance(request.auth, Principal)


class VenueThrottle(BaseThrottle):
    """Charges a view's `throttle_kind` (by default "read" for GET, else "write")."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """True, or ApiError THROTTLED."""
        principal = request.auth if isinstance(request.auth, Principal) else None
        default: Kind = "read" if request.method in ("GET", "HEAD", "OPTIONS") else "write"
        kind: Kind = getattr(view, "throttle_kind", default)
        throttle_check(principal, client_address(request._request), kind)
        return True


def principal_of(request: Request) -> Principal:
    """The principal of a request that passed `Authenticated`."""
    principal = request.auth
    assert isinstance(principal, Principal), "the view lacks the Authenticated permission"
    return principal

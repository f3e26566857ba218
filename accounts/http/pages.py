"""Who looks at a page: the login session named by an HttpOnly cookie that the venue signed.
Called by every app's pages.py; the page's script gets its short access token from accounts/pages.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from accounts import sessions
from accounts.principals import Principal
from accounts.tokens import REFRESH_LIFETIME

COOKIE: Final = "outcry_session"
SALT: Final = "outcry.pages.session"
LIFETIME_S: Final = int(REFRESH_LIFETIME.total_seconds())


def page_session_set(request: HttpRequest, response: HttpResponse, session_id: str) -> None:
    """Let the browser remember the session; scripts cannot read the cookie, other sites cannot send it."""
    response.set_cookie(
        COOKIE,
        signing.dumps(session_id, salt=SALT),
        max_age=LIFETIME_S,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure() or settings.SESSION_COOKIE_SECURE,
    )


def page_session_clear(response: HttpResponse) -> None:
    """Let the browser forget the session."""
    response.delete_cookie(COOKIE, samesite="Lax")


def page_principal(request: HttpRequest) -> Principal | None:
    """The principal of the cookie's session; None without one, or when it has ended."""
    try:
        session_id = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=LIFETIME_S)
    except signing.BadSignature:
        return None
    record = sessions.session_read(str(session_id))
    if record is None:
        return None
    return Principal(
        user_id=record.user_id,
        username=record.username,
        session_id=str(session_id),
        roles=frozenset(record.roles),
        account_ids=frozenset(record.account_ids),
        expires_at=0,
    )


def page_login_required(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The view gets the principal as its second argument; visitors without one are sent to the login page.

    Works for the methods of class-based views; fragments answer 401 so that the page can send the visitor."""

    @wraps(view)
    def guarded(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        principal = page_principal(request)
        if principal is None:
            return login_redirect(request)
        return view(self, request, principal, *args, **kwargs)

    return guarded


def login_redirect(request: HttpRequest) -> HttpResponse:
    """To the login page: for htmx as a header, for scripts as 401, else as a redirect."""
    if is_fragment(request):
        return HttpResponse(status=200, headers={"HX-Redirect": "/login"})
    if request.headers.get("Accept", "").startswith("application/json"):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return redirect("login")


def is_fragment(request: HttpRequest) -> bool:
    """True when htmx asks: it wants the part of the page that changes, and takes refusals as 200."""
    return request.headers.get("HX-Request") == "true"

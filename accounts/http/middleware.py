"""Puts the envelope around what Django itself answers under /api: 404, 405, 413, CSRF, lock-out, 500.
Early in MIDDLEWARE, so that nothing escapes it; runs on the event loop without a thread."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any, Final

from asgiref.sync import markcoroutinefunction
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import Resolver404, resolve

from accounts.http.envelope import ApiError, error_response
from accounts.http.errors import error_from
from engine.border import BODY_BYTES_MAX
from engine.core.codes import Code

PREFIX: Final = "/api/"
_CODES: Final[dict[int, Code]] = {
    400: Code.REQUEST_MALFORMED,  # a host that is not ours, a path that is no UTF-8
    401: Code.UNAUTHENTICATED,
    403: Code.FORBIDDEN,
    404: Code.NOT_FOUND,
    405: Code.METHOD_NOT_ALLOWED,
    413: Code.BODY_TOO_LARGE,
    415: Code.UNSUPPORTED_MEDIA_TYPE,
    429: Code.LOGIN_LOCKED,
}


class EnvelopeMiddleware:
    """Refuses bodies that say they are too large; dresses bare refusals of /api in the envelope."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """The response, enveloped where it must be."""
        if self.is_async:
            return self._respond_async(request)
        if not _is_api(request):
            return self.get_response(request)  # type: ignore[no-any-return]
        return _too_large(request) or _dressed(self.get_response(request))

    async def _respond_async(self, request: HttpRequest) -> HttpResponseBase:
        if not _is_api(request):
            response: HttpResponseBase = await self.get_response(request)
            return response
        refusal = _too_large(request)
        if refusal is not None:
            return refusal
        thin = _thin_endpoint(request)
        return await thin() if thin is not None else _dressed(await self.get_response(request))

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What a view outside DRF raised."""
        return error_response(error_from(error)) if _is_api(request) else None


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith(PREFIX) or request.path == PREFIX[:-1]


def _thin_endpoint(request: HttpRequest) -> Callable[[], Awaitable[HttpResponse]] | None:
    """The call of an `async_endpoint`, past the middleware for pages: sessions, CSRF, messages and the like
    mean nothing to a bearer token, and each costs a thread switch twice a request.

    None for other views, for a host that is not ours and for plain HTTP where the venue insists on TLS:
    those take the long way and get their refusal there."""
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return None
    try:
        request.get_host()
        match = resolve(request.path_info)
    except (Resolver404, DisallowedHost):
        return None
    if not getattr(match.func, "is_thin", False):
        return None
    request.resolver_match = match
    return functools.partial(match.func, request, *match.args, **match.kwargs)


def _too_large(request: HttpRequest) -> HttpResponse | None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdecimal() and int(length[:12]) <= BODY_BYTES_MAX:
        return None
    return error_response(ApiError(Code.BODY_TOO_LARGE, limit=BODY_BYTES_MAX))


def _dressed(response: HttpResponseBase) -> HttpResponseBase:
    if response.status_code < 400 or response.get("Content-Type", "").startswith("application/"):
        return response
    code = _CODES.get(response.status_code, Code.INTERNAL)
    limit = BODY_BYTES_MAX if code == Code.BODY_TOO_LARGE else ""
    dressed = error_response(ApiError(code, limit=limit))
    dressed.status_code = response.status_code
    for name in ("Allow", "Retry-After"):
        if name in response:
            dressed[name] = response[name]
    return dressed


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW: the envelope for programs, Django's own page for people."""
    if _is_api(request):
        return error_response(ApiError(Code.CSRF_FAILED))
    from django.views.csrf import csrf_failure as page

    return page(request, reason)

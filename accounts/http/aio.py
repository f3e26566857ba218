"""Thin async endpoints without DRF, for the paths where its 0.5 ms counts: orders and cancels.
Called by the async views of trading/api; same tokens, same limits, same envelope as the DRF views."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.http.addresses import client_address
from accounts.http.envelope import CONTENT_TYPE, ApiError, error_response, success_response
from accounts.http.errors import error_from
from accounts.principals import Principal, bearer_token, principal_from_token_async
from accounts.throttles import Kind, throttle_check_async
from engine.border import json_loads, struct_convert
from engine.core.codes import Code

T = TypeVar("T")
P = ParamSpec("P")
Endpoint = Callable[Concatenate[HttpRequest, Principal, P], Awaitable[object]]


async def authenticate(request: HttpRequest) -> Principal:
    """The principal of the request; UNAUTHENTICATED, TOKEN_EXPIRED or SESSION_ENDED otherwise."""
    token = bearer_token(request.META.get("HTTP_AUTHORIZATION"))
    if token is None:
        raise ApiError(Code.UNAUTHENTICATED)
    return await principal_from_token_async(token)


def body_parse(request: HttpRequest, struct: type[T]) -> T:
    """The request's JSON body as `struct` (declare it with forbid_unknown_fields=True); ApiError if not."""
    if request.content_type != CONTENT_TYPE:
        raise ApiError(Code.UNSUPPORTED_MEDIA_TYPE)
    try:
        return struct_convert(json_loads(request.body), struct)
    except ValueError as error:  # JSONRefused, NumberRefused, msgspec.ValidationError
        raise error_from(error) from None


def async_endpoint(
    method: str, kind: Kind | None
) -> Callable[[Endpoint[P]], Callable[Concatenate[HttpRequest, P], Coroutine[Any, Any, HttpResponse]]]:
    """Make `async def view(request, principal, …) -> data` an enveloped endpoint of one HTTP method.

    `kind` is charged with weight 1 before the view runs; None leaves charging (for instance of a batch's
    weight) to the view. The data is written by the exact JSON writer; every exception becomes a refusal."""

    def decorate(
        view: Endpoint[P],
    ) -> Callable[Concatenate[HttpRequest, P], Coroutine[Any, Any, HttpResponse]]:
        async def endpoint(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            try:
                if request.method != method:
                    raise ApiError(Code.METHOD_NOT_ALLOWED)
                principal = await authenticate(request)
                if kind is not None:
                    await throttle_check_async(principal, client_address(request), kind)
                return success_response(await view(request, principal, *args, **kwargs))
            except Exception as error:
                return _refused(error, method)

        functools.update_wrapper(endpoint, view)
        endpoint.methods = (method,)  # type: ignore[attr-defined]
        endpoint.is_thin = True  # type: ignore[attr-defined]
        return csrf_exempt(endpoint)  # a bearer token is never sent by a browser on its own

    return decorate


def _refused(error: Exception, method: str) -> HttpResponse:
    response = error_response(error_from(error))
    if response.status_code == 405:
        response["Allow"] = method
    return response


def data_of(response: Any) -> Any:
    """The `data` of an enveloped response: for tests and in-process callers."""
    return json_loads(response.content)["data"]

"""Times every HTTP request by its route.
First in MIDDLEWARE; runs on the event loop without a thread."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

from exchange.observability.metrics import http_seconds


class TimingMiddleware:
    """A route, not a path, is the label: paths carry ids, and a scanner's nonsense is one label."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """The response, timed."""
        if self.is_async:
            return self._timed_async(request)
        began = time.perf_counter()
        response: HttpResponseBase = self.get_response(request)
        _observe(request, response, began)
        return response

    async def _timed_async(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response: HttpResponseBase = await self.get_response(request)
        _observe(request, response, began)
        return response


_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


def _observe(request: HttpRequest, response: HttpResponseBase, began: float) -> None:
    route = request.resolver_match.route if request.resolver_match else "none"
    method = request.method if request.method in _METHODS else "other"
    labels = (str(method), route, str(response.status_code))
    http_seconds.labels(*labels).observe(time.perf_counter() - began)

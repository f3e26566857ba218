"""What the console says while PostgreSQL is away: 503 and why, instead of an error of ours.
Named in MIDDLEWARE; trading goes on meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, Final

from asgiref.sync import markcoroutinefunction
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

logger = logging.getLogger(__name__)

PREFIX: Final = "/admin/"


class DatabaseAwayMiddleware:
    """Turns a lost database into a page that needs none."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """The response as it is, or a promise of it."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What a page of the console raised."""
        if not request.path.startswith(PREFIX) or not isinstance(error, (OperationalError, InterfaceError)):
            return None
        logger.warning("the console is closed: %s", error)
        return HttpResponse(render_to_string("admin/away.html"), status=503, headers={"Retry-After": "5"})

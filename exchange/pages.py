"""The page that shows the design system, while debugging or where OUTCRY_STYLEGUIDE says so.
Called by Django through exchange/urls.py."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

COLOURS: Final = [
    "ground", "surface", "surface-2", "surface-3", "line", "line-strong", "ink", "ink-2", "ink-3", "accent",
    "accent-fill", "accent-soft", "up", "up-fill", "up-soft", "down", "down-fill", "down-soft", "good", "warn",
    "bad", "info",
]  # fmt: skip
SIZES: Final = ["xs", "s", "m", "l", "xl", "xxl"]


def styleguide(request: HttpRequest) -> HttpResponse:
    """Every part of the design system in one place; 404 in production."""
    if not (settings.DEBUG or settings.OUTCRY_STYLEGUIDE):
        raise Http404
    return render(request, "outcry/styleguide.html", {"colours": COLOURS, "sizes": SIZES})

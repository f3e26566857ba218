"""The trader's page: an empty terminal, which its script fills from the socket.
Called by Django through trading/page_urls.py."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from accounts.http.pages import page_login_required
from accounts.principals import Principal
from accounts.texts import chinese, is_chinese

# What the script shows, in the order it shows it; the template makes the heads, the script the rows.
SHORTCUTS: Final = [
    ("/", "Find an instrument"),
    ("J  K", "Next and previous instrument"),
    ("P", "To the price"),
    ("V", "To the volume"),
    ("O", "Open, close, close today in turn"),
    ("B", "To the buy button; Enter sends"),
    ("S", "To the sell button; Enter sends"),
    ("1 2 3", "Positions, orders, trades"),
    ("X", "Cancel all orders"),
    ("?", "This list"),
    ("Esc", "Close what is open"),
]
PERIODS: Final = [("4", "1m"), ("5", "5m"), ("6", "15m"), ("7", "30m"), ("8", "1h"), ("0", "1d")]
LEVELS: Final = range(1, 6)


@method_decorator(never_cache, name="dispatch")
class TerminalPage(View):
    """/"""

    @page_login_required
    def get(self, request: HttpRequest, principal: Principal) -> HttpResponseBase:
        """The page; nothing in it depends on live state, so it opens while that is rebuilt."""
        context: dict[str, Any] = {
            "principal": principal,
            "texts": chinese() if is_chinese() else {},
            "shortcuts": SHORTCUTS,
            "periods": PERIODS,
            "levels": LEVELS,
            "levels_reversed": reversed(LEVELS),
        }
        return render(request, "trading/terminal.html", context)

"""Rows of history in people's units for the admin: which specification an old row is printed by, times, links.
Called by trading/admin.py and settlement/admin.py."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.http.envelope import ApiError
from engine.core.commands import InstrumentSpec
from engine.live import LiveRebuilding
from market.directory import directory
from market.models import Instrument, TradingDay

DAYS_SHOWN = 10


def spec_shown(instrument: str) -> InstrumentSpec | None:
    """The instrument's specification: from the process's copy, else from its row; None for one never listed."""
    try:
        return directory().find_sync(instrument).spec
    except (ApiError, LiveRebuilding):
        pass  # history can be read while live state is away
    row = Instrument.objects.filter(pk=instrument).first()
    return row.spec if row is not None else None


def account_link(account_id: int) -> str:
    """The account's number, leading to its page; a dash for the venue's own side."""
    if not account_id:
        return "–"
    url = reverse("admin:accounts_tradingaccount_change", args=[account_id])
    return format_html('<a href="{}">{}</a>', url, account_id)


def instrument_link(instrument: str) -> str:
    """The instrument, leading to its page."""
    url = reverse("admin:market_instrument_change", args=[instrument])
    return format_html('<a href="{}">{}</a>', url, instrument)


class DayFilter(admin.SimpleListFilter):
    """By trading day, the newest ones: each is a partition of its own."""

    title = _("trading day")
    parameter_name = "day"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The newest days."""
        days = TradingDay.objects.order_by("-trading_day").values_list("trading_day", flat=True)[:DAYS_SHOWN]
        return [(str(day), str(day)) for day in days]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Rows of the day."""
        chosen = self.value()
        if chosen is None or not chosen.isascii() or not chosen.isdigit() or len(chosen) != 8:
            return queryset
        return queryset.filter(trading_day=int(chosen))

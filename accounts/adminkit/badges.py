"""Small marks in the admin's tables: badges, figures, numbers with thousands.
Called by the admin classes' columns."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.utils.html import format_html
from django.utils.translation import gettext as _

from engine.live import LiveFunds

_KINDS: Final = {
    "open": "good", "done": "good", "trading": "good", "approved": "good", "requested": "info", "running": "info",
    "pending": "warn", "waiting": "warn", "suspended": "warn", "refused": "bad", "failed": "bad",
    "delisted": "quiet", "closed": "quiet",
}  # fmt: skip
RISK_WARN: Final = Decimal("0.80")
RISK_BAD: Final = Decimal("0.95")


def badge(text: Any, kind: str) -> str:
    """A word in a box; `kind`: good, warn, bad, info or quiet."""
    return format_html('<span class="badge {}">{}</span>', kind, text)


def state_badge(state: str) -> str:
    """A row's state in words, coloured by what it means."""
    return badge(_(str(state)), _KINDS.get(str(state), "quiet"))


def number(value: Any) -> str:
    """A number in tabular figures, with thousands; a dash for None."""
    if value is None or value == "":
        return format_html('<span class="num">{}</span>', "–")
    text = format(value, ",f") if isinstance(value, Decimal) else format(value, ",d")
    return format_html('<span class="num">{}</span>', text)


def moment_text(at: datetime | None) -> str:
    """2026-11-21 06:13:30 (UTC, as everything the venue writes down), or a dash."""
    return format_html('<span class="time">{}</span>', f"{at:%Y-%m-%d %H:%M:%S}" if at is not None else "–")


def money(value: Decimal | None, places: int = 2) -> str:
    """An amount at fen, rounded for the eye only."""
    return number(None if value is None else round(value, places))


def percent(ratio: Decimal | None) -> str:
    """A ratio as 12.34 %; ∞ for None."""
    text = "∞" if ratio is None else f"{ratio * 100:.2f} %"
    return format_html('<span class="num">{}</span>', text)


def risk_badge(ratio: Decimal | None) -> str:
    """The risk ratio; from 80 % on it is marked."""
    if ratio is not None and ratio < RISK_WARN:
        return percent(ratio)
    return badge(percent(ratio), "bad" if ratio is None or ratio >= RISK_BAD else "warn")


def figure_shown(funds: LiveFunds | None, name: str) -> str:
    """One figure of live funds as a table shows it."""
    if funds is None:
        return number(None)
    value = getattr(funds, name)
    if name == "risk_ratio":
        return risk_badge(value)
    return number(value) if isinstance(value, int) else money(value)

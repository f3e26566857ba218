"""Figures as the console's front page prints them.
Used by templates/admin/front_figures.html."""

from __future__ import annotations

from decimal import Decimal

from django import template

register = template.Library()


@register.filter
def thousands(value: int) -> str:
    """1234567 as 1,234,567."""
    return format(value, ",d")


@register.filter
def amount(value: Decimal) -> str:
    """Money at two places, with thousands; rounded for the eye only."""
    return format(round(value, 2), ",f")


@register.filter
def percent(value: Decimal) -> str:
    """A ratio as 12.34 %."""
    return f"{value * 100:.2f} %"

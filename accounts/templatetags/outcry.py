"""What the pages' templates ask for: sentences in the visitor's language, and the names of states.
Loaded by templates with `{% load outcry %}`."""

from __future__ import annotations

from decimal import Decimal

from django import template

from accounts.http.envelope import ApiError, error_text
from accounts.texts import is_chinese, text

register = template.Library()


@register.simple_tag
def tr(message: str) -> str:
    """The sentence in the visitor's language."""
    return text(message)


@register.filter
def refusal(error: ApiError) -> str:
    """A refusal's sentence in the visitor's language."""
    return error_text(error.code, error.field, error.limit, error.value)[1 if is_chinese() else 0]


@register.filter
def amount(value: Decimal | int) -> str:
    """An amount as people read it: thousands apart, no zeros behind, a fraction with at least two places."""
    whole, _, places = format(value, "f").partition(".")
    places = places.rstrip("0")
    return f"{int(whole):,}" + (f".{places:0<2}" if places else "")


@register.filter
def code_text(code: int | None) -> str:
    """The sentence of a stored code; empty without one."""
    return error_text(code)[1 if is_chinese() else 0] if code else ""

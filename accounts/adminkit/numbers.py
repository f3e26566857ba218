"""Form fields for exact numbers, by the border's one function.
Used by the admin's forms."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from engine.border import NumberRefused, decimal_parse, to_units


class ExactField(forms.CharField):
    """A plain decimal number (-?d{1,18}(.d{1,12})?) that is a whole number of 10^-scale; cleans to Decimal.

    No exponents, NaN or full-width digits; nothing below zero, and zero only unless `is_positive`."""

    def __init__(self, *, scale: int, is_positive: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 32)
        super().__init__(**kwargs)
        self.scale = scale
        self.is_positive = is_positive
        self.widget.attrs.update({"inputmode": "decimal", "autocomplete": "off", "class": "vNumber"})

    def clean(self, value: Any) -> Any:
        """The Decimal; ValidationError says what a number looks like here."""
        text = super().clean(value)
        if text == "":
            return Decimal(0)
        try:
            number = decimal_parse(text)
            to_units(number, self.scale)
        except NumberRefused as error:
            raise forms.ValidationError(
                _("Write a plain number such as 0.12 (%(reason)s)."), params={"reason": error.reason}
            ) from None
        if number < 0 or (self.is_positive and not number):
            raise forms.ValidationError(_("Above zero.") if self.is_positive else _("Not below zero."))
        return number


def plain_text(number: Decimal) -> str:
    """A Decimal as people write it, without the zeros at the end: 0.12, 3800, 0."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text

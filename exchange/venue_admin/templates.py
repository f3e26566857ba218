"""Contract templates from the catalogue of real products, for the months ahead.
Handed to market/listing.py at start-up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from engine.core.commands import InstrumentSpec
from exchange.demo import catalogue
from exchange.demo.catalogue import Product
from exchange.demo.months import Month, month_digits, months_after
from market.listing import Template

MONTHS_AHEAD: Final = 12


def catalogue_templates(today: date) -> list[Template]:
    """Every product with the months of a year ahead, and the spot markets."""
    return [_of_product(product, today) for product in catalogue.PRODUCTS] + [
        _of_spot(spec) for spec in catalogue.SPOTS
    ]


def _of_product(product: Product, today: date) -> Template:
    front = product.month_of(today)
    this = (today.year, today.month)
    ahead = [months_after(this, count) for count in range(MONTHS_AHEAD + 1)]
    months: dict[str, Month] = {
        month_digits(month, product.month_places): month
        for month in [front, *ahead]
        if product.last_day_of(month) > today
    }

    def spec_of(digits: str) -> InstrumentSpec:
        month = months[digits]
        return replace(product, month_of=lambda _: month).contract(today)

    return Template(product.product, product.name, tuple(months), spec_of)


def _of_spot(spec: InstrumentSpec) -> Template:
    return Template(
        spec.product, spec.name, (), lambda _: replace(spec, rates=catalogue.spot_rates(10_000_000))
    )

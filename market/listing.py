"""Templates for new contracts: what the operator starts from when he lists one.
Read by market/admin.py; the composition root says where they come from (exchange/venue_admin/templates.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from engine.core.commands import InstrumentSpec


@dataclass(frozen=True, slots=True)
class Template:
    """A product one may list contracts of. `months`: contract months ("2512"), the one trading most first;
    empty for spot. `spec_of`: the whole specification of one of them ("" for spot)."""

    key: str  # "CFFEX.IF"
    name: str
    months: Sequence[str]
    spec_of: Callable[[str], InstrumentSpec]


Provider = Callable[[date], Sequence[Template]]
_providers: list[Provider] = []


def templates_provide(provider: Provider) -> None:
    """Add a source of templates; called once at start-up."""
    if provider not in _providers:
        _providers.append(provider)


def templates(today: date) -> list[Template]:
    """Every template as of the date (of the exchanges' clock), by key."""
    found = [template for provider in _providers for template in provider(today)]
    return sorted(found, key=lambda template: template.key)


def template_get(key: str, today: date) -> Template | None:
    """By key."""
    return next((template for template in templates(today) if template.key == key), None)

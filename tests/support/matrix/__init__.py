"""The access matrix (promise S1): every route × {anonymous, another user, staff without the right, holder}.
Each app's routes have their rows in a module of this package; tests/app/test_no_one_sees_anothers.py runs
them all and fails for a route without a row, so a new route needs one line here."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from accounts.rights import ROLE_RIGHTS, Right, RoleName
from tests.support.people import Person, account_row, anonymous, person


@dataclass
class World:
    """A victim who owns everything in `ids`, and those who would like to see it."""

    victim: Person
    other: Person
    ids: dict[str, str] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)

    def with_roles(self, *roles: RoleName) -> Person:
        """Somebody with exactly these roles."""
        name = "_".join(roles)
        if name not in self.people:
            self.people[name] = person(f"staff_{name}"[:150], *roles)
        return self.people[name]


Body = Callable[[World], dict[str, Any]]


def _empty(world: World) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Row:
    """One route. `path` as in the url modules, parameters in braces, filled from World.ids.

    `owner`: whoever owns what the path or body names may do it. `right`: holders of it may do it too.
    Neither: everybody logged in may, for it touches only himself. `public`: even without a token."""

    method: str
    path: str
    owner: bool = False
    right: Right | None = None
    public: bool = False
    body: Body = _empty
    query: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What a route is known by."""
        return self.method, self.path

    def address(self, world: World) -> str:
        """The path with the victim's ids."""
        return "/" + self.path.format(**world.ids) + self.query

    @property
    def holder_role(self) -> RoleName | None:
        """A role that holds the right."""
        return next((role for role, rights in ROLE_RIGHTS.items() if self.right in rights), None)

    @property
    def staff_roles(self) -> tuple[RoleName, ...]:
        """Every staff role without the right, all on one person: as much as staff can have without it."""
        staff = [role for role in RoleName if role != RoleName.TRADER]
        return tuple(role for role in staff if self.right not in ROLE_RIGHTS[role])


def world_make() -> World:
    """The victim with an open account, and another trader with one of his own."""
    victim, other = person("victim"), person("other")
    account = account_row(victim, name="victim's")
    account_row(other, name="other's")
    world = World(victim, other)
    world.people["anonymous"] = anonymous()
    world.ids.update(user_id=str(victim.user_id), account_id=str(account.pk))
    for module in _modules():
        prepare = getattr(module, "prepare", None)
        if prepare is not None:
            prepare(world)
    return world


def rows() -> list[Row]:
    """The rows of every module of this package."""
    return [row for module in _modules() for row in module.ROWS]


def _modules() -> list[Any]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [import_module(f"{__name__}.{name}") for name in names]


def routes() -> list[tuple[str, str]]:
    """(method, path) of every route of the venue but Django's own admin."""
    found = _walk(get_resolver().url_patterns, "")
    return sorted(set(found))


def _walk(patterns: list[Any], prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for pattern in patterns:
        path = prefix + _braces(str(pattern.pattern))
        if path.startswith("admin/"):
            continue
        if isinstance(pattern, URLResolver):
            found += _walk(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            found += [(method, path) for method in _methods(pattern.callback)]
    return found


def _braces(pattern: str) -> str:
    """`<id:account_id>` as `{account_id}`."""
    parts = pattern.split("<")
    return parts[0] + "".join(
        "{" + part.split(">")[0].split(":")[-1] + "}" + part.split(">", 1)[1] for part in parts[1:]
    )


def _methods(view: Any) -> list[str]:
    cls = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if cls is not None:
        return [name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(cls, name)]
    return list(getattr(view, "methods", ("GET",)))

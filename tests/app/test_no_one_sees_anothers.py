"""No one sees or touches another's object (promise S1): a generated matrix of every route and four people.
Run by pytest in the app tier; rows are in tests/support/matrix, and a route without one fails."""

from typing import Any

import pytest
from django.apps import apps

from engine.core.codes import Code
from tests.support import matrix
from tests.support.matrix import Row, World
from tests.support.people import Answer, Person
from tests.support.servers import RedisServer

APPS = ("accounts", "market", "settlement", "trading")
REFUSED = {
    Code.UNAUTHENTICATED,
    Code.FORBIDDEN,
    Code.NOT_FOUND,
    Code.NOT_PERMITTED,
    Code.ACCOUNT_NOT_FOUND,
    Code.ORDER_NOT_FOUND,
    Code.REQUEST_NOT_FOUND,
}
ROWS = matrix.rows()


@pytest.fixture
def world(transactional_db: None, redis_empty: RedisServer) -> World:
    """A victim, another trader, and whatever the routes need."""
    return matrix.world_make()


def fingerprint() -> dict[str, Any]:
    """Every row of every table of ours; a session's use leaves no trace in it."""
    return {
        model._meta.label: sorted(model._default_manager.values_list(), key=repr)
        for name in APPS
        for model in apps.get_app_config(name).get_models()
    }


def ask(who: Person, row: Row, world: World) -> Answer:
    return who.request(row.method, row.address(world), row.body(world))


def assert_refused(who: Person, row: Row, world: World) -> None:
    """No data, no change."""
    before = fingerprint()
    answer = ask(who, row, world)
    assert answer.code in REFUSED, answer.body
    assert fingerprint() == before


def assert_let_in(who: Person, row: Row, world: World) -> None:
    """Whatever else may be wrong with the request, it is not the person."""
    answer = ask(who, row, world)
    assert answer.body["success"] or answer.code not in REFUSED, answer.body


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert sorted(row.key for row in ROWS) == matrix.routes()


@pytest.mark.parametrize("row", [row for row in ROWS if not row.public], ids=lambda row: "-".join(row.key))
def test_anonymous_sees_and_changes_nothing(row: Row, world: World) -> None:
    before = fingerprint()
    answer = ask(world.people["anonymous"], row, world)
    assert (answer.status, answer.code) == (401, Code.UNAUTHENTICATED)
    assert fingerprint() == before


PRIVATE = [row for row in ROWS if row.owner or row.right is not None]


@pytest.mark.parametrize("row", PRIVATE, ids=lambda row: "-".join(row.key))
def test_another_user_sees_and_changes_nothing(row: Row, world: World) -> None:
    assert_refused(world.other, row, world)


@pytest.mark.parametrize("row", PRIVATE, ids=lambda row: "-".join(row.key))
def test_staff_without_the_right_sees_and_changes_nothing(row: Row, world: World) -> None:
    assert_refused(world.with_roles(*row.staff_roles), row, world)


@pytest.mark.parametrize("row", [row for row in ROWS if row.right], ids=lambda row: "-".join(row.key))
def test_the_rights_holder_is_let_in(row: Row, world: World) -> None:
    assert row.holder_role is not None
    assert_let_in(world.with_roles(row.holder_role), row, world)


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row.owner or not (row.right or row.public)],
    ids=lambda row: "-".join(row.key),
)
def test_the_owner_is_let_in(row: Row, world: World) -> None:
    assert_let_in(world.victim, row, world)

"""Unknown and read-only fields are refused on every route that takes a body (promise S2).
Run by pytest in the app tier; a new route is found in the OpenAPI schema by itself."""

import re
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from accounts.models import User, UserRole
from accounts.rights import RoleName
from engine.core.codes import Code
from tests.support.people import account_row, person

ROLES = (RoleName.TRADER, RoleName.ADMIN, RoleName.OPERATOR)
EXTRA = ["is_superuser", "is_staff", "roles_extra", "id", "__class__", "owner"]


def routes_with_body() -> list[tuple[str, str]]:
    """(method, path) of every operation under /api that takes a JSON body."""
    generator: Any = SchemaGenerator
    schema: Any = generator().get_schema(request=None, public=True)
    return sorted(
        (method.upper(), path)
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
        if path.startswith("/api/") and "requestBody" in operation
    )


@pytest.mark.parametrize(("method", "path"), routes_with_body())
def test_unknown_field_is_refused_and_changes_nothing(method: str, path: str) -> None:
    holder = person("holder", *ROLES)
    account = account_row(holder)
    where = path.replace("{user_id}", str(holder.user_id)).replace("{account_id}", str(account.pk))
    where = re.sub(r"\{\w+\}", "1", where)
    before = (list(User.objects.values()), list(UserRole.objects.values()))
    answer = holder.request(method, where, {"zzz_unknown": 1})
    assert (answer.code, answer.field) == (Code.FIELD_UNKNOWN, "zzz_unknown"), answer.body
    assert (list(User.objects.values()), list(UserRole.objects.values())) == before


@pytest.mark.parametrize("name", EXTRA)
def test_registration_takes_no_rights(name: str) -> None:
    from tests.support.people import PASSWORD, anonymous

    body = {"username": "eve", "password": PASSWORD, name: True}
    answer = anonymous().post("/api/auth/register", body)
    assert (answer.status, answer.code, answer.field) == (422, Code.FIELD_UNKNOWN, name)
    assert not User.objects.exists()

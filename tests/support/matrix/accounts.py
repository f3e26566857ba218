"""The access rows of accounts/api.
Found by tests/support/matrix."""

from typing import Any

from accounts.rights import Right
from tests.support.matrix import Row, World
from tests.support.people import PASSWORD


def _roles(world: World) -> dict[str, Any]:
    return {"user_id": world.ids["user_id"], "roles": ["trader", "analyst"]}


def _role(world: World) -> dict[str, Any]:
    return {"user_id": world.ids["user_id"], "role": "analyst"}


def _open(world: World) -> dict[str, Any]:
    return {"user_id": world.ids["user_id"], "user_name": "mine"}


ROWS = [
    Row("POST", "api/auth/register", public=True),
    Row("POST", "api/auth/login", public=True),
    Row("POST", "api/auth/refresh", public=True),
    Row("POST", "api/auth/logout"),
    Row(
        "POST",
        "api/auth/password/change",
        body=lambda world: {"old_password": PASSWORD, "new_password": f"{PASSWORD} 2"},
    ),
    Row("GET", "api/auth/user/{user_id}", owner=True, right=Right.USERS_ADMIN),
    Row("GET", "api/auth/users", right=Right.USERS_ADMIN),
    Row("POST", "api/auth/user/roles", right=Right.USERS_ADMIN, body=_roles),
    Row("POST", "api/auth/user/role/add", right=Right.USERS_ADMIN, body=_role),
    Row("POST", "api/auth/user/{user_id}/make-admin", right=Right.USERS_ADMIN),
    Row(
        "POST",
        "api/user/{user_id}/account/create",
        owner=True,
        right=Right.USERS_ADMIN,
        body=lambda world: {"account_name": "mine"},
    ),
    Row("GET", "api/user/{user_id}/accounts", owner=True, right=Right.ACCOUNTS_READ),
    Row("POST", "api/account/open", owner=True, right=Right.USERS_ADMIN, body=_open),
    Row("GET", "api/account/{account_id}", owner=True, right=Right.ACCOUNTS_READ),
]

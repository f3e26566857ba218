"""Who may do what: the closed list of rights, the roles that hold them, and the one check.
Called by views, sockets and services before anything of another user's or of the venue's is touched."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from accounts.http.envelope import ApiError
from engine.core import terms
from engine.core.codes import Code

if TYPE_CHECKING:
    from accounts.principals import Principal


class Right(StrEnum):
    """One thing somebody may be allowed to do."""

    READ_OWN = "read_own"
    TRADE = "trade"
    TRANSFER = "transfer"
    ACCOUNT_OPEN = "account_open"
    ACCOUNTS_READ = "accounts_read"  # every account: funds, orders, positions, trades
    USERS_ADMIN = "users_admin"  # list users, give and take roles
    CASH_APPROVE = "cash_approve"
    RISK_CONTROL = "risk_control"
    SETTLE = "settle"
    INSTRUMENTS = "instruments"
    AUDIT_READ = "audit_read"


class RoleName(StrEnum):
    """The roles of the venue; each user holds any number of them."""

    TRADER = "trader"
    ANALYST = "analyst"
    READONLY = "readonly"
    RISK_MANAGER = "risk_manager"
    SETTLEMENT = "settlement"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMIN = "admin"


ROLE_CHOICES: Final = [(role.value, role.value) for role in RoleName]
ROLE_RIGHTS: Final[dict[RoleName, frozenset[Right]]] = {
    RoleName.TRADER: frozenset({Right.READ_OWN, Right.TRADE, Right.TRANSFER, Right.ACCOUNT_OPEN}),
    RoleName.ANALYST: frozenset({Right.READ_OWN}),
    RoleName.READONLY: frozenset({Right.READ_OWN}),
    RoleName.RISK_MANAGER: frozenset({Right.READ_OWN, Right.ACCOUNTS_READ, Right.RISK_CONTROL}),
    RoleName.SETTLEMENT: frozenset({Right.READ_OWN, Right.ACCOUNTS_READ, Right.SETTLE}),
    RoleName.OPERATOR: frozenset(
        {
            Right.READ_OWN,
            Right.ACCOUNTS_READ,
            Right.CASH_APPROVE,
            Right.INSTRUMENTS,
            Right.SETTLE,
            Right.RISK_CONTROL,
        }
    ),
    RoleName.AUDITOR: frozenset({Right.READ_OWN, Right.ACCOUNTS_READ, Right.AUDIT_READ}),
    RoleName.ADMIN: frozenset({Right.READ_OWN, Right.ACCOUNTS_READ, Right.USERS_ADMIN, Right.AUDIT_READ}),
}

_RIGHT_SCOPES: Final[dict[Right, int]] = {
    Right.READ_OWN: terms.SCOPE_READ,
    Right.TRADE: terms.SCOPE_TRADE,
    Right.TRANSFER: terms.SCOPE_TRANSFER,
    Right.INSTRUMENTS: terms.SCOPE_OPERATE,
    Right.SETTLE: terms.SCOPE_OPERATE,
    Right.CASH_APPROVE: terms.SCOPE_OPERATE,
}


def rights_of(roles: Iterable[str]) -> frozenset[Right]:
    """Every right the named roles hold together; an unknown role holds none."""
    known = [RoleName(role) for role in roles if role in RoleName.__members__.values()]
    return frozenset().union(*(ROLE_RIGHTS[role] for role in known))


def scope_of(rights: Iterable[Right]) -> int:
    """The scope bits a command of somebody with these rights carries (terms.SCOPE_*)."""
    scope = 0
    for right in rights:
        scope |= _RIGHT_SCOPES.get(right, 0)
    return scope


def require(principal: Principal, right: Right) -> None:
    """ApiError FORBIDDEN, naming the right, unless the principal holds it."""
    if right not in principal.rights:
        raise ApiError(Code.FORBIDDEN, limit=right.value)


def require_user(principal: Principal, user_id: int, right: Right = Right.ACCOUNTS_READ) -> None:
    """ApiError FORBIDDEN unless `user_id` is the principal's own or the right is held."""
    if principal.user_id != user_id:
        require(principal, right)


def require_account(principal: Principal, account_id: int, right: Right = Right.ACCOUNTS_READ) -> None:
    """ApiError ACCOUNT_NOT_FOUND unless the account is the principal's own or the right is held.

    Not FORBIDDEN: that would say which account numbers exist."""
    if account_id not in principal.account_ids and right not in principal.rights:
        raise ApiError(Code.ACCOUNT_NOT_FOUND, field="account_id")

"""Reads of users, sessions and trading accounts.
Called by accounts/api, accounts/sessions.py, settlement and the composition root."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib.auth.hashers import check_password
from django.db.models import QuerySet

from accounts.models import Session, TradingAccount, User, UserRole
from accounts.sessions import SessionRecord


def user_get(*, user_id: int) -> User:
    """The user with his roles and accounts; User.DoesNotExist."""
    return User.objects.prefetch_related("roles", "trading_accounts").get(pk=user_id)


def users_list() -> QuerySet[User]:
    """Every user in order of registration, roles and accounts with them."""
    return User.objects.prefetch_related("roles", "trading_accounts").order_by("pk")


def user_roles(*, user_id: int) -> list[str]:
    """The names of the user's roles, sorted."""
    return sorted(UserRole.objects.filter(user_id=user_id).values_list("role", flat=True))


def user_account_ids(*, user_id: int) -> list[int]:
    """The ids of the user's open trading accounts, ascending."""
    accounts = TradingAccount.objects.filter(user_id=user_id, state=TradingAccount.State.OPEN)
    return list(accounts.order_by("pk").values_list("pk", flat=True))


def accounts_of_user(*, user_id: int) -> QuerySet[TradingAccount]:
    """The user's trading accounts in every state but refused, oldest first."""
    return (
        TradingAccount.objects.filter(user_id=user_id)
        .exclude(state=TradingAccount.State.REFUSED)
        .order_by("pk")
    )


def session_record(*, session_id: str, now: datetime) -> SessionRecord | None:
    """What requests need to know of a session that is live at `now`; None for any other id."""
    try:
        key = UUID(session_id)
    except ValueError:
        return None
    session = Session.objects.select_related("user").filter(pk=key, ended_at=None, expires_at__gt=now).first()
    if session is None or not session.user.is_active:
        return None
    return record_of_user(user=session.user)


def record_of_user(*, user: User) -> SessionRecord:
    """The session record of a user as he is now."""
    return SessionRecord(
        user_id=user.pk,
        username=user.username,
        roles=user_roles(user_id=user.pk),
        account_ids=user_account_ids(user_id=user.pk),
    )


def account_get(*, account_id: int) -> TradingAccount | None:
    """The open trading account with its user, or None."""
    accounts = TradingAccount.objects.select_related("user")
    return accounts.filter(pk=account_id, state=TradingAccount.State.OPEN).first()


def trading_password_fits(*, account: TradingAccount, password: str) -> bool:
    """True when the account has no trading password, or this one."""
    return not account.trading_password or check_password(password, account.trading_password)

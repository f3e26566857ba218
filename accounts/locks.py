"""Row locks of users; taken in primary-key order before reading what a write depends on.
Called by accounts/services.py inside a transaction."""

from __future__ import annotations

from accounts.models import User


def user_lock(*, user_id: int) -> User:
    """The user's row, locked until the transaction ends; User.DoesNotExist."""
    return User.objects.select_for_update().get(pk=user_id)

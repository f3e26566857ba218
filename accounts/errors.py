"""The refusals of this app that more than one place raises.
Called by accounts/services.py and the apps above it."""

from __future__ import annotations

from collections.abc import Iterable

from accounts.http.envelope import ApiError
from engine.core.codes import Code


def user_not_found() -> ApiError:
    """No such user."""
    return ApiError(Code.NOT_FOUND, field="user_id")


def password_weak(field: str, messages: Iterable[str]) -> ApiError:
    """The validators' reasons in one sentence."""
    return ApiError(Code.PASSWORD_WEAK, field=field, limit=" ".join(messages))


def idempotency_conflict() -> ApiError:
    """The key was used before for something else."""
    return ApiError(Code.IDEMPOTENCY_CONFLICT, field="idempotency_key")

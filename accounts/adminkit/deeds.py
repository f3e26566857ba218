"""Carrying out what staff asked for, with its rows in the audit log.
Called by the admin's acts and forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from accounts.audit import Deed, audit_write
from accounts.http.addresses import client_address
from accounts.http.envelope import ApiError
from accounts.models import AuditEntry
from engine.core.codes import Code
from engine.door import DoorError
from engine.live import LiveRebuilding

Outcome = AuditEntry.Outcome


@dataclass(frozen=True, slots=True)
class Done:
    """What an act has brought about: the state after it, and the command's sequence if there was one.

    `before`: only where less than the act's whole state is worth keeping · `waiting`: it is accepted, and
    something else must happen before it is true."""

    after: Mapping[str, Any] = field(default_factory=dict)
    seq: int | None = None
    target: str = ""  # only where it was not known before: the id of what was made
    waiting: str = ""
    before: Mapping[str, Any] | None = None


def deed_do(
    request: HttpRequest,
    *,
    action: str,
    target: str,
    perform: Callable[[], Done],
    before: Mapping[str, Any] | None = None,
    wanted: Mapping[str, Any] | None = None,
    reason: str = "",
) -> Done:
    """Write down that it is asked for (and `wanted`, what exactly), do it, write down how it ended.

    ApiError: what `perform` was refused with, the door's codes and LIVE_REBUILDING among them."""
    deed = _deed(request, action, target, before, reason)
    asked = audit_write(deed=replace(deed, after=wanted), now=timezone.now())
    deed = replace(deed, asked=asked.pk, outcome=Outcome.REFUSED)
    try:
        done = perform()
    except Exception as error:
        refusal = _refusal(error)
        unknown = refusal is None or refusal.code == Code.OUTCOME_UNKNOWN
        outcome = Outcome.UNKNOWN if unknown else Outcome.REFUSED
        code = int(refusal.code) if refusal is not None else int(Code.INTERNAL)
        audit_write(deed=replace(deed, outcome=outcome, code=code), now=timezone.now())
        if refusal is None:
            raise
        raise refusal from error
    deed = replace(
        deed,
        outcome=Outcome.DONE,
        before=deed.before if done.before is None else done.before,
        after=done.after,
        seq=done.seq,
        target=done.target or deed.target,
    )
    audit_write(deed=deed, now=timezone.now())
    return done


def plain_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed into a form as the audit log keeps it: texts, numbers, lists; no reason, never a password."""
    kept = {name: value for name, value in values.items() if name != "reason" and "password" not in name}
    return {
        name: format(value, "f") if isinstance(value, Decimal) else value
        for name, value in kept.items()
        if isinstance(value, (str, int, Decimal))
        or (isinstance(value, list) and all(isinstance(v, str) for v in value))
    }


def deed_note(
    request: HttpRequest, *, action: str, target: str, after: Mapping[str, Any] | None = None
) -> None:
    """Write down what has just been done and could not be refused: a login, an export."""
    deed = _deed(request, action, target, None, "")
    audit_write(deed=replace(deed, outcome=Outcome.DONE, after=after), now=timezone.now())


def _deed(
    request: HttpRequest, action: str, target: str, before: Mapping[str, Any] | None, reason: str
) -> Deed:
    return Deed(
        actor_id=request.user.pk,
        actor_name=request.user.get_username(),
        address=client_address(request),
        action=action,
        target=target,
        outcome=Outcome.ASKED,
        before=before,
        reason=reason,
    )


def _refusal(error: Exception) -> ApiError | None:
    """The refusal an exception is; None for an error of ours."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, DoorError):
        return ApiError(error.code)
    return ApiError(Code.LIVE_REBUILDING) if isinstance(error, LiveRebuilding) else None

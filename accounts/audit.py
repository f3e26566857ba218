"""Writing the audit log, and checking that nobody has changed it since.
Called by admin actions (accounts/adminkit) and by `manage.py audit`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from django.db import connection, transaction

from accounts.models import AuditEntry
from engine.border import json_dumps

# Of pg_advisory_xact_lock: rows get their place in the chain one after the other.
LOCK: Final = 0x0C_A0D1
HASH_NONE: Final = "0" * 64
CHECK_CHUNK: Final = 2_000


@dataclass(frozen=True, slots=True)
class Deed:
    """What is written down of one action. `before` and `after`: JSON values by name."""

    actor_id: int | None
    actor_name: str
    address: str
    action: str
    target: str
    outcome: AuditEntry.Outcome
    code: int | None = None
    reason: str = ""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    seq: int | None = None
    asked: int | None = None


def audit_write(*, deed: Deed, now: datetime) -> AuditEntry:
    """Append the deed to the chain; `now` is aware."""
    values = {field.name: getattr(deed, field.name) for field in fields(Deed)}
    values |= {
        "actor_name": deed.actor_name[:150],
        "address": deed.address[:64],
        "target": deed.target[:128],
        "reason": deed.reason[:200],
        "before": dict(deed.before or {}),
        "after": dict(deed.after or {}),
    }
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        last = AuditEntry.objects.order_by("-id").values_list("hash", flat=True).first()
        entry = AuditEntry(at=now, hash_before=last or HASH_NONE, **values)
        entry.hash = entry_hash(entry)
        entry.save(force_insert=True)
    return entry


def entry_hash(entry: AuditEntry) -> str:
    """The seal of a row: over everything it says but its id, and over the seal of the row before it."""
    said = [getattr(entry, field.name) for field in fields(Deed)]
    body = json_dumps([entry.hash_before, entry.at.astimezone(UTC).isoformat(), *_canonical(said)])
    return sha256(body).hexdigest()


def _canonical(value: Any) -> Any:
    """Keys in order: PostgreSQL's jsonb keeps none."""
    if isinstance(value, dict):
        return {key: _canonical(value[key]) for key in sorted(value)}
    return [_canonical(item) for item in value] if isinstance(value, list) else value


def audit_check() -> tuple[int, int | None]:
    """(rows that hold, id of the first that does not): a row whose content does not fit its seal, or that does
    not follow the row before it. A cut at the end needs a copy of the newest seal kept elsewhere to be seen."""
    held, last, reached = 0, HASH_NONE, 0
    while True:
        rows = list(AuditEntry.objects.filter(id__gt=reached).order_by("id")[:CHECK_CHUNK])
        for entry in rows:
            if entry.hash_before != last or entry.hash != entry_hash(entry):
                return held, entry.pk
            held, last, reached = held + 1, entry.hash, entry.pk
        if not rows:
            return held, None

"""`manage.py audit check`: does the audit log still hold, row by row.
Called by an operator or a timer; exits non-zero and names the first row that does not."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from accounts.audit import HASH_NONE, audit_check
from accounts.models import AuditEntry


class Command(BaseCommand):
    """The audit log's seals."""

    help = (
        "Check that no row of the audit log was changed, removed or put between others. The newest seal is printed:"
        " kept elsewhere, it also shows later that nothing was cut off at the end (--seal)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["check"])
        parser.add_argument("--seal", help="a seal printed before; it must still be in the log")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exits non-zero when a row does not hold, a seal is gone, or PostgreSQL does not answer."""
        try:
            held, broken = audit_check()
            seal = options["seal"]
            if seal and not AuditEntry.objects.filter(hash=seal).exists():
                raise CommandError("that seal is in the log no more: rows were cut off")
            last = AuditEntry.objects.order_by("-id").values_list("hash", flat=True).first()
        except DatabaseError as error:
            raise CommandError(str(error).strip()) from error
        if broken is not None:
            raise CommandError(f"{held} rows hold, row {broken} does not")
        self.stdout.write(f"{held} rows hold; the newest seal is {last or HASH_NONE}")

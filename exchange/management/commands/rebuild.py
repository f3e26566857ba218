"""`manage.py rebuild`: drops the projections and makes them again from the journal, equal.
Called by an operator when reconcile found a difference in PostgreSQL; trading goes on, history is behind."""

from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from engine.journal import JournalError, open_journal
from engine.process.projecting import ProjectorLost
from engine.process.replica import ApplyFailed, ReplayDiffers
from exchange.projecting import projector_make
from exchange.rebuilding import RebuildRefused, rebuild


class Command(BaseCommand):
    help = "Drop every projected row and make it again from the journal."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError with the reason when it cannot be done."""
        try:
            journal = open_journal(settings.JOURNAL_URL)
            try:
                seq = rebuild(
                    database_url=settings.DATABASE_OWNER_URL,
                    journal=journal,
                    projector=projector_make(),
                    say=lambda seq: self.stdout.write(f"rebuilt up to sequence {seq}"),
                )
            finally:
                journal.close()
        except (
            RebuildRefused,
            ProjectorLost,
            JournalError,
            ReplayDiffers,
            ApplyFailed,
            psycopg.Error,
        ) as error:
            raise CommandError(f"cannot rebuild: {error}") from error
        self.stdout.write(f"history is rebuilt up to sequence {seq}; a running engine goes on from there")

"""`manage.py reconcile`: replays the journal and compares PostgreSQL's rows and live state with it.
Called by operators beside a live venue, and by the tests; exit code 1 on any difference."""

from argparse import ArgumentParser
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from engine.journal import JournalError, open_journal
from engine.live import LiveReader
from engine.process.replica import ReplayDiffers
from engine.snapshots import SnapshotStore
from exchange.reconcile import Report, reconcile


class Command(BaseCommand):
    help = "Compare history and live state with the journal, field by field. Exit code 1: they differ."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from-start", action="store_true", help="replay everything, not from a snapshot"
        )
        parser.add_argument("--without-live", action="store_true", help="leave live state in Redis out")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError when something differs or cannot be read."""
        try:
            report = self._reconcile(options["from_start"], options["without_live"])
        except (psycopg.Error, JournalError, ReplayDiffers, ValueError) as error:
            raise CommandError(f"cannot reconcile: {error}", returncode=2) from error
        self.stdout.write("\n".join(report.lines()))
        if not report.is_clean:
            raise CommandError("history, live state and journal differ", returncode=1)
        self.stdout.write("no difference")

    def _reconcile(self, from_start: bool, without_live: bool) -> Report:
        journal = open_journal(settings.JOURNAL_URL)
        reader = None if without_live else LiveReader(settings.REDIS_URL, settings.OUTCRY_STACK_ID)
        try:
            return reconcile(
                database_url=settings.DATABASE_OWNER_URL,
                journal=journal,
                snapshots=None if from_start else SnapshotStore(settings.DATA_DIR / "snapshots"),
                reader=reader,
            )
        finally:
            journal.close()
            if reader is not None:
                reader.close()

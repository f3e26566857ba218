"""`manage.py journal status | void SEQ --reason …`: looks at the journal, and takes out a command that stops it.
Called by an operator; works on the files, so the engine need not run."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from engine import messages
from engine.journal import Batch, Journal, JournalError, open_journal


class Command(BaseCommand):
    help = "Show how far the journal is durable, or void one sequence so that every replay skips it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="action", required=True)
        commands.add_parser("status", help="the durable mark and the voided sequences")
        void = commands.add_parser("void", help="make every replay skip one sequence of the last batch")
        void.add_argument("seq", type=int)
        void.add_argument("--reason", required=True, help="kept in the journal")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError with the reason when it cannot be done."""
        try:
            journal = open_journal(settings.JOURNAL_URL)
            try:
                if options["action"] == "status":
                    self._status(journal)
                else:
                    self._void(journal, options["seq"], options["reason"])
            finally:
                journal.close()
        except (JournalError, ValueError) as error:
            raise CommandError(str(error)) from error

    def _status(self, journal: Journal) -> None:
        mark = journal.durable()
        self.stdout.write(f"durable up to sequence {mark.seq}, epoch {mark.epoch}, segment {mark.segment}")
        self.stdout.write("no writer" if journal.writer_is_dead() else "a writer holds the newest epoch")
        for seq, reason in journal.voided().items():
            self.stdout.write(f"voided {seq}: {reason}")

    def _void(self, journal: Journal, seq: int, reason: str) -> None:
        batch = batch_to_void(journal, seq)
        command = messages.commands_decode(batch.payload)[seq - batch.first_seq]
        journal.void(seq, reason)
        self.stdout.write(f"voided {seq}: {command!r}")


def batch_to_void(journal: Journal, seq: int) -> Batch:
    """The batch of `seq`. Raises CommandError unless it is the last one and nobody writes.

    What stopped the engine is in the last batch; a sequence before it was carried out, and to skip it now would
    change what was already answered.
    """
    mark = journal.durable()
    if not 1 <= seq <= mark.seq:
        raise CommandError(f"sequence {seq} is not in the journal, which has 1 to {mark.seq}")
    if not journal.writer_is_dead():
        raise CommandError("an engine leads: a sequence can be voided only when none does")
    batch = next(iter(journal.read(seq)))
    if batch.last_seq != mark.seq:
        raise CommandError(f"sequence {seq} was carried out: only the last batch can be voided")
    return batch

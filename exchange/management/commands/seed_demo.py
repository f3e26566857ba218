"""`manage.py seed_demo`: fill a new venue with the demo's instruments, users, accounts and money.
Called by `manage.py up` on a data folder without a demo, and with --contracts once a day after that."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.http.envelope import ApiError
from exchange.demo.seed import SeedFailed, contracts_seed, demo_seed
from exchange.stack.locate import data_folder


class Command(BaseCommand):
    """List the contracts of the day, open the first trading day, register and fund the demo's users."""

    help = (
        "Fill the running venue with the demo: instruments of the current months, an operator, two funded "
        "traders, the market makers' users. Passwords go to <data>/secrets/demo.json. A repeat changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """`--contracts`."""
        parser.add_argument("--contracts", action="store_true", help="only list the contracts of the day")

    def handle(self, *args: Any, contracts: bool = False, **options: Any) -> None:
        """Exits non-zero, saying why, when the venue does not take it."""
        data, now = data_folder(os.environ), timezone.now()
        try:
            if contracts:
                contracts_seed(data=data, now=now, say=self.stdout.write)
                return
            users = demo_seed(data=data, now=now, say=self.stdout.write)
        except (SeedFailed, ApiError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"demo: {len(users)} users")

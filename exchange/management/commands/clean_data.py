"""`manage.py clean_data`: removes everything a venue left on this machine.
Called by `make clean-data`."""

import os
import shutil
from typing import Any

from django.core.management.base import BaseCommand

from exchange.stack.instance import AlreadyRunning, InstanceLock
from exchange.stack.locate import MARKER, data_folder
from exchange.stack.postgres import SYSTEM_FOLDER, system_place

EXIT_REFUSED, EXIT_RUNNING = 1, 3


class Command(BaseCommand):
    """Remove the data folder and the cluster kept outside it."""

    help = "Remove all data of the venue in OUTCRY_DATA: database, journal, logs, secrets."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 0 when nothing is left, 3 when the venue runs, 1 when the folder is not a venue's."""
        data = data_folder(os.environ)
        outside = system_place(data)
        if data.exists():
            if not (data / MARKER).exists():
                self.stderr.write(f"{data} is not a venue's data folder; nothing was removed")
                raise SystemExit(EXIT_REFUSED)
            try:
                lock = InstanceLock(data)
            except AlreadyRunning:
                self.stderr.write(f"Outcry runs on {data}; stop it first. Nothing was removed")
                raise SystemExit(EXIT_RUNNING) from None
            shutil.rmtree(data)
            lock.release()
        if outside.exists():
            shutil.rmtree(outside)
        if SYSTEM_FOLDER.exists() and not any(
            entry for entry in SYSTEM_FOLDER.iterdir() if not entry.name.startswith("server-")
        ):
            # The last venue is gone: so go the copies of the server programs.
            shutil.rmtree(SYSTEM_FOLDER)
        self.stdout.write(f"removed {data}")

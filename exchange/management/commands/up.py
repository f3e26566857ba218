"""`manage.py up`: the whole venue from one command, until Ctrl-C.
Called by `make up`, the container image and the test harness."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand

from exchange.stack.binaries import ServerMissing
from exchange.stack.child import die_with
from exchange.stack.instance import AlreadyRunning, InstanceLock
from exchange.stack.locate import FolderRefused, data_folder, folder_adopt, run_file_read
from exchange.stack.ports import PortTaken
from exchange.stack.postgres import PostgresFailed, system_place
from exchange.stack.supervisor import StartFailed, Supervisor
from exchange.stack.users import UserMissing
from exchange.stack.venue import Venue, demo_read, venue_prepare

EXIT_FAILED, EXIT_RUNNING = 1, 3


class Command(BaseCommand):
    """Start PostgreSQL, Redis, engines, web, Celery and the demo; stop them on Ctrl-C."""

    help = "Start the whole venue on this data folder and keep it running until Ctrl-C."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 0 after a clean stop, 3 when the folder is already served, 1 when the start failed."""
        # Until the supervisor listens to signals itself, both mean: leave now.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        if os.environ.get("OUTCRY_STOP_WITH_PARENT") == "1":
            # `make up`: when make is killed without a word, the venue stops as after Ctrl-C.
            die_with(os.getppid(), signal.SIGTERM)()
        data = data_folder(os.environ)
        try:
            folder_adopt(data)
            lock = InstanceLock(data)
        except FolderRefused as refused:
            self._fail(str(refused))
        except AlreadyRunning:
            self._say_running(data)
        self._run(data, lock)
        self._say("Outcry: stopped")

    def _run(self, data: Path, lock: InstanceLock) -> None:
        """Everything between the lock and its release."""
        began = time.monotonic()
        try:
            self._say(f"Outcry: starting on {data}")
            venue = venue_prepare(data, os.environ)
            supervisor = Supervisor(venue, self._say)
            asyncio.run(supervisor.run(lambda: self._say_ready(venue, time.monotonic() - began)))
        except KeyboardInterrupt:
            self._say("Outcry: interrupted before anything ran")
        except (
            FolderRefused,
            PortTaken,
            ServerMissing,
            UserMissing,
            PostgresFailed,
            StartFailed,
            ValueError,
        ) as why:
            self._fail(str(why))
        finally:
            lock.release()

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _fail(self, why: str) -> NoReturn:
        self.stderr.write(f"Outcry did not start: {why}")
        raise SystemExit(EXIT_FAILED)

    def _say_running(self, data: Path) -> NoReturn:
        run = run_file_read(data)
        where = (
            f"at {run['web']} (supervisor {run['supervisor']})"
            if run
            else "and is still starting or stopping"
        )
        self.stderr.write(f"Outcry already runs on {data}, {where}")
        raise SystemExit(EXIT_RUNNING)

    def _say_ready(self, venue: Venue, seconds: float) -> None:
        self._say(f"Outcry: ready in {seconds:.1f} s\n")
        self._say(f"  web         {venue.web_url}")
        self._say(f"  operators   {venue.web_url}/admin/")
        self._say(f"  data        {venue.data}   (addresses and passwords for scripts: run.json)")
        if venue.cluster is not None and venue.cluster.folder.parent == system_place(venue.data):
            self._say(f"  PostgreSQL  {venue.cluster.folder}   (its user cannot reach the data folder)")
        for user in demo_read(venue.data).get("users", []):
            accounts = ", ".join(str(account) for account in user.get("account_ids", []))
            self._say(
                f"  {user.get('role', 'user'):<11} {user['username']} / {user['password']}   {accounts}"
            )
        self._say("\nCtrl-C stops everything.")

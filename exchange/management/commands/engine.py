"""`manage.py engine --name engine-1`: one engine process; follows, projects, and leads when nobody else does.
Started by the supervisor or by an operator's service manager, usually two of them."""

import asyncio
import logging
import os
from argparse import ArgumentParser
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand

from engine.process.engine_process import EngineProcess, EngineSettings
from engine.process.follower import SNAPSHOT_COMMANDS, SNAPSHOT_S
from exchange.projecting import projector_make


class Command(BaseCommand):
    help = "Run one engine process. Exit codes: 0 stopped, 4 fenced, 5 a command failed, 6 replay differs, \
7 the clock runs backwards, 8 the journal is unusable."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="of this process, unique in the venue: engine-1")
        parser.add_argument(
            "--snapshot-commands", type=int, default=SNAPSHOT_COMMANDS, help="between two snapshots, at most"
        )
        parser.add_argument(
            "--snapshot-seconds", type=float, default=SNAPSHOT_S, help="between two snapshots, at most"
        )
        parser.add_argument("--no-projecting", action="store_true", help="never write the projections")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ends this process, with the code of whatever ended the engine."""
        place = EngineSettings(
            name=options["name"],
            data=settings.DATA_DIR,
            journal_url=settings.JOURNAL_URL,
            redis_url=settings.REDIS_URL,
            stack_id=settings.OUTCRY_STACK_ID,
            snapshot_commands=options["snapshot_commands"],
            snapshot_s=options["snapshot_seconds"],
        )
        projector = None if options["no_projecting"] else projector_make()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            code = runner.run(EngineProcess(place, projector).run())
        logging.shutdown()
        # A thread that waits for a dead disk or a frozen Postgres must not keep a fenced leader alive.
        os._exit(code)

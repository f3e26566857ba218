"""`manage.py makers`: the demo's market makers and takers, trading until they are stopped.
Started by `manage.py up` unless OUTCRY_DEMO=0; needs nothing but the web address and the demo's passwords."""

import asyncio
import os
import signal
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from exchange.demo.makers.agents import Credentials
from exchange.demo.makers.run import ORDERS_PER_S, ORDERS_PER_S_MAX, makers_run
from exchange.demo.people import MAKER, TAKER, demo_users
from exchange.stack.locate import data_folder, run_file_read


class Command(BaseCommand):
    """House users on the public REST and WebSocket interfaces."""

    help = "Quote and trade on the running venue as the demo's house users, until stopped."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--web", default="", help="http://host:port of the venue; the running one if not given"
        )
        parser.add_argument(
            "--orders-per-s", type=float, default=float(os.environ.get("OUTCRY_DEMO_ORDERS_PER_S", ORDERS_PER_S)),
            help=f"orders and cancels of all house users together, at most {ORDERS_PER_S_MAX:g}",
        )  # fmt: skip
        parser.add_argument("--seed", type=int, help="of the random walk")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ends on SIGINT or SIGTERM; CommandError when the demo was never seeded."""
        data = data_folder(os.environ)
        web = options["web"] or os.environ.get("OUTCRY_WEB_URL") or (run_file_read(data) or {}).get("web")
        if not web:
            raise CommandError(f"no venue runs on {data}; name one with --web")
        if not 0 < options["orders_per_s"] <= ORDERS_PER_S_MAX:
            raise CommandError(f"--orders-per-s is above 0 and at most {ORDERS_PER_S_MAX:g}")
        makers, takers = (_credentials(data, role) for role in (MAKER, TAKER))
        if not makers or not takers:
            raise CommandError(f"{data} holds no demo: run `manage.py seed_demo` first")
        with suppress(KeyboardInterrupt):
            asyncio.run(_run(web, makers, takers, options["orders_per_s"], options["seed"]))


async def _run(
    web: str, makers: list[Credentials], takers: list[Credentials], orders_per_s: float, seed: int | None
) -> None:
    """Until SIGTERM."""
    trading = asyncio.create_task(
        makers_run(web, makers, takers, orders_per_s=orders_per_s, seed=seed, on_ready=_ready_file_write)
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, trading.cancel)
    with suppress(asyncio.CancelledError):
        await trading


def _credentials(data: Path, role: str) -> list[Credentials]:
    return [
        Credentials(user["username"], user["password"]) for user in demo_users(data) if user["role"] == role
    ]


def _ready_file_write() -> None:
    """Tell the supervisor that every house user is connected."""
    name = os.environ.get("OUTCRY_READY_FILE")
    if name:
        draft = Path(f"{name}.draft")
        draft.write_text(f"{os.getpid()}\n", "ascii")
        draft.rename(name)

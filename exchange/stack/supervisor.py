"""Starts a venue's processes in order, keeps them alive, stops them in the reverse order.
Called by `manage.py up`."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from exchange.demo.people import contracts_are_of, demo_file
from exchange.stack.child import Child, ProcessSpec
from exchange.stack.database import database_prepare
from exchange.stack.postgres import cluster_busy
from exchange.stack.probes import http_status, postgres_answers, redis_answers
from exchange.stack.processes import (
    BASE_DIR,
    engine_processes,
    makers_processes,
    process_environment,
    server_processes,
    service_processes,
)
from exchange.stack.venue import Venue, run_file_write
from market.calendar import exchange_date

READY_TIMEOUT_S = 120.0
PROBE_INTERVAL_S = 0.05
HOUSEKEEPING_INTERVAL_S = 10.0
# So many deaths before the first readiness mean that waiting longer will not help.
STARTS_MAX_BEFORE_READY = 5
ORPHAN_TIMEOUT_S = 15.0
OUTSIDE_TIMEOUT_S = 30.0
SEED_TIMEOUT_S = 60.0


def seed_arguments(data: Path, now: datetime) -> list[str] | None:
    """What `manage.py` is asked to seed at a start: everything once, the contracts once a date, or nothing."""
    if not demo_file(data).exists():
        return ["seed_demo"]
    return None if contracts_are_of(data, exchange_date(now)) else ["seed_demo", "--contracts"]


class StartFailed(Exception):
    """The venue did not come up; the text says which process and shows its last words."""


class Supervisor:
    """One venue's processes, from the first start to the last stop."""

    def __init__(self, venue: Venue, say: Callable[[str], None]) -> None:
        """`say` shows one line of progress."""
        self._venue = venue
        self._say = say
        self._children: list[Child] = []
        self._ready = False
        self._stop = asyncio.Event()

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Bring everything up, call `on_ready`, stay until a signal, stop everything.

        Raises StartFailed (after stopping what had started).
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Under nohup a hang-up is to be ignored.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._stop.set)
        waiting = asyncio.create_task(self._stop.wait())
        rising = asyncio.create_task(self._bring_up())
        try:
            await asyncio.wait({rising, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if rising.done():
                rising.result()
                on_ready()
                await self._watch()
        finally:
            rising.cancel()
            waiting.cancel()
            await asyncio.gather(rising, waiting, return_exceptions=True)
            await self._bring_down()

    async def _bring_up(self) -> None:
        venue = self._venue
        await self._orphans_wait()
        await self._group_start(server_processes(venue))
        await self._outside_wait()
        began = time.monotonic()
        applied = await self._in_thread(database_prepare)
        if applied:
            self._say(f"  database       {applied} migrations  {time.monotonic() - began:.1f} s")
        first, *standby = engine_processes(venue)
        await self._group_start([first, *service_processes(venue)])
        # The second engine starts when there is a leader: two at once would take over from each other.
        await asyncio.gather(self._group_start(standby), self._demo_start())
        self._ready = True
        self._run_file_refresh()

    async def _demo_start(self) -> None:
        """Seed and makers, once orders can be taken."""
        await self._venue_ready_wait()
        await self._seed()
        await self._group_start(makers_processes(self._venue))

    async def _group_start(self, specs: list[ProcessSpec]) -> None:
        """Start a group and wait until each of it is ready."""
        group = [Child(spec, self._venue.data / "log", self._run_file_refresh) for spec in specs]
        self._children += group
        for child in group:
            child.start()
        await asyncio.gather(*(self._ready_wait(child) for child in group))

    async def _ready_wait(self, child: Child) -> None:
        began = time.monotonic()
        while not (child.pid is not None and await child.spec.ready()):
            if child.starts >= STARTS_MAX_BEFORE_READY or time.monotonic() - began > READY_TIMEOUT_S:
                raise StartFailed(
                    f"{child.spec.name} did not become ready ({child.starts} starts, "
                    f"{time.monotonic() - began:.0f} s). The end of {child.log_path}:\n{child.log_tail()}"
                )
            await asyncio.sleep(PROBE_INTERVAL_S)
        self._say(f"  {child.spec.name:<14} ready  {time.monotonic() - began:.1f} s")

    async def _orphans_wait(self) -> None:
        """A server of a killed supervisor may still be writing its last pages."""
        cluster = self._venue.cluster
        deadline = time.monotonic() + ORPHAN_TIMEOUT_S
        while cluster is not None and cluster_busy(cluster.folder):
            if time.monotonic() > deadline:
                raise StartFailed(f"another PostgreSQL still runs on {cluster.folder}")
            await asyncio.sleep(PROBE_INTERVAL_S)

    async def _outside_wait(self) -> None:
        """Servers that are not ours must answer within their time limit."""
        deadline = time.monotonic() + float(os.environ.get("OUTCRY_OUTSIDE_TIMEOUT_S", OUTSIDE_TIMEOUT_S))
        for name, answers, url in (
            ("PostgreSQL (DATABASE_URL)", postgres_answers, self._venue.database_owner_url),
            ("Redis (REDIS_URL)", redis_answers, self._venue.redis_url),
        ):
            if name.startswith("PostgreSQL") and self._venue.cluster is not None:
                continue  # asked already, and its database is not made yet
            while not await answers(url):
                if time.monotonic() > deadline:
                    raise StartFailed(f"{name} does not answer")
                await asyncio.sleep(PROBE_INTERVAL_S)

    async def _venue_ready_wait(self) -> None:
        """The venue as a whole: database, Redis, a leader, projections that keep up."""
        began = time.monotonic()
        venue = self._venue
        while await http_status(venue.local_host, venue.web_port, "/ready") != 200:
            if time.monotonic() - began > READY_TIMEOUT_S:
                raise StartFailed(f"{venue.web_url}/ready does not answer 200")
            await asyncio.sleep(PROBE_INTERVAL_S)

    async def _seed(self) -> None:
        """Demo users, accounts and instruments; in a venue that has them the contracts of a new date."""
        arguments = seed_arguments(self._venue.data, datetime.now(UTC))
        if arguments is None:
            return
        began = time.monotonic()
        log_path = self._venue.data / "log" / "seed.log"
        environment = process_environment(self._venue, "seed")
        with log_path.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "manage.py", *arguments, cwd=BASE_DIR, env=environment,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            async with asyncio.timeout(SEED_TIMEOUT_S):
                status = await process.wait()
        except TimeoutError:
            status = -signal.SIGKILL
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if status != 0:
            raise StartFailed(f"the demo seed ended with {status}: see {log_path}")
        self._say(f"  demo seed      done   {time.monotonic() - began:.1f} s")

    async def _in_thread(self, work: Callable[[Venue], int]) -> int:
        """Run blocking work beside the loop; the thread is gone afterwards, so later forks are clean."""
        with ThreadPoolExecutor(max_workers=1) as helper:
            return await asyncio.get_running_loop().run_in_executor(helper, work, self._venue)

    async def _watch(self) -> None:
        """Until a signal: rotate logs. Dead processes are brought back by their own tasks."""
        while not self._stop.is_set():
            for child in self._children:
                child.log_rotate()
            try:
                await asyncio.wait_for(self._stop.wait(), HOUSEKEEPING_INTERVAL_S)
            except TimeoutError:
                continue

    async def _bring_down(self) -> None:
        """Stop what asks before what answers: makers, services, engines, servers; each stage at once."""
        self._ready = False
        (self._venue.data / "run.json").unlink(missing_ok=True)
        for stage in sorted({child.spec.stop_stage for child in self._children}):
            leaving = [child for child in self._children if child.spec.stop_stage == stage]
            await asyncio.gather(*(child.stop() for child in leaving))

    def _run_file_refresh(self) -> None:
        """A process came or went: once everything was ready, run.json follows."""
        if self._ready:
            run_file_write(self._venue, {child.spec.name: child.pid for child in self._children})

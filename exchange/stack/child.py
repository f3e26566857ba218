"""One supervised process: started, watched, brought back, stopped; its log rotated by size.
Called by the supervisor."""

import asyncio
import contextlib
import ctypes
import os
import shutil
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from exchange.stack.users import RunUser, identity

LOG_BYTES_MAX = 16 * 1024 * 1024
BACKOFF_FIRST_S, BACKOFF_MAX_S = 0.1, 5.0
# A process that lived this long is healthy again: its next death waits the first backoff.
HEALTHY_AFTER_S = 10.0
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to run and how to know that it is ready."""

    name: str
    command: list[str]
    ready: Callable[[], Awaitable[bool]]
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = Path("/")
    user: RunUser | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 10.0
    # Lower numbers stop first: those who ask before those who answer.
    stop_stage: int = 1
    # What the kernel sends when the supervisor dies without a word.
    orphan_signal: signal.Signals = signal.SIGKILL
    ready_file: Path | None = None


class Child:
    """Runs one ProcessSpec until `stop`; a death in between is answered by a new start."""

    def __init__(self, spec: ProcessSpec, log_folder: Path, on_change: Callable[[], None]) -> None:
        """`on_change` is called after every start and death."""
        self.spec = spec
        self.log_path = log_folder / f"{spec.name}.log"
        self.starts = 0
        self._on_change = on_change
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The running process's id, None between two lives."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Begin to keep the process alive."""
        self._task = asyncio.create_task(self._keep_alive(), name=f"child {self.spec.name}")

    async def stop(self) -> None:
        """Ask the process to end, insist after its time limit; returns when it is gone."""
        self._stopping.set()
        process = self._process
        if process is not None and process.returncode is None:
            _signal_send(process, self.spec.stop_signal)
            try:
                await asyncio.wait_for(process.wait(), self.spec.stop_timeout_s)
            except TimeoutError:
                _signal_send(process, signal.SIGKILL)
                await process.wait()
        if self._task is not None:
            await self._task

    async def _keep_alive(self) -> None:
        backoff_s = BACKOFF_FIRST_S
        clock = asyncio.get_running_loop().time
        while not self._stopping.is_set():
            began = clock()
            self.starts += 1
            await self._live_once()
            backoff_s = BACKOFF_FIRST_S if clock() - began > HEALTHY_AFTER_S else backoff_s
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)

    async def _live_once(self) -> None:
        """From the start to the death of one process; one that cannot be started counts as dead."""
        try:
            self._process = await self._spawn()
        except OSError as why:
            with self.log_path.open("a", encoding="utf-8") as log:
                log.write(f"supervisor: {self.spec.command[0]} could not be started: {why}\n")
            return
        self._on_change()
        await self._process.wait()
        self._process = None
        self._on_change()

    async def _spawn(self) -> asyncio.subprocess.Process:
        spec = self.spec
        if spec.ready_file is not None:
            spec.ready_file.unlink(missing_ok=True)
        with self.log_path.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *spec.command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd=spec.cwd,
                env=dict(spec.environment), start_new_session=True, umask=0o077,
                preexec_fn=die_with(os.getpid(), spec.orphan_signal), **identity(spec.user),
            )  # fmt: skip

    def log_rotate(self) -> None:
        """Keep one older part of the log; the file is emptied in place, as its process holds it open."""
        with contextlib.suppress(FileNotFoundError):
            if self.log_path.stat().st_size > LOG_BYTES_MAX:
                shutil.copyfile(self.log_path, self.log_path.with_suffix(".log.1"))
                os.truncate(self.log_path, 0)

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of the log, for a report of what went wrong."""
        try:
            text = self.log_path.read_bytes()[-16_384:].decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])


def _signal_send(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


def die_with(supervisor: int, number: signal.Signals) -> Callable[[], None]:
    """Runs in the new process after the change of user (which would clear the wish) and before exec."""

    def arrange() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        # The supervisor may have died between fork and prctl.
        if os.getppid() != supervisor:
            os._exit(1)

    return arrange

"""Engine processes of a test's own on one journal folder and one Redis, to be killed, paused and raced.
Called by the fault tests of the app tier; they project nothing, so no Postgres is needed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.journal import FileJournal, open_journal
from engine.process.replica import Replica, replayed
from exchange.stack.child import die_with
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class EngineChild:
    """One `manage.py engine`."""

    name: str
    data: Path
    process: subprocess.Popen[bytes]

    @property
    def said(self) -> dict[str, Any]:
        """What its ready file says; {} without one."""
        try:
            found: dict[str, Any] = json.loads((self.data / "run" / f"{self.name}.ready").read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return found if found["pid"] == self.process.pid else {}

    @property
    def role(self) -> str:
        """follower, leader, or "" before it is ready."""
        return str(self.said.get("role", ""))

    @property
    def log(self) -> str:
        """Everything it printed."""
        return (self.data / f"{self.name}.log").read_text("utf-8")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def is_paused(self) -> bool:
        """True when the process stands still on SIGSTOP."""
        state = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
        return state == "T"

    def ended(self, timeout_s: float = 15.0) -> int:
        """Its exit code, once it has ended by itself."""
        return self.process.wait(timeout_s)


@dataclass(slots=True)
class Engines:
    """Where the processes live, and those that were started."""

    data: Path
    redis_url: str
    stack_id: str
    children: list[EngineChild] = field(default_factory=list)

    def start(
        self, name: str, *, fault: str = "", ready: bool = True, arguments: Sequence[str] = ()
    ) -> EngineChild:
        """Start one; `fault` arms a point of engine.journal.faults; `ready`: wait until it follows or leads."""
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "exchange.settings.embedded",
            "OUTCRY_DATA": str(self.data),
            "REDIS_URL": self.redis_url,
            "OUTCRY_STACK_ID": self.stack_id,
            "OUTCRY_FAULT": fault,
            "OUTCRY_FAULTS_ALLOWED": "1" if fault else "",
        }
        with (self.data / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "engine", "--name", name, "--no-projecting", *arguments],
                cwd=ROOT, env=environment, stdout=log, stderr=log,
                preexec_fn=die_with(os.getpid(), signal.SIGKILL),
            )  # fmt: skip
        child = EngineChild(name, self.data, process)
        self.children.append(child)
        if ready:
            wait_until(lambda: child.role or process.poll() is not None, what=f"{name} is ready")
        return child

    def leader(self) -> EngineChild:
        """Wait for the one that leads."""
        (leader,) = wait_until(
            lambda: [
                child for child in self.children if child.process.poll() is None and child.role == "leader"
            ],
            what="one leads",
        )
        return leader

    def journal(self) -> FileJournal:
        """The journal, for reading."""
        journal = open_journal(f"file://{self.data}/journal")
        assert isinstance(journal, FileJournal)
        return journal

    def replay(self) -> Replica:
        """A full replay of the journal from its first sequence, checked against its hashes."""
        journal = self.journal()
        replica = Replica.restored(None)
        records = replayed(journal, None, journal.durable().seq, replica=replica)
        assert sum(record.batch.count for _, record in records) == replica.seq
        journal.close()
        return replica


@contextmanager
def engines(data: Path, redis_url: str, stack_id: str) -> Iterator[Engines]:
    """Ends, at the end, whatever still runs."""
    data.mkdir(parents=True, exist_ok=True)
    (data / ".outcry").write_text("a test's venue\n", "utf-8")
    made = Engines(data, redis_url, stack_id)
    try:
        yield made
    finally:
        for child in made.children:
            if child.process.poll() is None:
                child.process.kill()
                child.process.wait()

"""A whole venue for the end-to-end benchmarks: `manage.py up` in a folder of its own, makers and all, and its users.
Called by benchmarks.end_to_end and benchmarks.takeover."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

READY_S = 90
PASSWORD = secrets.token_urlsafe(16)
CASH = 10_000_000


class Stack:
    """The running venue; `run` is its run.json."""

    def __init__(self, run: dict[str, Any]) -> None:
        self.run = run
        self.web = str(run["web"])

    def post(self, path: str, body: dict[str, Any], token: str = "") -> Any:
        """The answer's data. Raises urllib.error.HTTPError."""
        return self._call(urllib.request.Request(self.web + path, json.dumps(body).encode()), token)

    def get(self, path: str, token: str = "") -> Any:
        return self._call(urllib.request.Request(self.web + path), token)

    def _call(self, request: urllib.request.Request, token: str) -> Any:
        request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())["data"]

    def trader(self, name: str) -> tuple[str, str]:
        """(access token, account id) of a new user with play money."""
        self.post("/api/auth/register", {"username": name, "password": PASSWORD})
        login = self.post("/api/auth/login", {"username": name, "password": PASSWORD})
        token = str(login["token"])
        opened = self.post(
            "/api/account/open",
            {
                "user_id": login["user_id"],
                "user_name": name,
                "init_cash": CASH,
                "account_type": "individual",
                "password": PASSWORD,
            },
            token,
        )
        again = self.post("/api/auth/login", {"username": name, "password": PASSWORD})
        return str(again["token"]), str(opened["account_id"])

    def pids(self) -> dict[str, int]:
        return {process["name"]: process["pid"] for process in self.run["processes"]}


@contextmanager
def stack_up(*, makers: bool = True) -> Iterator[Stack]:
    """Start a venue, give it, stop it."""
    with TemporaryDirectory(prefix="outcry-bench-") as folder:
        Path(folder).chmod(0o755)
        data = Path(folder) / "data"
        environment = {**os.environ, "OUTCRY_DATA": str(data), "OUTCRY_DEMO": "1" if makers else "0"}
        environment.pop("OUTCRY_WEB_PORT", None)
        log = (Path(folder) / "up.log").open("w")
        up = subprocess.Popen([sys.executable, "manage.py", "up"], env=environment, stdout=log, stderr=log)
        try:
            run_json = data / "run.json"
            ends = time.monotonic() + READY_S
            while not run_json.exists():
                if up.poll() is not None or time.monotonic() > ends:
                    raise RuntimeError(
                        f"the venue did not start: {(Path(folder) / 'up.log').read_text()[-2000:]}"
                    )
                time.sleep(0.1)
            yield Stack(json.loads(run_json.read_text()))
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(60)
            log.close()

"""`make bench`: every row of PERFORMANCE that exists, one after the other, with the machine's name.
Run on a quiet machine; takes some minutes."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import core, end_to_end, journal, peers, takeover, worker


def machine() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = names[0].split(":")[1].strip() if names else platform.machine()
    return f"{os.cpu_count()} × {model}, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def core_compiled() -> None:
    """The same benchmark in a process of its own, on the core that mypyc builds; needs gcc."""
    if shutil.which("gcc") is None:
        print("no gcc here: left out")
        return
    subprocess.run([sys.executable, "-m", "engine.compilation"], check=True)
    environment = {**os.environ, "OUTCRY_CORE": "compiled"}
    subprocess.run([sys.executable, "-m", "benchmarks.core", "1000000"], check=True, env=environment)


def main() -> None:
    print(machine(), flush=True)
    parts: tuple[tuple[str, Callable[[], None]], ...] = (
        ("the core, accounts and margin on", lambda: core.main(1_000_000)),
        ("the same files, compiled", core_compiled),
        ("peers from PyPI, matching only, the same events", lambda: peers.main(1_000_000)),
        ("the engine process without network", lambda: worker.main(200_000)),
        ("the journal", journal.main),
        ("end to end", lambda: end_to_end.main(60)),
        ("takeover", lambda: takeover.main(5)),
    )
    for title, work in parts:
        print(f"\n## {title}", flush=True)
        work()


if __name__ == "__main__":
    main()

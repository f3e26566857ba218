"""Runs the tiers one after the other and reports each with its time; one exit status for all.
Called by `make test`."""

import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).parent
# Seconds a tier may take; going over is reported, as the machine may be a slow one.
LIMITS_S = {"core": 180, "app": 420, "stack": 480}


def tier_run(tier: str) -> tuple[bool, float]:
    """Run one tier with its ten slowest tests shown; returns whether it passed and its seconds."""
    sys.stdout.write(f"\n===== {tier} =====\n")
    sys.stdout.flush()
    began = time.monotonic()
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=10"]
    done = subprocess.run([*pytest, f"tests/{tier}"], cwd=TESTS.parent, check=False, stdin=subprocess.DEVNULL)
    return done.returncode == 0, time.monotonic() - began


def main(tiers: list[str]) -> int:
    """Run the tiers, print the table, return 0 only when every one passed."""
    unknown = [tier for tier in tiers if tier not in LIMITS_S]
    if unknown or not tiers:
        sys.stderr.write(f"tiers are {', '.join(LIMITS_S)}; not {', '.join(unknown) or 'none'}\n")
        return 2
    results = {tier: tier_run(tier) for tier in tiers}
    sys.stdout.write("\n===== report =====\n")
    for tier, (passed, seconds) in results.items():
        over = "  over its limit" if seconds > LIMITS_S[tier] else ""
        verdict = "passed" if passed else "FAILED"
        sys.stdout.write(f"{tier:<6} {verdict}  {seconds:6.1f} s of {LIMITS_S[tier]} s{over}\n")
    return 0 if all(passed for passed, _ in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

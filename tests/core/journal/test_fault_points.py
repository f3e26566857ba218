"""Fault points do nothing unless armed, and cannot be armed by one stray variable.
Core tier: needs no service."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from engine.journal.faults import Fault, fault_parse, reach
from tests.core.journal.helpers import ROOT

ALLOWED = {"OUTCRY_FAULTS_ALLOWED": "1"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("journal.after_sync:kill", Fault("journal.after_sync", signal.SIGKILL, 1)),
        ("leader.before_reply:stop@12", Fault("leader.before_reply", signal.SIGSTOP, 12)),
        ("", None),
    ],
)
def test_the_variable_names_point_action_and_time(text: str, fault: Fault | None) -> None:
    assert fault_parse({**ALLOWED, "OUTCRY_FAULT": text}) == fault


@pytest.mark.parametrize(
    "text", ["x", "x:", "x:explode", "x:kill@0", "x:kill@", "x:kill@-1", ":kill", "x:kill "]
)
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="OUTCRY_FAULT must be"):
        fault_parse({**ALLOWED, "OUTCRY_FAULT": text})


@pytest.mark.parametrize("allowed", [{}, {"OUTCRY_FAULTS_ALLOWED": "0"}, {"OUTCRY_FAULTS_ALLOWED": ""}])
def test_a_fault_without_permission_keeps_the_process_from_starting(allowed: dict[str, str]) -> None:
    with pytest.raises(RuntimeError, match="OUTCRY_FAULTS_ALLOWED=1"):
        fault_parse({**allowed, "OUTCRY_FAULT": "journal.roll:kill"})


def test_an_unarmed_point_does_nothing() -> None:
    reach("journal.after_sync")


def test_the_process_dies_at_the_named_time_and_place() -> None:
    program = (
        "from engine.journal.faults import reach\n"
        "for turn in range(5):\n"
        "    reach('other.point')\n"
        "    print(turn, flush=True)\n"
        "    reach('some.point')\n"
    )
    environment = dict(os.environ, **ALLOWED, OUTCRY_FAULT="some.point:kill@3")
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "0\n1\n2\n")

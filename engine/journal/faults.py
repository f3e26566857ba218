"""Named points at which a test can kill or stop this process, to prove what survives.
Called by the journal and the leader between any two steps whose order matters; does nothing unless armed."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass

ACTIONS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
_FORM = re.compile(r"(?P<point>[a-z_.]+):(?P<action>[a-z]+)(?:@(?P<time>[1-9][0-9]{0,8}))?")


@dataclass(slots=True)
class Fault:
    """A signal this process sends to itself when it reaches ``point`` for the ``left``-th time."""

    point: str
    signal: signal.Signals
    left: int


def fault_parse(environment: Mapping[str, str]) -> Fault | None:
    """Read ``OUTCRY_FAULT=<point>:<kill|stop>[@N]``; None if unset.

    Raises RuntimeError unless ``OUTCRY_FAULTS_ALLOWED=1`` too, so that no stray variable can kill a venue;
    ValueError if it does not have that form.
    """
    text = environment.get("OUTCRY_FAULT", "")
    if not text:
        return None
    if environment.get("OUTCRY_FAULTS_ALLOWED") != "1":
        raise RuntimeError("OUTCRY_FAULT is set, but OUTCRY_FAULTS_ALLOWED=1 is not: refusing to run")
    match = _FORM.fullmatch(text)
    if match is None or match["action"] not in ACTIONS:
        raise ValueError(f"OUTCRY_FAULT must be <point>:<kill|stop>[@N], not {text!r}")
    return Fault(match["point"], ACTIONS[match["action"]], int(match["time"] or 1))


_armed = fault_parse(os.environ)


def reach(point: str) -> None:
    """Say that execution has come to ``point``; kills or stops the process if a test armed it there."""
    if _armed is None or _armed.point != point:
        return
    _armed.left -= 1
    if _armed.left == 0:
        os.kill(os.getpid(), _armed.signal)

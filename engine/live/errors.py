"""What can go wrong with live state: no head, another leader's head, Redis away.
Raised by the reader and the writer; the gateways' border shows `code`, the leader acts on the class."""

from __future__ import annotations

from engine.core.codes import Code
from engine.live.keys import Head


class LiveError(Exception):
    """Any refusal of live state."""


class LiveRebuilding(LiveError):
    """There is no head to read under: the leader is (or will be) writing live state anew. HTTP 503."""

    code = Code.LIVE_REBUILDING

    def __init__(self, reason: str = "live state has no head") -> None:
        super().__init__(reason)


class LiveAway(LiveError):
    """Redis did not answer the writer; the write may or may not have happened, repeating it is harmless."""


class LiveHeadMismatch(LiveError):
    """The head (None: there is none) does not precede what was to be written: rebuild."""

    def __init__(self, found: Head | None) -> None:
        super().__init__(f"live head is {found}")
        self.found = found


class LiveFenced(LiveError):
    """The head carries a higher epoch than ours: another process leads, nothing was written."""

    def __init__(self, found: Head) -> None:
        super().__init__(f"live head is of epoch {found.epoch}")
        self.found = found

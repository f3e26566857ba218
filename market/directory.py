"""Which instrument a client means: "IF2512" or "CFFEX.IF2512", looked up in a copy each web process keeps.
Called by trading/services.py and the market views; the copy comes from live state."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from accounts.http.envelope import ApiError
from engine.core.codes import Code
from engine.core.commands import InstrumentSpec
from engine.core.views import InstrumentView
from engine.live import live, live_async
from market.calculations import bare_id

# A copy is used this long; a venue with many instruments spends at most a twentieth of its time on copies.
AGE_MAX_S = 1.0
READ_SHARE_MAX = 20
# A name nobody listed asks live state again, but not more often than this.
MISS_WAIT_S = 0.2
NAME_LENGTH_MAX = 64


@dataclass(frozen=True, slots=True)
class _Copy:
    views: dict[str, InstrumentView] = field(default_factory=dict)
    by_bare_id: dict[str, list[str]] = field(default_factory=dict)
    read_at: float = float("-inf")
    good_until: float = float("-inf")


class Directory:
    """The copy of one process. `clock` gives monotonic seconds. Safe to use from threads and event loops."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._copy = _Copy()

    def clear(self) -> None:
        """Forget the copy: the next question reads live state."""
        self._copy = _Copy()

    def spec_known(self, instrument: str) -> InstrumentSpec | None:
        """The spec of a full id from the copy alone; for printing what already happened."""
        view = self._copy.views.get(instrument)
        return view.spec if view else None

    async def find(self, name: object) -> InstrumentView:
        """The instrument a client named; INSTRUMENT_NOT_FOUND, INSTRUMENT_AMBIGUOUS or LIVE_REBUILDING."""
        text = _name(name)
        if self._is_stale(text):
            began = self._clock()
            self._take((await live_async().instruments()).value, began)
        return self._one(text)

    def find_sync(self, name: object) -> InstrumentView:
        """As `find`, for threads."""
        text = _name(name)
        if self._is_stale(text):
            began = self._clock()
            self._take(live().instruments().value, began)
        return self._one(text)

    def take(self, views: Iterable[InstrumentView]) -> None:
        """Replace the copy by views somebody has just read."""
        self._take(views, self._clock())

    def _is_stale(self, name: str) -> bool:
        now, copy = self._clock(), self._copy
        if now >= copy.good_until:
            return True
        known = name in copy.views or name in copy.by_bare_id
        return not known and now >= copy.read_at + MISS_WAIT_S

    def _take(self, views: Iterable[InstrumentView], began: float) -> None:
        views = list(views)
        by_bare_id: dict[str, list[str]] = {}
        for view in views:
            by_bare_id.setdefault(bare_id(view.spec.instrument), []).append(view.spec.instrument)
        now = self._clock()
        good_for = max(AGE_MAX_S, (now - began) * READ_SHARE_MAX)
        self._copy = _Copy({view.spec.instrument: view for view in views}, by_bare_id, now, now + good_for)

    def _one(self, name: str) -> InstrumentView:
        copy = self._copy
        if name in copy.views:
            return copy.views[name]
        candidates = copy.by_bare_id.get(name, [])
        if len(candidates) == 1:
            return copy.views[candidates[0]]
        if candidates:
            listed = ", ".join(sorted(candidates))
            raise ApiError(Code.INSTRUMENT_AMBIGUOUS, field="instrument_id", limit=listed)
        raise ApiError(Code.INSTRUMENT_NOT_FOUND, field="instrument_id")


def _name(name: object) -> str:
    if not isinstance(name, str) or not 0 < len(name) <= NAME_LENGTH_MAX:
        raise ApiError(Code.INSTRUMENT_NOT_FOUND, field="instrument_id")
    return name


_directory = Directory()


def directory() -> Directory:
    """The copy of this process."""
    return _directory

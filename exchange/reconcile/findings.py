"""What a reconciliation found: per kind how much was compared, how much differs, and the first differences.
Made by the comparisons, printed by `manage.py reconcile`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

SHOWN_MAX: Final = 20  # differences kept a kind


@dataclass(slots=True, frozen=True)
class Difference:
    """One field of one thing: what stands there and what the journal leads to, both as text."""

    key: str
    field: str
    there: str
    expected: str


@dataclass(slots=True)
class Finding:
    """One kind of thing ("trading_order", "ledger per account", "live accounts", …)."""

    kind: str
    compared: int = 0
    differing: int = 0
    first: list[Difference] = field(default_factory=list)

    def add(self, difference: Difference) -> None:
        """Count one more thing that differs; the first SHOWN_MAX are kept."""
        self.differing += 1
        if len(self.first) < SHOWN_MAX:
            self.first.append(difference)

    def check(self, key: str, name: str, there: object, expected: object) -> None:
        """Compare one value."""
        self.compared += 1
        if there != expected:
            self.add(Difference(key, name, str(there), str(expected)))


@dataclass(slots=True)
class Report:
    """The whole. seq: the sequence history was compared at · from_seq: history up to it was not replayed (0: all
    was) · live_seq: the newest head live state was compared at, 0 when it was not."""

    seq: int
    from_seq: int
    live_seq: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not any(finding.differing for finding in self.findings)

    def lines(self) -> Iterator[str]:
        """A table for people."""
        yield f"history compared at sequence {self.seq}, live state at {self.live_seq or '(not compared)'}"
        if self.from_seq:
            yield f"rows of sequences up to {self.from_seq} were taken as they are (--from-start replays them too)"
        yield f"{'kind':<30}{'compared':>12}{'differing':>12}"
        for finding in self.findings:
            yield f"{finding.kind:<30}{finding.compared:>12,}{finding.differing:>12,}"
        for finding in self.findings:
            if not finding.differing:
                continue
            yield ""
            yield f"{finding.kind}: {finding.differing:,} differ, the first {len(finding.first)}:"
            for difference in finding.first:
                said = f"is {difference.there}, the journal says {difference.expected}"
                yield f"  {difference.key}  {difference.field}: {said}"

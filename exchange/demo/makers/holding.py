"""What a house user holds in one instrument, and by which offset an order should open or close it.
Called by the agents; pure."""

from dataclasses import dataclass, replace
from typing import Final

from exchange.demo.makers.wire import PositionRow

BUY, SELL = 1, -1
# Exchanges where CLOSE takes history lots only and today's need CLOSETODAY (trading-rules.md §1).
EXPLICIT_EXCHANGES: Final = frozenset({"SHFE", "INE"})


@dataclass(frozen=True, slots=True)
class Holding:
    """Lots that may still be closed, by side and age (frozen ones are not counted), and all lots by side."""

    long_today: int = 0
    long_history: int = 0
    short_today: int = 0
    short_history: int = 0
    long: int = 0
    short: int = 0

    @property
    def net(self) -> int:
        """Lots long less lots short."""
        return self.long - self.short

    @property
    def gross(self) -> int:
        return self.long + self.short

    def closable(self, side: int) -> tuple[int, int]:
        """(history, today) lots that an order of `side` can close: a buyer closes what is short."""
        if side == BUY:
            return self.short_history, self.short_today
        return self.long_history, self.long_today

    def without(self, side: int, offset: str, volume: int, is_explicit: bool) -> "Holding":
        """The holding once an order has frozen its lots; an opening one freezes none."""
        if offset == "OPEN":
            return self
        history, today = self.closable(side)
        if is_explicit:
            history, today = (
                (history, today - volume) if offset == "CLOSETODAY" else (history - volume, today)
            )
        else:
            taken = min(history, volume)
            history, today = history - taken, today - (volume - taken)
        if side == BUY:
            return replace(self, short_history=history, short_today=today)
        return replace(self, long_history=history, long_today=today)


def offset_choose(holding: Holding, side: int, volume: int, is_explicit: bool) -> tuple[str, int]:
    """(offset, lots): close what can be closed, history before today, at most `volume`; else open."""
    history, today = holding.closable(side)
    if not is_explicit:
        closable = history + today
        return ("CLOSE", min(volume, closable)) if closable > 0 else ("OPEN", volume)
    if history > 0:
        return "CLOSE", min(volume, history)
    if today > 0:
        return "CLOSETODAY", min(volume, today)
    return "OPEN", volume


def holding_of(row: PositionRow) -> Holding:
    """From a position as the venue pushes it."""
    return Holding(
        long_today=row.volume_long_today - row.volume_long_frozen_today,
        long_history=row.volume_long_his - row.volume_long_frozen_his,
        short_today=row.volume_short_today - row.volume_short_frozen_today,
        short_history=row.volume_short_his - row.volume_short_frozen_his,
        long=row.volume_long,
        short=row.volume_short,
    )

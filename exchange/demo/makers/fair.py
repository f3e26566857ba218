"""What the house believes an instrument is worth: a random walk that trades push and the day's anchor pulls.
Shared by the makers of one process, so that they agree about the price and differ in how they quote."""

from random import Random
from typing import Final

MILLI: Final = 1_000
# A walk of daily volatility v moves v ÷ √86,400 a second.
ROOT_OF_DAY: Final = 294
BASIS: Final = 10_000
# The pull back to the anchor is one part in this many a second: about two hours.
PULL_S: Final = 7_200
EDGE_PARTS: Final = 20


class Fair:
    """Prices in 1/1000 of a tick. `volatility` is the daily one in 1/10,000 of the price."""

    def __init__(self, start: int, volatility: int, rng: Random) -> None:
        """`start` in ticks, > 0."""
        self._rng = rng
        self._volatility = volatility
        self._anchor = start * MILLI
        self._lower = 1 * MILLI
        self._upper = 10 * start * MILLI
        self.milli = start * MILLI
        # Ticks between two levels of a quote; fixed, or every order would move when the price does.
        self.spacing = max(1, self.sigma // MILLI)

    @property
    def ticks(self) -> int:
        """The nearest whole tick."""
        return (self.milli + MILLI // 2) // MILLI

    @property
    def sigma(self) -> int:
        """One second's typical move, in 1/1000 of a tick; at least a fifth of a tick."""
        return max(MILLI // 5, self.milli * self._volatility // (BASIS * ROOT_OF_DAY))

    def anchor_set(self, anchor: int, lower: int, upper: int) -> None:
        """The day's reference price and limits in ticks (0: none); the walk stays off the limits."""
        self._anchor = anchor * MILLI
        edge = (upper - lower) * MILLI // EDGE_PARTS if upper else 0
        self._lower = lower * MILLI + edge if upper else self._anchor // 4
        self._upper = upper * MILLI - edge if upper else self._anchor * 4
        self._clamp()

    def step(self) -> None:
        """One second passes. The sum of three even draws has this sigma and no far tail."""
        sigma = self.sigma
        self.milli += sum(self._rng.randint(-sigma, sigma) for _ in range(3))
        self.milli += (self._anchor - self.milli) // PULL_S
        self._clamp()

    def pushed(self, side: int, volume: int, usual: int) -> None:
        """Somebody took `volume` lots from a quote (usually `usual`): up for a buyer (side 1), down for a seller."""
        self.milli += side * self.sigma * min(volume, 4 * usual) // (2 * usual)
        self._clamp()

    def _clamp(self) -> None:
        self.milli = max(self._lower, min(self._upper, self.milli))

"""How fast a house user may act: a token bucket for orders, a growing pause after failures.
Called by the agents and the session; time and chance come in, so tests need neither."""

from collections.abc import Callable
from random import Random
from typing import Final

Clock = Callable[[], float]

BACKOFF_FIRST_S: Final = 0.5
BACKOFF_MAX_S: Final = 30.0


class TokenBucket:
    """`per_second` tokens flow in, at most `burst` are kept. `clock` gives monotonic seconds."""

    def __init__(self, per_second: float, burst: int, clock: Clock) -> None:
        if per_second <= 0 or burst < 1:
            raise ValueError("a bucket needs a positive rate and room for one token")
        self.per_second = per_second
        self.burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._at = clock()

    def take(self, count: int) -> bool:
        """Take all `count` tokens, or none of them."""
        self._refill()
        if count > self._tokens:
            return False
        self._tokens -= count
        return True

    def wait_s(self, count: int) -> float:
        """How long until `count` tokens (at most the burst) are there; 0 when they are."""
        self._refill()
        return max(0.0, (min(count, self.burst) - self._tokens) / self.per_second)

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(float(self.burst), self._tokens + (now - self._at) * self.per_second)
        self._at = now


class Backoff:
    """Pauses that double up to BACKOFF_MAX_S, each shortened by chance so that users do not move in step."""

    def __init__(self, rng: Random, first_s: float = BACKOFF_FIRST_S, max_s: float = BACKOFF_MAX_S) -> None:
        self._rng = rng
        self._first_s = first_s
        self._max_s = max_s
        self._failures = 0

    def next_s(self) -> float:
        """The pause after one more failure."""
        pause = min(self._max_s, self._first_s * float(2**self._failures))
        self._failures = min(self._failures + 1, 16)
        return pause * (0.5 + self._rng.random() / 2)

    def reset(self) -> None:
        """It works again."""
        self._failures = 0

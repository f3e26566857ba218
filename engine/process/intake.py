"""What waits to be sequenced, and what was answered lately, so that a resend gets the same answer.
Used by the leader; plain containers with limits, no I/O."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable

from engine.replies import Answer, Request

WAITING_MAX = 20_000
ANSWERS_MAX = 200_000
# Copies of a request still arrive after its not_after; until then its answer is kept.
ANSWER_KEPT_NS = 10_000_000_000
NOT_AFTER_MAX_NS = 30_000_000_000

Key = tuple[str, int]


class Intake:
    """Requests in the order in which they came, bounded."""

    def __init__(self, waiting_max: int = WAITING_MAX) -> None:
        self._waiting: deque[Request] = deque()
        self._waiting_max = waiting_max
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, request: Request) -> bool:
        """False when there is no room."""
        if len(self._waiting) >= self._waiting_max:
            return False
        self._waiting.append(request)
        self._arrived.set()
        return True

    def take(self, most: int) -> list[Request]:
        """The oldest, at most `most`."""
        count = min(most, len(self._waiting))
        taken = [self._waiting.popleft() for _ in range(count)]
        if not self._waiting:
            self._arrived.clear()
        return taken

    async def arrived(self) -> None:
        """Return once something waits."""
        await self._arrived.wait()

    def wake(self) -> None:
        """Let `arrived` return though nothing waits: the leader is to look around."""
        self._arrived.set()


class AnswerTable:
    """The answers to recent requests by (gateway, request id); None stands for "being sequenced"."""

    def __init__(self, answers_max: int = ANSWERS_MAX) -> None:
        self._answers: OrderedDict[Key, tuple[int, Answer | None]] = OrderedDict()
        self._answers_max = answers_max

    def __len__(self) -> int:
        return len(self._answers)

    def __contains__(self, key: Key) -> bool:
        return key in self._answers

    def answer(self, key: Key) -> Answer | None:
        """The answer given to a request in the table; None while it is being sequenced."""
        return self._answers[key][1]

    def begin(self, key: Key, not_after: int, now: int) -> bool:
        """Note a request that is about to be sequenced; False when the table is full of recent ones."""
        if len(self._answers) >= self._answers_max:
            self.forget_old(now)
            if len(self._answers) >= self._answers_max:
                return False
        self._answers[key] = (min(not_after, now + NOT_AFTER_MAX_NS) + ANSWER_KEPT_NS, None)
        return True

    def finish(self, answers: Iterable[tuple[Key, Answer]]) -> None:
        for key, answer in answers:
            kept = self._answers.get(key)
            if kept is not None:
                self._answers[key] = (kept[0], answer)

    def forget(self, keys: Iterable[Key]) -> None:
        """Requests that took no sequence: a resend is a first attempt."""
        for key in keys:
            self._answers.pop(key, None)

    def forget_old(self, now: int) -> None:
        """Drop what no copy can arrive for any more, from the oldest on."""
        while self._answers:
            key, (until, answer) = next(iter(self._answers.items()))
            if until > now or answer is None:
                return
            del self._answers[key]

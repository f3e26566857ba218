"""Which commands may leave for the leader, which are under way, which must be given up: no I/O, no clock.
Used by the door's client, which moves the frames; instants are monotonic nanoseconds handed in."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.core.codes import Code
from engine.core.commands import Command
from engine.replies import Answer

BATCHES_MAX = 8
COMMANDS_MAX = 100
BYTES_MAX = 256 * 1024
WAITING_MAX = 2_000
COMMAND_BYTES_MAX = 16 * 1024
LEADER_SILENT_NS = 1_000_000_000
RESEND_NS = 300_000_000
# An answer sent just before not_after is still on its way just after it.
ANSWER_GRACE_NS = 250_000_000


@dataclass(slots=True, eq=False)
class Call:
    """One command on its way. not_after: ns UTC, for the leader · deadline: the same on our own clock."""

    request_id: int
    command: Command
    data: bytes
    not_after: int
    deadline: int
    answer: Callable[[Answer], None]
    sends: int = 0
    first_epoch: int = 0
    sent_at: int = 0
    flight: "Flight | None" = None


@dataclass(slots=True, eq=False)
class Flight:
    """A frame under way: how many of its commands are unanswered, and its bytes."""

    open: int
    size: int


class Flights:
    """Coalesces without a timer: with nothing in flight a command leaves at once, what arrives meanwhile
    leaves as the next frame; a full frame leaves while the limits allow."""

    def __init__(self, now: int) -> None:
        self._waiting: deque[Call] = deque()
        self._open: dict[int, Call] = {}
        self._frames = 0
        self._bytes = 0
        # The first second counts as heard: a new process waits for its first announcement.
        self._heard_at = now
        self.epoch = 0

    def admit(self, calls: list[Call], now: int) -> Code | None:
        """Take the calls, all or none; the code says why not."""
        if self.is_silent(now):
            return Code.NO_LEADER
        if len(self._waiting) + len(calls) > WAITING_MAX:
            return Code.BUSY
        self._waiting.extend(calls)
        return None

    def is_silent(self, now: int) -> bool:
        """True when no leader was heard for a second."""
        return now - self._heard_at > LEADER_SILENT_NS

    def heard(self, epoch: int, now: int) -> bool:
        """The leader of `epoch` spoke; True when it is a new one. An older one is not listened to."""
        if epoch < self.epoch:
            return False
        is_new, self.epoch, self._heard_at = epoch > self.epoch, epoch, now
        return is_new

    def departures(self, now: int) -> list[list[Call]]:
        """Frames that leave now; each is counted as in flight until all its commands are answered."""
        frames = []
        while self._may_depart(now):
            frame, size = self._frame_fill()
            if not frame:
                break
            self._frames += 1
            self._bytes += size
            flight = Flight(len(frame), size)
            for call in frame:
                call.flight = flight
                self._open[call.request_id] = call
            self._mark_sent(frame, now)
            frames.append(frame)
        return frames

    def _may_depart(self, now: int) -> bool:
        if not self._waiting or not self.epoch or self._frames >= BATCHES_MAX or self.is_silent(now):
            return False
        return self._frames == 0 or len(self._waiting) >= COMMANDS_MAX

    def _frame_fill(self) -> tuple[list[Call], int]:
        frame: list[Call] = []
        size = 0
        while self._waiting and len(frame) < COMMANDS_MAX:
            if self._bytes + size + len(self._waiting[0].data) > BYTES_MAX:
                break
            call = self._waiting.popleft()
            size += len(call.data)
            frame.append(call)
        return frame, size

    def _mark_sent(self, frame: Iterable[Call], now: int) -> None:
        for call in frame:
            call.sends += 1
            call.sent_at = now
            call.first_epoch = call.first_epoch or self.epoch

    def resends(self, now: int, *, all_open: bool = False) -> list[list[Call]]:
        """Frames of unanswered commands to be sent again, with their ids; all at once for a new leader."""
        if self.is_silent(now):
            return []
        due = [
            call for call in self._open.values()
            if now <= call.deadline and (all_open or now - call.sent_at >= RESEND_NS)
        ]  # fmt: skip
        self._mark_sent(due, now)
        return [due[i : i + COMMANDS_MAX] for i in range(0, len(due), COMMANDS_MAX)]

    def answered(self, epoch: int, answers: Iterable[tuple[int, Answer]]) -> list[tuple[Call, Answer]]:
        """The calls these answers end; repeated answers end nothing."""
        ended: list[tuple[Call, Answer]] = []
        for request_id, answer in answers:
            call = self._open.get(request_id)
            is_stale = isinstance(answer, Code) and epoch < self.epoch
            # A reply is a fact whoever brings it; a refusal by one who no longer leads is none.
            if call is not None and not is_stale:
                self._close(call)
                ended.append((call, self._judged(call, epoch, answer)))
        return ended

    @staticmethod
    def _judged(call: Call, epoch: int, answer: Answer) -> Answer:
        """A leader speaks for itself: what it never saw, the one before it may have carried out."""
        if isinstance(answer, Code) and call.sends > 1 and call.first_epoch != epoch:
            return Code.OUTCOME_UNKNOWN
        return answer

    def _close(self, call: Call) -> None:
        del self._open[call.request_id]
        flight = call.flight
        if flight is None:
            return
        flight.open -= 1
        if not flight.open:
            self._frames -= 1
            self._bytes -= flight.size

    def overdue(self, now: int) -> list[tuple[Call, Answer]]:
        """Calls to be given up: those never sent surely did nothing, of the others nobody knows."""
        ended: list[tuple[Call, Answer]] = []
        if self.is_silent(now):
            ended.extend((call, Code.NO_LEADER) for call in self._waiting)
            self._waiting.clear()
        elif any(now > call.deadline for call in self._waiting):
            late = Code.BUSY if self.epoch else Code.NO_LEADER
            ended.extend((call, late) for call in self._waiting if now > call.deadline)
            self._waiting = deque(call for call in self._waiting if now <= call.deadline)
        for call in [call for call in self._open.values() if now > call.deadline + ANSWER_GRACE_NS]:
            self._close(call)
            ended.append((call, Code.OUTCOME_UNKNOWN))
        return ended

    @property
    def is_idle(self) -> bool:
        return not self._open and not self._waiting

    @property
    def in_flight(self) -> int:
        """Frames under way."""
        return self._frames

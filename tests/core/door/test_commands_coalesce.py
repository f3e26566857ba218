"""The door coalesces without a timer, within its limits, and says exactly what it knows about each command."""

from engine.core import terms
from engine.core.codes import Code
from engine.core.commands import OrderCancel
from engine.core.events import TimeAdvanced
from engine.door.flight import (
    ANSWER_GRACE_NS,
    BATCHES_MAX,
    BYTES_MAX,
    COMMANDS_MAX,
    LEADER_SILENT_NS,
    RESEND_NS,
    WAITING_MAX,
    Call,
    Flights,
)
from engine.replies import Answer, Reply

SECOND = 1_000_000_000
REPLY = Reply(7, 1, 0, TimeAdvanced(), 0, terms.LIVE, 0, 0)


def calls_make(count: int, *, first_id: int = 1, size: int = 100, deadline: int = 2 * SECOND) -> list[Call]:
    command = OrderCancel(1, terms.SCOPE_TRADE, 1)
    return [
        Call(first_id + i, command, bytes(size), deadline, deadline, lambda answer: None)
        for i in range(count)
    ]


def flights_led(epoch: int = 1) -> Flights:
    flights = Flights(0)
    flights.heard(epoch, 0)
    return flights


def ids(frames: list[list[Call]]) -> list[list[int]]:
    return [[call.request_id for call in frame] for frame in frames]


def answers(frame: list[Call], answer: Answer = REPLY) -> list[tuple[int, Answer]]:
    return [(call.request_id, answer) for call in frame]


def test_with_nothing_in_flight_a_command_leaves_at_once() -> None:
    flights = flights_led()
    assert flights.admit(calls_make(1), 0) is None
    assert ids(flights.departures(0)) == [[1]]


def test_what_arrives_meanwhile_leaves_as_the_next_frame() -> None:
    flights = flights_led()
    flights.admit(calls_make(1), 0)
    (first,) = flights.departures(0)
    flights.admit(calls_make(2, first_id=2), 0)
    flights.admit(calls_make(1, first_id=4), 0)
    assert flights.departures(0) == []
    flights.answered(1, answers(first))
    assert ids(flights.departures(0)) == [[2, 3, 4]]


def test_full_frames_leave_until_eight_are_under_way() -> None:
    flights = flights_led()
    flights.admit(calls_make(1_000), 0)
    frames = flights.departures(0)
    assert [len(frame) for frame in frames] == [COMMANDS_MAX] * BATCHES_MAX
    assert flights.departures(0) == []
    flights.answered(1, answers(frames[3]))
    assert [len(frame) for frame in flights.departures(0)] == [COMMANDS_MAX]


def test_no_more_bytes_are_under_way_than_the_limit() -> None:
    flights = flights_led()
    flights.admit(calls_make(300, size=2_000), 0)
    sizes = [sum(len(call.data) for call in frame) for frame in flights.departures(0)]
    assert sizes == [200_000, 62_000]
    assert sum(sizes) <= BYTES_MAX


def test_beyond_the_waiting_limit_the_door_is_busy_and_takes_none_of_them() -> None:
    flights = Flights(0)
    assert flights.admit(calls_make(WAITING_MAX - 1), 0) is None
    assert flights.admit(calls_make(2, first_id=WAITING_MAX), 0) == Code.BUSY
    assert flights.admit(calls_make(1, first_id=WAITING_MAX + 2), 0) is None


def test_after_a_silent_second_nothing_is_taken_and_what_waits_is_surely_unsent() -> None:
    flights = flights_led()
    flights.admit(calls_make(2), 0)
    (sent,) = flights.departures(0)
    flights.admit(calls_make(1, first_id=3), 0)
    late = LEADER_SILENT_NS + 1
    assert flights.admit(calls_make(1, first_id=4), late) == Code.NO_LEADER
    assert [(call.request_id, answer) for call, answer in flights.overdue(late)] == [(3, Code.NO_LEADER)]
    assert [call.request_id for call in sent] == [1, 2]
    assert flights.departures(late) == []


def test_a_new_process_waits_a_second_for_its_first_announcement() -> None:
    flights = Flights(0)
    assert flights.admit(calls_make(1), SECOND // 2) is None
    assert flights.departures(SECOND // 2) == []
    assert flights.heard(4, SECOND // 2)
    assert ids(flights.departures(SECOND // 2)) == [[1]]


def test_an_unanswered_command_is_sent_again_with_its_id_until_its_time_is_over() -> None:
    flights = flights_led()
    flights.admit(calls_make(2, deadline=SECOND), 0)
    (frame,) = flights.departures(0)
    flights.answered(1, answers(frame[:1]))
    assert flights.resends(RESEND_NS - 1) == []
    assert ids(flights.resends(RESEND_NS)) == [[2]]
    assert flights.resends(RESEND_NS + 1) == []
    flights.heard(1, SECOND)
    assert flights.resends(SECOND + 1) == []
    assert flights.overdue(SECOND + ANSWER_GRACE_NS) == []
    ended = flights.overdue(SECOND + ANSWER_GRACE_NS + 1)
    assert [(call.request_id, answer) for call, answer in ended] == [(2, Code.OUTCOME_UNKNOWN)]
    assert flights.is_idle


def test_a_new_leader_is_sent_everything_unanswered_at_once() -> None:
    flights = flights_led()
    flights.admit(calls_make(2), 0)
    flights.departures(0)
    assert flights.heard(2, 1)
    assert ids(flights.resends(1, all_open=True)) == [[1, 2]]
    assert not flights.heard(1, 2), "an older leader is not listened to"
    assert flights.epoch == 2


def test_a_repeated_answer_ends_nothing() -> None:
    flights = flights_led()
    flights.admit(calls_make(1), 0)
    (frame,) = flights.departures(0)
    assert [(call.request_id, answer) for call, answer in flights.answered(1, answers(frame))] == [(1, REPLY)]
    assert flights.answered(1, answers(frame)) == []
    assert flights.in_flight == 0


def test_expired_is_believed_of_the_leader_that_was_sent_the_only_copy() -> None:
    flights = flights_led()
    flights.admit(calls_make(1), 0)
    (frame,) = flights.departures(0)
    ((_, answer),) = flights.answered(1, answers(frame, Code.EXPIRED_IN_TRANSIT))
    assert answer == Code.EXPIRED_IN_TRANSIT


def test_expired_from_a_new_leader_is_unknown_when_the_old_one_had_a_copy() -> None:
    flights = flights_led()
    flights.admit(calls_make(1), 0)
    flights.departures(0)
    flights.heard(2, 1)
    (frame,) = flights.resends(1, all_open=True)
    ((_, answer),) = flights.answered(2, answers(frame, Code.EXPIRED_IN_TRANSIT))
    assert answer == Code.OUTCOME_UNKNOWN


def test_a_refusal_by_a_leader_that_is_over_is_not_listened_to_but_its_reply_is() -> None:
    flights = flights_led()
    flights.admit(calls_make(1), 0)
    (frame,) = flights.departures(0)
    flights.heard(2, 1)
    assert flights.answered(1, answers(frame, Code.EXPIRED_IN_TRANSIT)) == []
    ((_, answer),) = flights.answered(1, answers(frame))
    assert answer == REPLY

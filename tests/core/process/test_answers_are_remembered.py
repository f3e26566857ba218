"""The leader remembers what it answered for as long as a copy of the request can still arrive, and no longer."""

import asyncio

from engine.core import terms
from engine.core.codes import Code
from engine.core.commands import AdvanceTime
from engine.process.intake import ANSWER_KEPT_NS, AnswerTable, Intake
from engine.replies import Request

SECOND = 1_000_000_000


def request(number: int) -> Request:
    return Request("gateway", number, 2 * SECOND, AdvanceTime(terms.VENUE, 0))


def test_a_request_is_known_from_its_arrival_on() -> None:
    table = AnswerTable()
    assert table.begin(("g", 1), 2 * SECOND, 0)
    assert ("g", 1) in table
    assert table.answer(("g", 1)) is None
    table.finish([(("g", 1), Code.BUSY)])
    assert table.answer(("g", 1)) == Code.BUSY
    assert ("other", 1) not in table


def test_an_answer_is_kept_until_no_copy_can_arrive() -> None:
    table = AnswerTable()
    table.begin(("g", 1), 2 * SECOND, 0)
    table.finish([(("g", 1), Code.BUSY)])
    table.forget_old(2 * SECOND + ANSWER_KEPT_NS - 1)
    assert ("g", 1) in table
    table.forget_old(2 * SECOND + ANSWER_KEPT_NS)
    assert ("g", 1) not in table


def test_what_is_being_sequenced_is_never_forgotten() -> None:
    table = AnswerTable()
    table.begin(("g", 1), 2 * SECOND, 0)
    table.forget_old(100 * SECOND)
    assert ("g", 1) in table


def test_a_full_table_takes_no_more_rather_than_forget() -> None:
    table = AnswerTable(answers_max=2)
    assert table.begin(("g", 1), 2 * SECOND, 0)
    assert table.begin(("g", 2), 2 * SECOND, 0)
    assert not table.begin(("g", 3), 2 * SECOND, 0)
    table.finish([(("g", 1), Code.BUSY)])
    assert table.begin(("g", 3), 30 * SECOND, 12 * SECOND)
    assert ("g", 1) not in table


def test_what_took_no_sequence_is_a_first_attempt_again() -> None:
    table = AnswerTable()
    table.begin(("g", 1), 2 * SECOND, 0)
    table.forget([("g", 1)])
    assert ("g", 1) not in table


async def test_the_intake_is_bounded_and_keeps_the_order() -> None:
    intake = Intake(waiting_max=3)
    assert [intake.put(request(number)) for number in range(5)] == [True, True, True, False, False]
    await asyncio.wait_for(intake.arrived(), 1)
    assert [taken.request_id for taken in intake.take(2)] == [0, 1]
    assert intake.put(request(9))
    assert [taken.request_id for taken in intake.take(10)] == [2, 9]
    assert len(intake) == 0

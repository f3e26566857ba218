"""The end of a trading day and the opening of the next, step by step through the door (trading-rules.md §8).
Called by `manage.py day`; any call may be killed and repeated: the engine takes each step once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeVar

from django.db import transaction
from django.utils import timezone

from accounts.http.envelope import ApiError
from engine.border import NumberRefused, to_units
from engine.core import terms
from engine.core.codes import Code
from engine.core.commands import Command, DayOpen, DayStep, SettlementPriceSet
from engine.core.events import DayStepDone, Rejected
from engine.core.views import InstrumentView
from engine.door import DoorError, Reply, door
from engine.live import LiveRebuilding, live
from market.calculations import P4_SCALE
from market.calendar import date_of, trading_day_after, yyyymmdd
from market.directory import directory
from settlement.day_selectors import DayState, day_state, is_settled
from settlement.locks import day_lock
from settlement.models import SettlementRun
from trading.errors import rejected_error

logger = logging.getLogger(__name__)

T = TypeVar("T")
State = SettlementRun.State
Clock = Callable[[], datetime]

COMMAND_TIMEOUT_S: Final = 5.0
PATIENCE_S: Final = 30.0
PAUSE_S: Final = 0.02
# Two commands a chunk of terms.CHUNK accounts or orders, for six steps, with room.
ROUNDS_MAX: Final = 100_000


def day_roll(
    *,
    confirm: bool,
    next_trading_day: int | None = None,
    started_by: int | None = None,
    clock: Clock = timezone.now,
) -> SettlementRun:
    """End the trading day and open the next: begin a run, or go on with the one under way.

    Without `confirm` the run stops, WAITING, while a settlement price is neither typed nor confirmed; with it
    the proposed ones are confirmed. `next_trading_day` is the next weekday unless it is given.
    ApiError: STATE_CONFLICT while somebody else drives the day, TRADING_DAY_INVALID, or what the engine
    refused; DoorError or LiveRebuilding when the venue stays silent for PATIENCE_S. The run goes on when this
    is called again."""
    with day_lock() as held:
        if not held:
            raise ApiError(Code.STATE_CONFLICT, field="day", value="somebody else drives the day")
        run = _run_begin(next_trading_day, started_by, clock())
        if run.state != State.DONE:
            _run_drive(run, confirm, clock)
    return run


def next_day(trading_day: int) -> int:
    """The next weekday after a trading day, both YYYYMMDD."""
    return yyyymmdd(trading_day_after(date_of(trading_day)))


# ---- the run's row -----------------------------------------------------------------------------------


def _run_begin(wished: int | None, started_by: int | None, now: datetime) -> SettlementRun:
    """The unfinished run, else a new one of the day that is open."""
    day = _patiently(day_state)
    with transaction.atomic():
        run = SettlementRun.objects.select_for_update().exclude(state=State.DONE).first()
        if run is not None and run.trading_day < day.trading_day:
            # It was killed between the opening of the next day and its last word.
            _run_done(run, now)
            return run
        following = _following(day, wished, run)
        if SettlementRun.objects.filter(trading_day=day.trading_day, state=State.DONE).exists():
            raise ApiError(Code.STATE_CONFLICT, field="day", value=f"{day.trading_day} is settled")
        if run is None:
            return SettlementRun.objects.create(
                trading_day=day.trading_day,
                next_trading_day=following,
                run_id=day.trading_day,
                started_by_id=started_by,
                started_at=now,
            )
        run.next_trading_day = following
        run.state, run.code, run.refusal = State.RUNNING, None, ""
        run.save()
        return run


def _following(day: DayState, wished: int | None, run: SettlementRun | None) -> int:
    """The day to open, checked; TRADING_DAY_INVALID."""
    if not day.trading_day:
        raise ApiError(Code.TRADING_DAY_INVALID, "trading_day", "a first trading day", 0)
    if wished is None:
        return run.next_trading_day if run else next_day(day.trading_day)
    try:
        date_of(wished)
    except ValueError:
        raise ApiError(Code.TRADING_DAY_INVALID, "trading_day", day.trading_day, wished) from None
    if wished <= day.trading_day:
        raise ApiError(Code.TRADING_DAY_INVALID, "trading_day", day.trading_day, wished)
    return wished


def _run_done(run: SettlementRun, now: datetime) -> None:
    run.state, run.step, run.cursor = State.DONE, SettlementRun.Step.CHECKED, 0
    run.finished_at = now
    run.save()
    logger.info("trading day %s is settled, %s is open", run.trading_day, run.next_trading_day)


def _run_fail(run: SettlementRun, error: ApiError) -> ApiError:
    """Note the refusal on the row; the error to raise."""
    run.state, run.code, run.refusal = State.FAILED, int(error.code), str(error)[:200]
    run.save()
    logger.error("the day's run of %s stopped: %s", run.trading_day, error)
    return error


# ---- the steps ---------------------------------------------------------------------------------------


def _run_drive(run: SettlementRun, confirm: bool, clock: Clock) -> None:
    """Step after step until the next day is open, or prices are missing."""
    _place_find(run)
    for _ in range(ROUNDS_MAX):
        if run.step == terms.STEP_CHECKED:
            _day_open(run)
            _run_done(run, clock())
            return
        if run.step == terms.STEP_EXPIRED and not run.cursor and not _prices_ready(run, confirm):
            run.state = State.WAITING
            run.save()
            return
        _step_send(run)
        run.save()
    raise _run_fail(run, ApiError(Code.DAY_STEP_ORDER, "step", ROUNDS_MAX, run.step))


def _place_find(run: SettlementRun) -> None:
    """Ask the engine which step is due: the row is behind when the last driver was killed. STEP_OPEN is never
    due, so the question changes nothing; its refusal is the answer."""
    event = _command(run, _step(run, terms.STEP_OPEN)).event
    if isinstance(event, Rejected):
        _step_refused(run, event)


def _step_send(run: SettlementRun) -> None:
    """One chunk of the step that is due. The answer tells that it was done; where the next one begins the
    engine says by refusing the same chunk a second time."""
    command = _step(run, run.step + 1)
    event = _command(run, command).event
    if isinstance(event, DayStepDone) and not event.finished:
        event = _command(run, command).event
    if isinstance(event, DayStepDone):
        run.step, run.cursor = event.step, event.cursor
    elif isinstance(event, Rejected):
        _step_refused(run, event)


def _step(run: SettlementRun, step: int) -> DayStep:
    return DayStep(terms.VENUE, terms.SCOPE_OPERATE, run.run_id, step, run.cursor)


def _step_refused(run: SettlementRun, event: Rejected) -> None:
    """Take over where the engine says it is; everything else ends the run."""
    if event.code == Code.DAY_CURSOR:
        run.cursor = event.limit
    elif event.code == Code.DAY_STEP_ORDER and event.field == "run_id":
        run.run_id = event.limit
    elif event.code == Code.DAY_STEP_ORDER and event.limit > run.step:
        run.step, run.cursor = event.limit - 1, 0
    else:
        raise _run_fail(run, rejected_error(event, directory().spec_known))


def _day_open(run: SettlementRun) -> None:
    """Open the next day; a repeat finds it open."""
    event = _command(run, DayOpen(terms.VENUE, terms.SCOPE_OPERATE, run.next_trading_day)).event
    if not isinstance(event, Rejected):
        return
    is_open = event.code == Code.DAY_STEP_ORDER and event.value == terms.STEP_OPEN
    if not is_open:
        raise _run_fail(run, rejected_error(event, directory().spec_known))


# ---- settlement prices -------------------------------------------------------------------------------


def settlement_price_set(*, instrument: str, price: Decimal | None) -> None:
    """Type a settlement price, or (None) confirm the proposed one, while the run waits for it.

    ApiError: INSTRUMENT_NOT_FOUND, NUMBER_INVALID, SETTLEMENT_PRICE_INVALID outside the day's limits,
    DAY_STEP_ORDER when no price is asked for."""
    view = _patiently(lambda: directory().find_sync(instrument))
    units = 0
    if price is not None:
        try:
            units = to_units(price, P4_SCALE, "price")
        except NumberRefused as error:
            raise ApiError(Code.NUMBER_INVALID, field="price", limit=error.reason) from None
        if units <= 0:
            raise ApiError(Code.SETTLEMENT_PRICE_INVALID, field="price", limit="> 0", value=price)
    event = _send(_price_command(view, units)).event
    if isinstance(event, Rejected):
        raise rejected_error(event, directory().spec_known)


def _price_command(view: InstrumentView, units: int) -> SettlementPriceSet:
    return SettlementPriceSet(terms.VENUE, terms.SCOPE_OPERATE, view.spec.instrument, units)


def _prices_ready(run: SettlementRun, confirm: bool) -> bool:
    """True when every price is confirmed, those proposed by this call included."""
    missing = [view for view in _instruments_at(run.seq or 0) if not view.settlement_confirmed]
    if missing and not confirm:
        return False
    for view in missing:
        event = _command(run, _price_command(view, 0)).event
        if isinstance(event, Rejected):
            raise _run_fail(run, rejected_error(event, directory().spec_known))
    return True


def _instruments_at(seq: int) -> list[InstrumentView]:
    """The futures to settle as they are at `seq` or later."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = _patiently(lambda: live().instruments())
        if found.seq >= seq:
            return [view for view in found.value if is_settled(view)]
        if time.monotonic() > deadline:
            raise LiveRebuilding(f"live state stays at {found.seq}, {seq} is answered")
        time.sleep(PAUSE_S)


# ---- through the door --------------------------------------------------------------------------------


def _command(run: SettlementRun, command: Command) -> Reply:
    reply = _send(command)
    run.seq = reply.seq
    return reply


def _send(command: Command) -> Reply:
    return _patiently(lambda: door().call_sync(command, timeout=COMMAND_TIMEOUT_S))


def _patiently(ask: Callable[[], T]) -> T:
    """Ask again while the venue changes leaders or rebuilds live state: no command of the day has an effect
    twice. Raises what it was refused with after PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return ask()
        except (DoorError, LiveRebuilding) as error:
            if time.monotonic() > deadline:
                raise
            logger.warning("the day waits: %s", error)
        time.sleep(PAUSE_S)

"""Which lots a close takes, and what it freezes, by each exchange's rule (trading-rules.md §4, P9).
Run by pytest in the core tier; needs no service."""

from dataclasses import replace

import pytest

from engine.core import terms
from engine.core.codes import Code
from tests.model.market import copper, futures_rates, meal, rebar, sugar
from tests.model.scenario import Scenario

BUY, SELL = terms.BUY, terms.SELL
OPEN, CLOSE, CLOSETODAY = terms.OPEN, terms.CLOSE, terms.CLOSETODAY
CU, RB, M, SR = "SHFE.cu2512", "SHFE.rb2601", "DCE.m2601", "CZCE.SR601"
SPECS = {CU: copper(), RB: rebar(), M: meal(), SR: sugar()}
PRICE = {CU: 70_000, RB: 3_500, M: 2_800, SR: 5_500}


def two_days(name: str, side: int = BUY) -> Scenario:
    """3 history lots (opened one tick apart) and 2 of today on one side, no fees."""
    venue = Scenario(replace(SPECS[name], rates=futures_rates()))
    venue.account(1, "10000000")
    tick = SPECS[name].tick_units
    venue.filled(1, side, name, 1, PRICE[name])
    venue.filled(1, side, name, 2, PRICE[name] + tick)
    venue.day_end({name: str(PRICE[name])})
    venue.filled(1, side, name, 2, PRICE[name] + 2 * tick)
    return venue


def lots(venue: Scenario, name: str, side: int) -> tuple[int, int]:
    """(today, history) of one side."""
    long_today, long_history, short_today, short_history = venue.lots(1, name)
    return (long_today, long_history) if side == BUY else (short_today, short_history)


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize(
    ("name", "offset", "volume", "today", "history"),
    [
        (CU, CLOSE, 2, 2, 1),
        (CU, CLOSETODAY, 2, 0, 3),
        (M, CLOSE, 2, 2, 1),
        (M, CLOSE, 4, 1, 0),
        (M, CLOSETODAY, 4, 1, 0),  # closetoday_alias: CLOSE by another name
        (SR, CLOSE, 1, 1, 3),
        (SR, CLOSE, 4, 0, 1),
    ],
)
def test_the_lots_a_close_takes(
    name: str, offset: int, volume: int, today: int, history: int, side: int
) -> None:
    venue = two_days(name, side)
    answer = venue.filled(1, -side, name, volume, PRICE[name], offset=offset)
    assert lots(venue, name, side) == (today, history)
    trade = answer.trades[0]
    closed_today = trade.sell_closed_today if side == BUY else trade.buy_closed_today
    assert closed_today == 2 - today


def test_close_profit_by_day_is_against_the_settlement_price_for_history() -> None:
    venue = two_days(M)
    trade = venue.filled(1, SELL, M, 4, 2_810, offset=CLOSE).trades[0]
    # 3 history lots at 2,800 and 1 of today at 2,802, × 10
    assert trade.sell_close_profit == (3 * 10 + 8) * 10 * 10_000
    assert venue.funds(1).float_profit == 80  # the last lot, opened at 2,802, at the mark 2,810


@pytest.mark.parametrize(
    ("name", "offset", "most", "code"),
    [
        (CU, CLOSE, 3, Code.INSUFFICIENT_POSITION_HISTORY),
        (CU, CLOSETODAY, 2, Code.INSUFFICIENT_POSITION_TODAY),
        (M, CLOSE, 5, Code.INSUFFICIENT_POSITION),
        (SR, CLOSE, 5, Code.INSUFFICIENT_POSITION),
    ],
)
def test_no_more_than_the_bucket_can_be_closed(name: str, offset: int, most: int, code: Code) -> None:
    venue = two_days(name)
    refused = venue.sell(1, name, most + 1, PRICE[name] * 21 // 20, offset=offset)
    assert (refused.code, refused.rejected.limit, refused.rejected.value) == (code, most, most + 1)
    assert lots(venue, name, BUY) == (2, 3)
    assert venue.sell(1, name, most, PRICE[name] * 21 // 20, offset=offset).code == Code.OK
    assert venue.sell(1, name, 1, PRICE[name] * 21 // 20, offset=offset).code == code


@pytest.mark.parametrize(
    ("name", "offset", "volume", "frozen"),
    [
        (CU, CLOSE, 2, (0, 2)),
        (CU, CLOSETODAY, 1, (1, 0)),
        (M, CLOSE, 2, (0, 2)),
        (M, CLOSE, 4, (1, 3)),
        (SR, CLOSE, 1, (1, 0)),
        (SR, CLOSE, 4, (2, 2)),
    ],
)
def test_frozen_lots_are_shown_by_the_rule_and_return_with_a_cancel(
    name: str, offset: int, volume: int, frozen: tuple[int, int]
) -> None:
    venue = two_days(name)
    order = venue.sell(1, name, volume, PRICE[name] * 21 // 20, offset=offset)
    position = venue.position(1, name)
    assert (position.long_frozen_today, position.long_frozen_history) == frozen
    assert venue.funds(1).frozen_margin == 0
    venue.cancel(1, order.seq)
    position = venue.position(1, name)
    assert (position.long_frozen_today, position.long_frozen_history) == (0, 0)


def test_explicit_lots_frozen_as_today_do_not_block_history() -> None:
    venue = two_days(CU)
    assert venue.sell(1, CU, 2, 73_000, offset=CLOSETODAY).code == Code.OK
    assert venue.sell(1, CU, 3, 73_000, offset=CLOSE).code == Code.OK
    assert venue.sell(1, CU, 1, 73_000, offset=CLOSE).code == Code.INSUFFICIENT_POSITION_HISTORY


@pytest.mark.parametrize("name", [SR])
def test_closetoday_needs_explicit_or_the_alias(name: str) -> None:
    venue = two_days(name)
    assert venue.sell(1, name, 1, PRICE[name], offset=CLOSETODAY).code == Code.OFFSET_NOT_SUPPORTED


def test_both_sides_may_be_held_at_once() -> None:
    venue = two_days(RB)
    venue.filled(1, SELL, RB, 4, 3_500)
    assert venue.lots(1, RB) == (2, 3, 4, 0)
    assert venue.engine.instrument_view(RB).open_interest == 9

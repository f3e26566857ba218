"""The house's fair price, ladder and offsets: bounded, never crossed, closing before opening.
Run by pytest in the core tier; no venue, no network."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.demo.makers.fair import MILLI, Fair
from exchange.demo.makers.holding import BUY, SELL, Holding, offset_choose
from exchange.demo.makers.ladder import LEVELS, SLACK, Resting, Rung, Style, ladder_changes, rungs_wanted

STYLES = st.builds(Style, shift=st.integers(0, 3), half_spread=st.integers(0, 2_000))


NARROW = Style(shift=0, half_spread=500)


def wanted(fair: int, spacing: int, style: Style = NARROW, **fields: int) -> list[Rung]:
    limits = {"net": 0, "net_max": 10, "lower": 0, "upper": 0} | fields
    return rungs_wanted(fair, spacing, style, **limits)


def prices(rungs: list[Rung], side: int) -> list[int]:
    return [rung.price for rung in rungs if rung.side == side]


# ---- the fair price ----------------------------------------------------------------------------------


def test_walk_is_the_same_for_the_same_seed() -> None:
    first, second = (Fair(23_000, 150, Random(7)) for _ in range(2))
    for _ in range(1_000):
        first.step()
        second.step()
    assert first.milli == second.milli != 23_000 * MILLI


@given(seed=st.integers(0, 2**32), start=st.integers(10, 10**6), volatility=st.integers(1, 5_000))
def test_walk_stays_inside_the_days_limits(seed: int, start: int, volatility: int) -> None:
    fair = Fair(start, volatility, Random(seed))
    lower, upper = start * 9 // 10, start * 11 // 10 + 1
    fair.anchor_set(start, lower, upper)
    for _ in range(200):
        fair.step()
        fair.pushed(BUY, 10**6, 1)
        assert lower <= fair.ticks <= upper


def test_buyers_push_the_price_up_and_sellers_down() -> None:
    fair = Fair(23_000, 150, Random(1))
    fair.pushed(BUY, 2, 2)
    assert fair.milli > 23_000 * MILLI
    fair.pushed(SELL, 2, 2)
    fair.pushed(SELL, 2, 2)
    assert fair.milli < 23_000 * MILLI


def test_new_limits_pull_a_price_that_lies_outside_back_in() -> None:
    fair = Fair(23_000, 150, Random(1))
    fair.anchor_set(20_000, 18_000, 22_000)
    assert fair.ticks == 21_800


# ---- the ladder --------------------------------------------------------------------------------------


def test_ladder_has_five_levels_a_side_around_the_fair_price() -> None:
    rungs = wanted(23_000_400, 1)
    assert prices(rungs, BUY) == [22_999, 22_998, 22_997, 22_996, 22_995]
    assert prices(rungs, SELL) == [23_001, 23_002, 23_003, 23_004, 23_005]


def test_grid_is_fixed_so_that_a_small_move_moves_nothing() -> None:
    assert wanted(900_040_000, 76) == wanted(900_045_000, 76)


@given(fair=st.integers(MILLI, 10**10), spacing=st.integers(1, 500), style=STYLES, net=st.integers(-50, 50))
def test_ladder_never_crosses_itself_and_stops_at_the_holding_limit(
    fair: int, spacing: int, style: Style, net: int
) -> None:
    rungs = wanted(fair, spacing, style, net=net)
    bids, asks = prices(rungs, BUY), prices(rungs, SELL)
    assert len(bids) <= LEVELS
    assert len(asks) <= LEVELS
    assert not bids or not asks or max(bids) < min(asks)
    assert all(rung.price >= 1 for rung in rungs)
    assert net < 10 or not bids
    assert net > -10 or not asks


@given(fair=st.integers(10**6, 10**8), lower=st.integers(1, 50_000), width=st.integers(1, 10_000))
def test_ladder_keeps_the_price_limits(fair: int, lower: int, width: int) -> None:
    assert all(
        lower <= rung.price <= lower + width for rung in wanted(fair, 3, lower=lower, upper=lower + width)
    )


def test_a_long_holding_shifts_both_sides_down() -> None:
    flat, long = wanted(23_000_400, 1), wanted(23_000_400, 1, net=5)
    assert max(prices(long, BUY)) < max(prices(flat, BUY))
    assert min(prices(long, SELL)) < min(prices(flat, SELL))


def test_changes_are_only_what_differs() -> None:
    rungs = wanted(23_000_400, 1)
    resting = [Resting(str(n), rung.side, rung.price, 1) for n, rung in enumerate(rungs)]
    assert ladder_changes(rungs, resting, 1) == ([], [])

    higher = wanted(23_001_400, 1)
    cancels, missing = ladder_changes(higher, resting, 1)

    assert [(order.side, order.price) for order in cancels] == [(SELL, 23_001)]
    assert missing == [Rung(BUY, 23_000), Rung(SELL, 23_006)]


def test_an_order_far_behind_or_a_second_time_at_a_price_is_cancelled() -> None:
    rungs = wanted(23_000_400, 1)
    last = min(prices(rungs, BUY))
    resting = [
        Resting("stays", BUY, last - SLACK, 1),
        Resting("far", BUY, last - SLACK - 1, 1),
        Resting("first", BUY, last, 1),
        Resting("twice", BUY, last, 1),
    ]
    cancels, _ = ladder_changes(rungs, resting, 1)
    assert [order.order_id for order in cancels] == ["twice", "far"]


# ---- offsets -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("holding", "side", "lots", "is_explicit", "chosen"),
    [
        (Holding(), BUY, 5, True, ("OPEN", 5)),
        (Holding(short_history=3, short_today=4, short=7), BUY, 5, True, ("CLOSE", 3)),
        (Holding(short_today=4, short=4), BUY, 5, True, ("CLOSETODAY", 4)),
        (Holding(short_history=3, short_today=4, short=7), BUY, 5, False, ("CLOSE", 5)),
        (Holding(long_history=3, long_today=4, long=7), SELL, 9, False, ("CLOSE", 7)),
        (Holding(long_history=3, long_today=4, long=7), BUY, 2, True, ("OPEN", 2)),
        (Holding(short=7), BUY, 2, True, ("OPEN", 2)),
    ],
)
def test_what_can_be_closed_is_closed_by_the_exchanges_rule(
    holding: Holding, side: int, lots: int, is_explicit: bool, chosen: tuple[str, int]
) -> None:
    assert offset_choose(holding, side, lots, is_explicit) == chosen


@given(
    history=st.integers(0, 20), today=st.integers(0, 20), lots=st.integers(1, 30), is_explicit=st.booleans()
)
def test_orders_of_one_round_never_close_more_than_there_is(
    history: int, today: int, lots: int, is_explicit: bool
) -> None:
    holding = Holding(long_history=history, long_today=today, long=history + today)
    closed = 0
    for _ in range(60):
        offset, volume = offset_choose(holding, SELL, lots, is_explicit)
        if offset == "OPEN":
            break
        closed += volume
        holding = holding.without(SELL, offset, volume, is_explicit)
    assert closed == history + today
    assert holding.closable(SELL) == (0, 0)

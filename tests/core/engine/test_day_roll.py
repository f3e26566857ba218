"""The end of the day: each step in its order, once, in chunks, and what survives it (trading-rules.md §8, P10).
Run by pytest in the core tier; needs no service."""

from dataclasses import replace
from decimal import Decimal

import pytest

from engine.core import commands as c
from engine.core import terms
from engine.core.codes import Code
from engine.core.engine import Engine
from engine.core.events import AccountSettled, DayStepDone, OrderEnded, Rejected, SettlementPrice
from engine.messages import wire_encode
from tests.model.market import (
    FIRST_DAY,
    OPERATE,
    PERCENT,
    TRADER,
    futures_rates,
    index_future,
    rebar,
    solana,
)
from tests.model.scenario import Scenario

BUY, SELL = terms.BUY, terms.SELL
RB, CU, IF, SOL = "SHFE.rb2601", "SHFE.cu2512", "CFFEX.IF2512", "SPOT.SOL_USDC"
STEPS = range(terms.STEP_CLOSED, terms.STEP_CHECKED + 1)


@pytest.fixture
def venue() -> Scenario:
    venue = Scenario(rebar(), solana())
    venue.account(1, "1000000", USDC="1000")
    venue.account(2, "1000000", SOL="10")
    return venue


def confirm(venue: Scenario, *names: str) -> None:
    for name in names:
        assert venue.send(c.SettlementPriceSet(0, OPERATE, name, 0)).code == Code.OK


def test_day_orders_expire_and_good_till_cancelled_ones_stay(venue: Scenario) -> None:
    day = venue.buy(1, RB, 1, 3_400)
    kept = venue.buy(1, RB, 1, 3_400, time_in_force=terms.GTC)
    spot = venue.buy(1, SOL, 1, "20.00")
    kept_spot = venue.buy(1, SOL, 1, "20.00", time_in_force=terms.GTC)
    venue.step(terms.STEP_CLOSED, 1)
    answer = venue.step(terms.STEP_EXPIRED, 1)
    ended = [(e.order_id, e.status, e.code) for e in answer.events if isinstance(e, OrderEnded)]
    assert ended == [
        (day.seq, terms.EXPIRED, Code.DAY_ENDED),
        (spot.seq, terms.EXPIRED, Code.DAY_ENDED),
    ]
    assert list(venue.engine.orders) == [kept.seq, kept_spot.seq]


def test_a_surviving_order_keeps_its_place(venue: Scenario) -> None:
    first = venue.buy(1, RB, 1, 3_400, time_in_force=terms.GTC)
    venue.day_end({})
    venue.buy(2, RB, 1, 3_400)
    assert venue.sell(9_001, RB, 1, 3_400).trades[0].buy_order_id == first.seq
    assert venue.funds(1).margin == 3_400


def test_a_surviving_order_that_no_longer_passes_is_cancelled_with_its_code(venue: Scenario) -> None:
    """The limits move away from one, the margin rises above the money of the other."""
    off_limits = venue.buy(1, RB, 1, 3_160, time_in_force=terms.GTC)
    venue.account(3, "12000")
    dear = venue.buy(3, RB, 3, 3_600, time_in_force=terms.GTC)
    venue.sell(2, RB, 1, 3_650, time_in_force=terms.GTC)
    venue.send(c.InstrumentRatesSet(0, OPERATE, RB, futures_rates(margin_long_ratio=12 * PERCENT)))
    venue.step(terms.STEP_CLOSED, 1)
    venue.step(terms.STEP_EXPIRED, 1)
    venue.send(c.SettlementPriceSet(0, OPERATE, RB, 3_640 * 10_000))
    venue.step(terms.STEP_SETTLED, 1)
    venue.step(terms.STEP_RATED, 1)
    answer = venue.step(terms.STEP_REVALIDATED, 1)
    ended = {e.order_id: (e.status, e.code) for e in answer.events if isinstance(e, OrderEnded)}
    assert ended == {
        off_limits.seq: (terms.CANCELLED, Code.PRICE_BELOW_LOWER_LIMIT),
        dear.seq: (terms.CANCELLED, Code.INSUFFICIENT_FUNDS),
    }
    assert venue.funds(3).frozen_margin == 0


def test_lots_frozen_as_today_become_frozen_as_history(venue: Scenario) -> None:
    venue.filled(1, BUY, RB, 3, 3_500)
    venue.day_end({RB: "3500"})
    venue.sell(1, RB, 2, 3_800, offset=terms.CLOSE, time_in_force=terms.GTC)
    venue.day_end({RB: "3500"})
    position = venue.position(1, RB)
    assert (position.long_frozen_today, position.long_frozen_history) == (0, 2)
    assert venue.sell(1, RB, 2, 3_800, offset=terms.CLOSE).rejected.limit == 1


def test_the_settlement_price_is_the_days_volume_weighted_average(venue: Scenario) -> None:
    venue.filled(1, BUY, RB, 3, 3_500)
    venue.filled(1, BUY, RB, 2, 3_511)
    answer = venue.step(terms.STEP_CLOSED, 1)
    found = [e for e in answer.events if isinstance(e, SettlementPrice)]
    assert [(e.price, e.confirmed, e.traded) for e in found] == [(3_504 * 10_000, False, True)]  # 3504.4


def test_half_a_tick_goes_up(venue: Scenario) -> None:
    venue.filled(1, BUY, RB, 1, 3_500)
    venue.filled(1, BUY, RB, 1, 3_501)
    answer = venue.step(terms.STEP_CLOSED, 1)
    assert [e.price for e in answer.events if isinstance(e, SettlementPrice)] == [3_501 * 10_000]


def test_an_index_future_settles_at_the_last_hour_with_trades() -> None:
    venue = Scenario(index_future())
    venue.account(1, "10000000")
    venue.filled(1, BUY, IF, 5, "3700.0")
    venue.later(120)
    venue.filled(1, BUY, IF, 1, "3800.0")
    venue.filled(1, BUY, IF, 2, "3801.0")
    venue.later(120)
    answer = venue.step(terms.STEP_CLOSED, 1)
    found = [e for e in answer.events if isinstance(e, SettlementPrice)]
    assert [(e.price, e.traded) for e in found] == [(38_006_000, True)]  # 3800.67 → 3800.6


def test_no_trade_settles_at_the_price_before_and_says_so(venue: Scenario) -> None:
    answer = venue.step(terms.STEP_CLOSED, 1)
    found = [e for e in answer.events if isinstance(e, SettlementPrice)]
    assert [(e.price, e.confirmed, e.traded) for e in found] == [(3_500 * 10_000, False, False)]


def test_settlement_waits_for_every_confirmed_price(venue: Scenario) -> None:
    venue.step(terms.STEP_CLOSED, 1)
    venue.step(terms.STEP_EXPIRED, 1)
    refused = venue.send(c.DayStep(0, OPERATE, 1, terms.STEP_SETTLED, 0))
    assert (refused.code, refused.rejected.limit) == (Code.SETTLEMENT_PRICE_MISSING, 1)
    confirm(venue, RB)
    venue.step(terms.STEP_SETTLED, 1)


def test_a_step_repeated_changes_nothing(venue: Scenario) -> None:
    venue.filled(1, BUY, RB, 3, 3_500)
    venue.step(terms.STEP_CLOSED, 1)
    venue.step(terms.STEP_EXPIRED, 1)
    confirm(venue, RB)
    for step in range(terms.STEP_SETTLED, terms.STEP_CHECKED + 1):
        venue.step(step, 1)
        before = venue.engine.account_view(1)
        again = venue.send(c.DayStep(0, OPERATE, 1, step, 0))
        assert again.code == Code.DAY_STEP_ORDER
        assert venue.engine.account_view(1) == before


def test_while_settling_spot_trades_and_futures_rest(venue: Scenario) -> None:
    order = venue.buy(1, RB, 1, 3_400, time_in_force=terms.GTC)
    venue.step(terms.STEP_CLOSED, 1)
    assert venue.buy(1, RB, 1, 3_400).code == Code.INSTRUMENT_PHASE
    assert venue.cancel(1, order.seq).code == Code.SETTLEMENT_RUNNING
    assert venue.deposit(1, "1").code == Code.SETTLEMENT_RUNNING
    assert venue.withdraw(1, "1").code == Code.SETTLEMENT_RUNNING
    venue.sell(2, SOL, 100, "20.00")
    assert len(venue.buy(1, SOL, 100, "20.00").trades) == 1
    assert venue.withdraw(1, "1", "USDC", terms.BOOK_SPOT).code == Code.OK


def test_a_withdrawal_refused_the_day_after_counts_as_a_deposit(venue: Scenario) -> None:
    venue.withdraw(1, "100")
    request_id = f"id-{venue.number}"
    venue.day_end({})
    assert venue.funds(1).pre_balance == 999_900
    venue.send(c.CashWithdrawEnd(0, OPERATE, 1, request_id, paid=False))
    assert venue.funds(1).balance == 1_000_000
    assert venue.engine.account_view(1).deposit == 100_0000


def test_the_days_figures_are_told_and_begin_anew(venue: Scenario) -> None:
    venue.filled(1, BUY, RB, 2, 3_500)
    venue.filled(1, SELL, RB, 1, 3_520, offset=terms.CLOSETODAY)
    venue.step(terms.STEP_CLOSED, 1)
    venue.step(terms.STEP_EXPIRED, 1)
    venue.send(c.SettlementPriceSet(0, OPERATE, RB, 3_510 * 10_000))
    answer = venue.step(terms.STEP_SETTLED, 1)
    settled = next(e for e in answer.events if isinstance(e, AccountSettled) and e.account_id == 1)
    assert (settled.close_profit, settled.position_profit, settled.balance) == (
        200_0000,
        100_0000,
        1_000_300_0000,
    )
    view = venue.engine.account_view(1)
    assert (view.pre_balance, view.deposit, view.close_profit, view.commission) == (1_000_300_0000, 0, 0, 0)
    assert venue.lots(1, RB) == (0, 1, 0, 0)
    assert venue.funds(1).balance == Decimal(1_000_300)


def test_day_counters_turn(venue: Scenario) -> None:
    venue.filled(1, BUY, RB, 2, 3_500)
    venue.sell(2, SOL, 100, "20.00")
    venue.buy(1, SOL, 100, "20.00")
    venue.day_end({RB: "3505"})
    view = venue.engine.instrument_view(RB)
    assert (view.volume, view.turnover, view.open, view.high, view.low) == (0, 0, 0, 0, 0)
    assert (view.last, view.pre_close, view.pre_settlement) == (3_500, 3_500, 3_505 * 10_000)
    assert (view.open_interest, view.pre_open_interest, view.upper, view.lower) == (2, 2, 3_855, 3_155)
    spot = venue.engine.instrument_view(SOL)
    assert (spot.volume, spot.last, spot.pre_close, spot.phase) == (0, 2_000, 2_000, terms.CONTINUOUS)


def test_orders_of_a_contracts_last_day_end() -> None:
    venue = Scenario(replace(rebar(), last_trading_day=FIRST_DAY))
    venue.account(1, "1000000")
    order = venue.buy(1, RB, 1, 3_400, time_in_force=terms.GTC)
    venue.step(terms.STEP_CLOSED, 1)
    answer = venue.step(terms.STEP_EXPIRED, 1)
    assert [e.order_id for e in answer.events if isinstance(e, OrderEnded)] == [order.seq]


def test_a_difference_in_the_books_stops_the_run(venue: Scenario) -> None:
    venue.step(terms.STEP_CLOSED, 1)
    venue.step(terms.STEP_EXPIRED, 1)
    confirm(venue, RB)
    for step in range(terms.STEP_SETTLED, terms.STEP_CHECKED):
        venue.step(step, 1)
    engine = Engine.load(venue.engine.dump())
    engine.accounts[1].pre_balance += 7
    check = c.DayStep(0, OPERATE, 1, terms.STEP_CHECKED, 0)
    event = engine.apply([check], engine.seq + 1, engine.time).events[0]
    assert isinstance(event, Rejected)
    assert (event.code, event.field, event.value) == (Code.LEDGER_UNBALANCED, "ledger CNY", -7)
    assert engine.step == terms.STEP_REVALIDATED


def crowd(count: int) -> Engine:
    """`count` accounts with a GTC and a DAY order each and, every second one, a position against its neighbour."""
    engine = Engine()
    commands: list[c.Command] = [
        c.DayOpen(0, OPERATE, FIRST_DAY),
        c.VenueSet(0, OPERATE, "init_cash_max", 10**12),
        c.InstrumentList(0, OPERATE, rebar()),
    ]
    for key in range(1, count + 1):
        side = BUY if key % 2 else SELL
        order = c.OrderSubmit(key, TRADER, key, RB, side, 0, 0, terms.DAY, 3_500, 1, "a")
        commands += [
            c.AccountOpen(key, TRADER, key, key, 100_000_0000),
            order,
            replace(order, price=3_500 - 50 * side, time_in_force=terms.GTC, client_order_id="b"),
            replace(order, price=3_500 - 60 * side, client_order_id="c"),
        ]
    engine.apply(commands, 1, 1)
    return engine


def test_long_steps_go_in_chunks_and_refuse_another_cursor() -> None:
    count = terms.CHUNK * 2 + 100
    engine = crowd(count)
    chunks: dict[int, int] = {}
    for step in STEPS:
        if step == terms.STEP_SETTLED:
            engine.apply([c.SettlementPriceSet(0, OPERATE, RB, 3_490 * 10_000)], engine.seq + 1, 2)
        while engine.step != step:
            wrong = c.DayStep(0, OPERATE, 1, step, engine.cursor + 1)
            before = wire_encode(engine.dump()[2:])
            assert isinstance(engine.apply([wrong], engine.seq + 1, 2).events[0], Rejected)
            assert wire_encode(engine.dump()[2:]) == before
            command = c.DayStep(0, OPERATE, 1, step, engine.cursor)
            events = engine.apply([command], engine.seq + 1, 2).events
            assert isinstance(events[0], DayStepDone), events[0]
            assert sum(isinstance(e, AccountSettled | OrderEnded) for e in events) <= terms.CHUNK
            chunks[step] = chunks.get(step, 0) + 1
            copy = Engine.load(engine.dump())
            assert wire_encode(copy.dump()) == wire_encode(engine.dump())
    assert chunks == {1: 1, 2: 3, 3: 3, 4: 3, 5: 3, 6: 1}
    engine.apply([c.DayOpen(0, OPERATE, FIRST_DAY + 1)], engine.seq + 1, 3)
    assert engine.check() == []
    assert len(engine.orders) == count
    assert engine.account_view(1).pre_balance == (100_000 - 100) * 10_000
    assert engine.account_view(2).pre_balance == (100_000 + 100) * 10_000

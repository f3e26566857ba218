"""Price, then time; never a crossed book; filled + left + ended = submitted (P3), and a state machine for P1–P3.
Run by pytest in the core tier; needs no service."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from engine.core import commands as c
from engine.core import terms
from engine.core.codes import Code
from engine.core.engine import Engine
from engine.core.events import OrderAccepted, OrderEnded, Trade
from tests.model.generate import START_NS, Generator
from tests.model.judge import Judge
from tests.model.market import OPERATE, TRADER, index_future, rebar, setup, sugar
from tests.model.scenario import Scenario

BUY, SELL = terms.BUY, terms.SELL
RB, IF, SR = "SHFE.rb2601", "CFFEX.IF2512", "CZCE.SR601"


def venue() -> Scenario:
    found = Scenario(rebar(), index_future(), sugar())
    for account_id in (1, 2, 3, 4):
        found.account(account_id, "10000000")
    return found


def test_better_prices_first_then_older_orders() -> None:
    v = venue()
    late_best = v.sell(1, SR, 2, 5_501).seq
    worse = v.sell(2, SR, 2, 5_503).seq
    older = v.sell(3, SR, 2, 5_502).seq
    younger = v.sell(1, SR, 2, 5_502).seq
    answer = v.buy(4, SR, 8, 5_503)
    assert [t.sell_order_id for t in answer.trades] == [late_best, older, younger, worse]
    assert [t.price for t in answer.trades] == [5_501, 5_502, 5_502, 5_503]


def test_a_partial_fill_keeps_its_place() -> None:
    v = venue()
    first, second = v.buy(1, SR, 5, 5_500).seq, v.buy(2, SR, 5, 5_500).seq
    v.sell(3, SR, 2, 5_500)
    answer = v.sell(3, SR, 4, 5_500)
    assert [(t.buy_order_id, t.volume) for t in answer.trades] == [(first, 3), (second, 1)]


def test_the_maker_rule_trades_at_the_resting_price() -> None:
    v = venue()
    v.sell(1, SR, 1, 5_490)
    assert v.buy(2, SR, 1, 5_510).trades[0].price == 5_490


@pytest.mark.parametrize(
    ("sell", "buy", "last", "price"),
    [
        (3_490, 3_510, 3_500, 3_500),  # the last price lies between: it is the middle one
        (3_490, 3_510, 3_480, 3_490),
        (3_490, 3_510, 3_520, 3_510),
        (3_500, 3_500, 3_490, 3_500),
    ],
)
def test_the_middle_of_bid_ask_and_last(sell: int, buy: int, last: int, price: int) -> None:
    v = venue()
    v.mark(RB, last)
    v.sell(1, RB, 1, sell)
    assert v.buy(2, RB, 1, buy).trades[0].price == price
    v.mark(RB, last)
    v.buy(2, RB, 1, buy)
    assert v.sell(1, RB, 1, sell).trades[0].price == price


def test_the_last_price_moves_with_every_fill() -> None:
    v = venue()
    v.mark(RB, 3_500)
    v.sell(1, RB, 1, 3_480)
    v.sell(1, RB, 1, 3_490)
    answer = v.buy(2, RB, 2, 3_495)
    assert [t.price for t in answer.trades] == [
        3_495,
        3_495,
    ]  # 3,500 is above the buy: 3,495; then 3,495 is last


def test_before_the_first_trade_the_settlement_price_stands_for_the_last() -> None:
    v = venue()
    v.sell(1, RB, 1, 3_490)
    assert v.buy(2, RB, 1, 3_510).trades[0].price == 3_500
    v.day_end({RB: "3480"})
    v.sell(1, RB, 1, 3_470)
    assert v.buy(2, RB, 1, 3_520).trades[0].price == 3_500  # the previous close, not the settlement price


def test_a_market_order_trades_at_the_resting_price_and_never_rests() -> None:
    v = venue()
    v.mark(IF, "3800.0")
    v.sell(1, IF, 1, "3810.0")
    answer = v.buy(2, IF, 3, 0, kind=terms.MARKET)
    assert [v.price(IF, t.price) for t in answer.trades] == [3_810]
    assert v.price(IF, answer.accepted.price) == 4_000 + v.price(IF, 2)  # 3810 × 1.05 = 4000.5 → 4000.4
    assert answer.ended is not None
    assert (answer.ended.status, answer.ended.left, answer.ended.code) == (terms.EXPIRED, 2, Code.NO_OPPOSITE)


def test_a_market_order_stops_at_its_protection_price() -> None:
    v = venue()
    v.sell(1, IF, 1, "3800.0")
    v.sell(1, IF, 1, "3990.2")
    answer = v.buy(2, IF, 2, 0, kind=terms.MARKET, time_in_force=terms.IOC)
    assert answer.ended is not None
    assert (answer.ended.left, answer.ended.code) == (1, Code.PROTECTION_REACHED)


def test_fill_or_kill_fills_whole_or_not_at_all() -> None:
    v = venue()
    v.sell(1, RB, 3, 3_500)
    v.sell(2, RB, 3, 3_501)
    killed = v.buy(3, RB, 7, 3_501, time_in_force=terms.FOK)
    assert killed.trades == []
    assert killed.ended is not None
    assert (killed.ended.status, killed.ended.code, killed.ended.left) == (
        terms.EXPIRED,
        Code.NOT_FILLABLE,
        7,
    )
    assert v.buy(3, RB, 4, 3_500, time_in_force=terms.FOK).trades == []
    filled = v.buy(3, RB, 6, 3_501, time_in_force=terms.FOK)
    assert sum(t.volume for t in filled.trades) == 6
    assert filled.ended is None


def test_immediate_or_cancel_takes_what_is_there() -> None:
    v = venue()
    v.sell(1, RB, 3, 3_500)
    answer = v.buy(2, RB, 5, 3_500, time_in_force=terms.IOC)
    assert answer.ended is not None
    assert (answer.ended.left, answer.ended.code) == (2, Code.IMMEDIATE_REST)
    assert v.funds(2).frozen_margin == 0


def test_post_only_never_takes() -> None:
    v = venue()
    v.sell(1, RB, 3, 3_500)
    assert v.buy(2, RB, 1, 3_500, post_only=True).code == Code.POST_ONLY_WOULD_TAKE
    assert v.buy(2, RB, 1, 3_499, post_only=True).code == Code.OK


@pytest.mark.parametrize("seed", range(50, 56))
def test_every_lot_submitted_is_filled_left_or_ended(seed: int) -> None:
    judge = Judge()
    for command in setup():
        judge.apply(command, START_NS)
    submitted: dict[int, int] = {}
    gone: Counter[int] = Counter()
    for time, made in Generator(judge.model.venue, seed).commands(600):
        for event in judge.apply(made, time):
            if isinstance(event, OrderAccepted) and not event.budget:
                submitted[event.order_id] = event.volume
            elif isinstance(event, Trade):
                gone[event.buy_order_id] += event.volume
                gone[event.sell_order_id] += event.volume
            elif isinstance(event, OrderEnded):
                gone[event.order_id] += event.left
    orders = judge.engine.orders
    for order_id, volume in submitted.items():
        assert gone[order_id] + (orders[order_id].left if order_id in orders else 0) == volume


class Market(RuleBasedStateMachine):
    """Orders and cancels chosen by Hypothesis, in two instruments; the model, the ledger and the book must agree."""

    def __init__(self) -> None:
        super().__init__()
        self.judge = Judge()
        specs = (rebar(), sugar())
        self.judge.apply(c.DayOpen(0, OPERATE, 20251121), 1)
        self.judge.apply(c.VenueSet(0, OPERATE, "init_cash_max", 10**12), 1)
        for spec in specs:
            self.judge.apply(c.InstrumentList(0, OPERATE, spec), 1)
        for account_id in (1, 2, 3):
            self.judge.apply(c.AccountOpen(account_id, TRADER, account_id, account_id, 40_000_0000), 1)
        self.names = [spec.instrument for spec in specs]
        self.last_time = 1

    @rule(
        account=st.integers(1, 3),
        name=st.integers(0, 1),
        side=st.sampled_from([BUY, SELL]),
        offset=st.sampled_from([terms.OPEN, terms.OPEN, terms.CLOSE, terms.CLOSETODAY]),
        tif=st.sampled_from([terms.DAY, terms.GTC, terms.IOC, terms.FOK]),
        distance=st.integers(-3, 3),
        volume=st.integers(0, 4),
    )
    def order(
        self, account: int, name: int, side: int, offset: int, tif: int, distance: int, volume: int
    ) -> None:
        price = (3_500, 5_500)[name] + distance
        number = f"h{self.judge.seq}"
        order = c.OrderSubmit(
            account, TRADER, account, self.names[name], side, offset, terms.LIMIT, tif, price, volume, number
        )
        self.judge.apply(order, self.last_time)

    @rule(account=st.integers(1, 3), back=st.integers(1, 12))
    def cancel(self, account: int, back: int) -> None:
        self.judge.apply(
            c.OrderCancel(account, TRADER, account, max(1, self.judge.seq - back)), self.last_time
        )

    @rule(amount=st.sampled_from([100, 5_000_0000, 10**9]), account=st.integers(1, 3))
    def withdraw(self, amount: int, account: int) -> None:
        request_id = f"w{self.judge.seq}"
        self.judge.apply(
            c.CashWithdraw(account, TRADER, account, request_id, 0, "CNY", amount), self.last_time
        )

    @rule()
    def day(self) -> None:
        run = self.judge.engine.run_id + 1
        self.last_time += 1
        for step in range(terms.STEP_CLOSED, terms.STEP_CHECKED + 1):
            if step == terms.STEP_SETTLED:
                for name in self.names:
                    self.judge.apply(c.SettlementPriceSet(0, OPERATE, name, 0), self.last_time)
            self.judge.apply(c.DayStep(0, OPERATE, run, step, 0), self.last_time)
        self.judge.apply(c.DayOpen(0, OPERATE, self.judge.engine.trading_day + 1), self.last_time)

    @invariant()
    def agrees(self) -> None:
        self.judge.views_compare()
        self.judge.invariants_check()

    @invariant()
    def is_not_crossed(self) -> None:
        engine: Engine = self.judge.engine
        for name in self.names:
            depth = engine.depth_view(name, 1)
            if depth.bids and depth.asks:
                assert depth.bids[0].price < depth.asks[0].price


TestMarket = Market.TestCase
TestMarket.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)

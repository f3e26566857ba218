"""Promise P12, its first half: an old copy of the state plus the changes of a batch is a fresh copy.
Run by pytest; needs no server."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from engine.changes import changes_of, changes_unpack
from engine.core import commands as c
from engine.core import terms
from engine.core.engine import Engine
from engine.core.events import OrderAccepted, OrderEnded
from engine.messages import WireRefused
from tests.app.live.streams import Copy, Stream, through_the_wire
from tests.model.market import FIRST_DAY, OPERATE, TRADER, bitcoin, futures_rates, rebar

NOW = 1_763_690_400_000_000_000


@pytest.mark.parametrize("seed", range(1, 9))
def test_old_copy_plus_changes_is_a_fresh_copy(seed: int) -> None:
    stream, copy = Stream(seed), Copy()
    copy.take(stream.begin())
    for changes in stream.run(1_200):
        copy.take(changes)
        assert copy.differences(Copy.fresh(stream.engine)) == []
    assert len(copy.ended) > 100


def test_a_finished_order_is_told_with_how_it_ended() -> None:
    """Every accepted order ends once or is live, with the status, code and left of its events."""
    stream = Stream(11)
    copy = Copy()
    accepted: dict[int, tuple[OrderAccepted, int]] = {}
    ended: dict[int, OrderEnded] = {}
    copy.take(stream.begin())
    for commands, time in stream.batches(2_000):
        applied = stream.applied(commands, time)
        copy.take(through_the_wire(changes_of(stream.engine, applied)))
        accepted |= {e.order_id: (e, time) for e in applied.events if isinstance(e, OrderAccepted)}
        ended |= {e.order_id: e for e in applied.events if isinstance(e, OrderEnded)}
    assert accepted.keys() == copy.ended.keys() | stream.engine.orders.keys()
    assert not copy.ended.keys() & stream.engine.orders.keys()
    for order_id, view in copy.ended.items():
        event, time = accepted[order_id]
        end = ended.get(order_id)
        how = (end.status, end.left, end.code) if end else (terms.FILLED, 0, 0)
        assert (view.status, view.left, view.code) == how
        assert (view.account_id, view.instrument, view.side, view.offset, view.price, view.volume) == (
            event.account_id, event.instrument, event.side, event.offset, event.price, event.volume
        )  # fmt: skip
        assert (view.client_order_id, view.accepted_at) == (event.client_order_id, time)
        assert (view.frozen_margin, view.frozen_commission) == (0, 0)
    assert {view.status for view in copy.ended.values()} == {terms.FILLED, terms.CANCELLED, terms.EXPIRED}


def test_a_refused_command_changes_nothing() -> None:
    stream = Stream(1)
    stream.begin()
    order = c.OrderSubmit(
        101, TRADER, 1, "SHFE.rb2601", terms.BUY, terms.OPEN, terms.LIMIT, terms.DAY, 9_999, 1, "too-high"
    )
    for command in (order, c.AdvanceTime(), c.OrderQuery(101, TRADER, 1, "nobody-knows"), None):
        assert not stream.apply([command], NOW)


def test_a_web_process_finds_what_concerns_one_account() -> None:
    stream = Stream(1)
    stream.begin()
    resting = c.OrderSubmit(
        101, TRADER, 1, "SHFE.rb2601", terms.SELL, terms.OPEN, terms.LIMIT, terms.DAY, 3_500, 2, "maker"
    )
    taking = replace(resting, actor=102, account_id=2, side=terms.BUY, volume=5, client_order_id="taker")
    first = stream.apply([resting], NOW).orders[0].order_id
    changes = stream.apply([taking], NOW)
    assert [(o.order_id, o.status, o.left) for o in changes.orders_of(1)] == [(first, terms.FILLED, 0)]
    assert [(o.order_id, o.status, o.left) for o in changes.orders_of(2)] == [(first + 1, terms.LIVE, 3)]
    assert changes.orders_of(3) == []
    held = changes.account(1)
    assert held is not None
    assert [(p.instrument, p.short_today) for p in held.positions] == [("SHFE.rb2601", 2)]
    assert changes.account(3) is None
    # The lists hold the same.
    assert sorted(view.account_id for view in changes.accounts) == [1, 2]
    assert [view.order_id for view in changes.ended] == [first]
    assert [(level.price, level.volume, level.orders) for level in changes.depths[0].bids] == [(3_500, 3, 1)]
    assert (changes.instruments[0].last, changes.instruments[0].volume) == (3_500, 2)


def test_a_day_in_chunks_reaches_every_account_and_order() -> None:
    """More accounts and resting orders than one step of the day may touch."""
    engine, copy = Engine(), Copy()
    accounts = terms.CHUNK + 150

    def apply(commands: Sequence[c.Command]) -> None:
        applied = engine.apply(commands, engine.seq + 1, NOW)
        copy.take(through_the_wire(changes_of(engine, applied)))

    apply([c.DayOpen(0, OPERATE, FIRST_DAY), c.VenueSet(0, OPERATE, "init_cash_max", 10**12)])
    apply([c.InstrumentList(0, OPERATE, rebar()), c.InstrumentList(0, OPERATE, bitcoin())])
    apply([c.AccountOpen(n, TRADER, n, n, 10**9) for n in range(1, accounts + 1)])

    def order(account: int, side: int, price: int, name: str) -> c.OrderSubmit:
        return c.OrderSubmit(
            account, TRADER, account, "SHFE.rb2601", side, terms.OPEN, terms.LIMIT, terms.GTC, price, 1, name
        )

    apply([order(n, terms.BUY if n % 2 else terms.SELL, 3_500, "held") for n in range(1, accounts + 1)])
    apply([order(n, terms.BUY, 3_400, "resting") for n in range(1, accounts + 1)])
    apply([c.InstrumentRatesSet(0, OPERATE, "SHFE.rb2601", futures_rates(margin_long_ratio=2 * 10**8))])
    for step in range(terms.STEP_CLOSED, terms.STEP_CHECKED + 1):
        while engine.step < step:
            apply([c.DayStep(0, OPERATE, 7, step, engine.cursor)])
            if step == terms.STEP_CLOSED:
                apply([c.SettlementPriceSet(0, OPERATE, "SHFE.rb2601", 0)])
            assert copy.differences(Copy.fresh(engine)) == []
    apply([c.DayOpen(0, OPERATE, FIRST_DAY + 3)])
    assert copy.differences(Copy.fresh(engine)) == []
    assert copy.settings["trading_day"] == FIRST_DAY + 3
    assert len(copy.orders) == accounts


def test_what_is_no_changes_is_refused() -> None:
    wires: tuple[Any, ...] = ([], [[], [], [], [], []], [[], [], [], [], [], []], "text", None)
    for wire in wires:
        with pytest.raises(WireRefused):
            changes_unpack(wire)

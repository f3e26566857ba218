"""Live state written batch by batch is live state written anew, and what readers see is what the engine says.
Run by pytest on a real Redis."""

from decimal import Decimal

import pytest
import redis

from engine.core import commands as c
from engine.core import terms
from engine.core.views import AccountView, OrderView, PositionView, WalletView, funds
from engine.live import AsyncLiveReader, LiveReader, LiveWriter
from engine.live.funds import funds_of, risk_ratio
from tests.app.live.contents import contents, generations, state_only
from tests.app.live.streams import DEPTH_LEVELS, Stream
from tests.model.market import OWNERS, TRADER
from tests.support.servers import RedisServer

NOW = 1_763_690_400_000_000_000


@pytest.mark.parametrize("seed", [21, 22, 23])
async def test_batches_written_one_by_one_equal_a_rebuild(
    seed: int, own_redis: RedisServer, raw: redis.Redis, stack_id: str, writer: LiveWriter
) -> None:
    stream = Stream(seed)
    stream.begin()
    await writer.rebuild(stream.engine, 1, "engine-1")
    prev = stream.engine.seq
    for changes in stream.run(600):
        await writer.write(1, prev, stream.engine.seq, "engine-1", changes)
        prev = stream.engine.seq
    other = LiveWriter(own_redis.url, f"{stack_id}-again")
    await other.rebuild(stream.engine, 1, "engine-1")
    await other.close()
    written, rebuilt = contents(raw, stack_id), contents(raw, f"{stack_id}-again")
    assert written["head"]["seq"] == str(prev)
    assert state_only(written) == state_only(rebuilt)
    # A rebuild by the same writer gives the finished orders back too.
    await writer.rebuild(stream.engine, 1, "engine-1")
    assert contents(raw, stack_id) == written
    await writer.sweep()
    assert len(generations(raw, stack_id)) == 1


async def test_readers_see_what_the_engine_says(
    own_redis: RedisServer, stack_id: str, writer: LiveWriter, reader: LiveReader
) -> None:
    stream = Stream(31)
    stream.begin()
    await writer.rebuild(stream.engine, 4, "engine-1")
    prev = stream.engine.seq
    ended: dict[int, OrderView] = {}
    for changes in stream.run(800):
        await writer.write(4, prev, stream.engine.seq, "engine-1", changes)
        prev = stream.engine.seq
        ended |= {order.order_id: order for order in changes.ended}
    engine, head = stream.engine, (4, stream.engine.seq)
    names = sorted(engine.instruments)
    wanted = [engine.instrument_view(name) for name in names]
    depths = [engine.depth_view(name, DEPTH_LEVELS) for name in names]
    found = reader.instruments()
    assert (found.value, (found.epoch, found.seq)) == (wanted, head)
    assert reader.depths().value == depths
    market = reader.market()
    assert (market.value.instruments, market.value.depths, market.seq) == (wanted, depths, engine.seq)
    assert reader.instrument(names[0]).value == wanted[0]
    assert reader.depth(names[-1]).value == depths[-1]
    assert reader.venue().value == {
        **engine.state.settings, "trading_day": engine.trading_day, "step": engine.step
    }  # fmt: skip
    for account_id in OWNERS:
        account = reader.account(account_id)
        assert (account.value, (account.epoch, account.seq)) == (engine.account_view(account_id), head)
        live = [o for o in engine.orders.values() if o.account.account_id == account_id]
        orders = {o.order_id: engine.order_view(o.order_id) for o in live}
        orders |= {o.order_id: o for o in ended.values() if o.account_id == account_id}
        assert reader.orders(account_id).value == [orders[order_id] for order_id in sorted(orders)]
        private = reader.private(account_id).value
        assert private is not None
        assert (private.account, private.orders) == (account.value, reader.orders(account_id).value)
        assert private.funds == reader.account_funds(account_id)
        held = reader.held(account_id)
        assert held.value is not None
        assert (held.value.account, held.seq) == (account.value, engine.seq)
        assert held.value.instruments == {
            position.instrument: engine.instrument_view(position.instrument)
            for position in engine.account_view(account_id).positions
        }
    for order_id in [*list(engine.orders)[:3], *list(ended)[:3]]:
        order = reader.order(order_id).value
        assert order == (ended.get(order_id) or engine.order_view(order_id))
    await the_async_reader_says_the_same(AsyncLiveReader(own_redis.url, stack_id), reader)


async def the_async_reader_says_the_same(other: AsyncLiveReader, reader: LiveReader) -> None:
    assert await other.head() == reader.head()
    assert await other.instruments() == reader.instruments()
    assert await other.depths() == reader.depths()
    assert await other.market() == reader.market()
    assert await other.venue() == reader.venue()
    name = reader.instruments().value[0].spec.instrument
    assert await other.instrument(name) == reader.instrument(name)
    assert await other.depth(name) == reader.depth(name)
    assert await other.account(1) == reader.account(1)
    assert await other.account_funds(1) == reader.account_funds(1)
    assert await other.private(2) == reader.private(2)
    assert await other.held(2) == reader.held(2)
    orders = await other.orders(2)
    assert orders == reader.orders(2)
    assert await other.order(orders.value[0].order_id) == reader.order(orders.value[0].order_id)
    await other.close()


async def test_what_does_not_exist_is_none_under_a_head(writer: LiveWriter, reader: LiveReader) -> None:
    stream = Stream(1)
    stream.begin()
    await writer.rebuild(stream.engine, 1, "engine-1")
    assert reader.account(999_999).value is None
    assert reader.account_funds(999_999) is None
    assert reader.private(999_999).value is None
    assert reader.orders(999_999).value == []
    assert reader.order(999_999).value is None
    assert reader.instrument("SHFE.xx0000").value is None
    assert reader.depth("SHFE.xx0000").value is None


async def test_funds_are_the_engine_s_own(writer: LiveWriter, reader: LiveReader) -> None:
    """Account by account: balance, available and the rest, to the last unit, after many trades."""
    stream = Stream(41)
    stream.begin()
    await writer.rebuild(stream.engine, 1, "engine-1")
    for _ in stream.run(500):
        pass
    await writer.rebuild(stream.engine, 1, "engine-1")
    engine = stream.engine
    marks = {name: instrument.mark_money for name, instrument in engine.instruments.items()}
    held = 0
    for account_id in OWNERS:
        view, found = engine.account_view(account_id), reader.account_funds(account_id)
        assert found is not None
        units = funds(view, marks, engine.state.risk_open_max)
        for name in ("balance", "available", "position_profit", "float_profit", "margin", "withdraw_quota",
                     "close_profit", "commission", "pre_balance", "static_balance", "deposit", "withdraw",
                     "frozen_margin", "frozen_commission"):  # fmt: skip
            value = getattr(found, name)
            if name == "withdraw_quota" and engine.step != terms.STEP_OPEN:
                continue  # while settling nothing leaves; tested below
            assert value == Decimal(getattr(units, name)) / 10_000
            assert value.as_tuple().exponent == -4
        assert found.available == Decimal(engine.accounts[account_id].available()) / 10_000
        assert (found.epoch, found.seq, found.currency) == (1, engine.seq, "CNY")
        wallets = {w.asset: (w.available, w.locked) for w in found.wallets}
        assert wallets == {
            w.asset: tuple(Decimal(n) / 10 ** terms.CURRENCY_SCALES[w.asset] for n in (w.available, w.locked))
            for w in view.wallets
        }
        held += len(view.positions)
    assert held > 5


async def test_the_withdraw_quota_follows_the_venue_s_own_level(
    writer: LiveWriter, reader: LiveReader
) -> None:
    stream = Stream(1)
    stream.begin()
    await writer.rebuild(stream.engine, 1, "engine-1")
    prev = stream.engine.seq
    orders = [
        c.OrderSubmit(owner, TRADER, account, "SHFE.rb2601", side, terms.OPEN, terms.LIMIT, terms.DAY,
                      3_500, 100, f"q{account}")
        for account, owner, side in ((1, 101, terms.BUY), (2, 102, terms.SELL))
    ]  # fmt: skip
    changes = stream.apply([*orders, c.VenueSet(0, terms.SCOPE_OPERATE, "risk_open_max", 5 * 10**8)], NOW)
    await writer.write(1, prev, stream.engine.seq, "engine-1", changes)
    found = reader.account_funds(1)
    assert found is not None
    # 100 lots × 35,000 × 10 % = 350,000 of margin; at 50 % twice of it must stay.
    assert (found.margin, found.balance) == (Decimal(350_000), Decimal(3_000_000))
    assert found.withdraw_quota == Decimal(3_000_000 - 700_000)
    assert found.risk_ratio == Decimal("0.116666667")
    # While the day is being settled nothing leaves.
    prev = stream.engine.seq
    changes = stream.apply([c.DayStep(0, terms.SCOPE_OPERATE, 1, terms.STEP_CLOSED, 0)], NOW)
    await writer.write(1, prev, stream.engine.seq, "engine-1", changes)
    settling = reader.account_funds(1)
    assert settling is not None
    assert (settling.withdraw_quota, settling.available) == (Decimal(0), found.available)


def test_an_example_of_the_rules_to_the_last_digit() -> None:
    """trading-rules.md §6: IF ×300, long 2 @ 3800.0, mark 3810.0."""
    position = PositionView("CFFEX.IF2512", 2, 0, 0, 0, 22_800_000_000, 22_800_000_000, 2_736_000_000,
                            0, 0, 0, 0, 0, 0, 0)  # fmt: skip
    account = AccountView(80000001, 7, 0, 0, 10_000_000_000, 0, 0, 524_400, 2_736_000_000, 0, 0, 0,
                          [position], [WalletView("BTC", 1, 50_000_000)])  # fmt: skip
    found = funds_of(account, {"CFFEX.IF2512": 3810 * 300 * 10_000}, epoch=3, seq=77)
    assert (found.balance, found.margin, found.available) == (
        Decimal("1005947.5600"), Decimal("273600.0000"), Decimal("732347.5600")
    )  # fmt: skip
    assert (found.position_profit, found.float_profit) == (Decimal("6000.0000"), Decimal("6000.0000"))
    assert str(found.risk_ratio) == "0.271982369"
    assert (found.wallets[0].available, found.wallets[0].locked) == (Decimal("1E-8"), Decimal("0.50000000"))


@pytest.mark.parametrize(
    ("margin", "balance", "ratio"),
    [(0, -5, "0E-9"), (0, 100, "0E-9"), (50, 100, "0.500000000"), (200, 100, "2.000000000"),
     (1, 3, "0.333333333"), (2, 3, "0.666666667")],
)  # fmt: skip
def test_the_risk_ratio_is_margin_over_balance(margin: int, balance: int, ratio: str) -> None:
    assert str(risk_ratio(margin, balance)) == ratio


@pytest.mark.parametrize("balance", [0, -1])
def test_no_balance_with_margin_is_above_every_level(balance: int) -> None:
    assert risk_ratio(1, balance) is None

"""Bars are one fold: 1-minute rows equal a brute-force aggregation of the trades, longer periods follow from them."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import redis as redis_package
from django.conf import settings

from engine import messages
from exchange.projecting import Committed, RedisAnnouncer, VenueProjector, bars_key
from market import bars
from market.models import Bar, Instrument, PublicTrade
from market.selectors import bars_list, public_trades
from tests.app.projections.recorded import BTC, IF, MINUTE_NS, Recorded, day_roll, trading, venue_open
from tests.support.servers import RedisServer

FIELDS = ("instrument", "trading_day", "start", "open", "high", "low", "close", "volume", "turnover",
          "open_interest_open", "open_interest_close", "seq")  # fmt: skip


@pytest.fixture
def traded(recorded: Recorded, projector: VenueProjector) -> Recorded:
    """Two days of trades, projected in stretches that cut minutes."""
    venue_open(recorded)
    for part in range(10):
        trading(recorded, seed=part, batches=15)
        recorded.project(projector)
        if part == 5:
            day_roll(recorded, 20251202)
    return recorded


def brute_force(instrument: str, length: int) -> list[tuple[Any, ...]]:
    """Group the public tape by (trading day, period) and take first, max, min, last, sums."""
    groups: dict[tuple[int, int], list[PublicTrade]] = {}
    for trade in PublicTrade.objects.filter(instrument=instrument).order_by("trade_id"):
        start = trade.time - trade.time % length if length else 0
        groups.setdefault((trade.trading_day, start), []).append(trade)
    found = []
    before = 0
    for (day, start), trades in groups.items():
        prices = [trade.price for trade in trades]
        found.append(
            (instrument, day, start or trades[0].time - trades[0].time % MINUTE_NS, prices[0], max(prices),
             min(prices), prices[-1], sum(t.volume for t in trades), sum(t.notional for t in trades),
             before, trades[-1].open_interest, trades[-1].seq)
        )  # fmt: skip
        before = trades[-1].open_interest
    return found


@pytest.mark.parametrize("instrument", [IF, BTC])
def test_minutes_equal_a_brute_force_aggregation(traded: Recorded, instrument: str) -> None:
    expected = brute_force(instrument, MINUTE_NS)
    rows = list(
        Bar.objects.filter(instrument=instrument).order_by("trading_day", "start").values_list(*FIELDS)
    )
    assert rows == expected
    assert len(rows) > 10
    assert len({row[1] for row in rows}) == 2


@pytest.mark.parametrize("period", [period for period in bars.PERIODS if period != "1m"])
def test_longer_periods_follow_from_minutes(traded: Recorded, period: str) -> None:
    found = [
        tuple(getattr(bar, name) for name in FIELDS)
        for bar in bars_list(instrument=IF, period=period, limit=500)
    ]
    assert found == brute_force(IF, bars.PERIODS[period])


def test_a_page_of_bars_ends_before_the_time_asked(traded: Recorded) -> None:
    everything = bars_list(instrument=IF, limit=500)
    middle = everything[len(everything) // 2].start
    page = bars_list(instrument=IF, limit=3, before=middle)
    assert page == everything[len(everything) // 2 - 3 : len(everything) // 2]
    with pytest.raises(ValueError, match="1 to 500"):
        bars_list(instrument=IF, limit=501)


def test_no_minute_is_invented(traded: Recorded) -> None:
    starts = [bar.start for bar in bars_list(instrument=IF, limit=500)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert max(gaps) > MINUTE_NS  # nothing traded in between, and nothing stands there


def test_a_web_process_folds_the_same_from_events_and_changes(
    traded: Recorded, projector: VenueProjector
) -> None:
    growing: dict[str, bars.Bar] = {}
    closed: list[bars.Bar] = []
    for part in range(5):
        trading(traded, seed=100 + part, batches=8)
        items = [
            bars.Traded(event, record.batch.time, 20251202, seq)
            for record in traded.records
            for seq, event in trades_of(record)
        ]
        views = {name: traded.engine.instrument_view(name) for name in traded.engine.instruments}
        for bar in bars.trades_as_bars(items, views):
            done, growing[bar.instrument] = bars.fold(growing.get(bar.instrument), bar)
            closed += [done] if done else []
        traded.project(projector)
    first = min(bar.start for bar in closed) if closed else 0
    rows = {(row[0], row[2]): row for row in Bar.objects.filter(start__gt=first).values_list(*FIELDS)}
    pushed = {
        (bar.instrument, bar.start): tuple(getattr(bar, name) for name in FIELDS)
        for bar in (*closed, *growing.values())
        if bar.start > first
    }
    assert pushed == {key: row for key, row in rows.items() if key in pushed}
    assert len(pushed) > 5


def trades_of(record: Any) -> list[tuple[int, Any]]:
    found, start = [], 0
    for seq, end in enumerate(record.applied.ends, record.batch.first_seq):
        found += [(seq, e) for e in record.applied.events[start:end] if type(e).__name__ == "Trade"]
        start = end
    return found


def test_merging_is_associative(traded: Recorded) -> None:
    a, b, c = bars_list(instrument=IF, limit=3)
    assert bars.merge(bars.merge(a, b), c) == bars.merge(a, bars.merge(b, c))


def test_the_growing_bar_is_told_to_redis_with_its_seq(
    recorded: Recorded, projector_new: Callable[[], VenueProjector], redis_empty: RedisServer
) -> None:
    announcer = RedisAnnouncer(settings.REDIS_URL, settings.OUTCRY_STACK_ID)
    projector = VenueProjector(settings.DATABASE_OWNER_URL, announcer)
    assert projector.acquire()
    venue_open(recorded)
    trading(recorded, seed=3, batches=40)
    recorded.project(projector)
    projector.release()
    newest = Bar.objects.filter(instrument=IF).order_by("-start").values_list(*FIELDS)[0]
    with redis_package.Redis.from_url(settings.REDIS_URL) as client:
        packed = client.hget(bars_key(settings.OUTCRY_STACK_ID), IF)
        assert client.get(f"projected:{settings.OUTCRY_STACK_ID}:0") == str(recorded.engine.seq).encode()
    assert tuple(messages.wire_decode(packed)) == newest


def test_redis_away_does_not_fail_a_commit_and_is_told_later(
    recorded: Recorded, projector_new: Callable[[], VenueProjector], redis_empty: RedisServer
) -> None:
    announcer = RedisAnnouncer("redis://127.0.0.1:1/0", settings.OUTCRY_STACK_ID)
    projector = VenueProjector(settings.DATABASE_OWNER_URL, announcer)
    assert projector.acquire()
    venue_open(recorded)
    trading(recorded, seed=3, batches=40)
    recorded.project(projector)
    assert projector.applied_seq() == recorded.engine.seq
    announcer._client = redis_package.Redis.from_url(settings.REDIS_URL)
    announcer(Committed(recorded.engine.seq))
    projector.release()
    with redis_package.Redis.from_url(settings.REDIS_URL) as client:
        traded = {name.decode() for name in client.hkeys(bars_key(settings.OUTCRY_STACK_ID))}
    assert traded == set(Bar.objects.values_list("instrument", flat=True))


def test_the_tape_names_nobody(traded: Recorded) -> None:
    (newest,) = public_trades(instrument=IF, limit=1)
    assert not {field.name for field in newest._meta.get_fields()} & {"account_id", "order_id", "owner"}
    older = public_trades(instrument=IF, limit=5, before_trade_id=newest.trade_id)
    assert [trade.trade_id for trade in older] == sorted((t.trade_id for t in older), reverse=True)
    assert older[0].trade_id < newest.trade_id
    assert Instrument.objects.get(pk=IF).last == newest.price

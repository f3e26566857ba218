"""The house users keep their order rate and their pauses, whatever happens (issue: ≤ 50 orders/s together).
Run by pytest in the core tier; time and chance are the test's own."""

from decimal import Decimal
from random import Random

import pytest

from exchange.demo.makers.agents import PLAY_MONEY, money_wanted
from exchange.demo.makers.maker import Maker
from exchange.demo.makers.pacing import BACKOFF_MAX_S, Backoff, TokenBucket
from exchange.demo.makers.run import ORDERS_PER_S_MAX, _buckets
from exchange.demo.makers.taker import Taker


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_bucket_lets_the_burst_through_and_then_the_rate() -> None:
    clock = Clock()
    bucket = TokenBucket(10.0, 5, clock)
    assert [bucket.take(1) for _ in range(6)] == [True] * 5 + [False]
    clock.now += 0.125
    assert [bucket.take(1) for _ in range(2)] == [True, False]


def test_bucket_takes_all_or_nothing_and_says_how_long() -> None:
    clock = Clock()
    bucket = TokenBucket(4.0, 8, clock)
    assert bucket.take(6)
    assert not bucket.take(3)
    assert bucket.wait_s(3) == pytest.approx(0.25)
    assert bucket.wait_s(100) == pytest.approx(1.5)
    clock.now += 0.25
    assert bucket.take(3)


def test_an_idle_hour_saves_no_more_than_the_burst() -> None:
    clock = Clock()
    bucket = TokenBucket(10.0, 5, clock)
    clock.now += 3_600
    assert bucket.take(5)
    assert not bucket.take(1)


@pytest.mark.parametrize(("rate", "burst"), [(0.0, 5), (-1.0, 5), (1.0, 0)])
def test_a_bucket_without_rate_or_room_is_refused(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="positive rate"):
        TokenBucket(rate, burst, Clock())


@pytest.mark.parametrize("asked", [12.0, 50.0, 10_000.0])
def test_all_buckets_together_keep_the_limit(asked: float) -> None:
    bucket_of = _buckets(asked, 2, 1)
    together = 2 * bucket_of(Maker).per_second + bucket_of(Taker).per_second
    assert together == pytest.approx(min(asked, ORDERS_PER_S_MAX))


def test_pauses_double_to_a_limit_and_begin_anew_when_it_works() -> None:
    backoff = Backoff(Random(1))
    pauses = [backoff.next_s() for _ in range(40)]
    assert 0.25 <= pauses[0] <= 0.5
    assert all(0.25 <= pause <= BACKOFF_MAX_S for pause in pauses)
    assert min(pauses[10:]) >= BACKOFF_MAX_S / 2
    backoff.reset()
    assert backoff.next_s() <= 0.5


def test_more_play_money_is_wanted_only_where_little_is_left() -> None:
    wallets = {"USDT": Decimal(2_000_000), "BTC": Decimal("19.99"), "USDC": Decimal(1_500_000)}
    assert money_wanted(Decimal(3_999_999), wallets) == {
        "CNY": Decimal(6_000_001),
        "BTC": Decimal(30),
        "SOL": Decimal(7_000),
    }
    assert money_wanted(Decimal(-5), PLAY_MONEY)["CNY"] == Decimal(10_000_000)

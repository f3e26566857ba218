"""Brings the house users to life: finds the venue's instruments, shares the fair prices, starts every agent.
Called by `manage.py makers`."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

from exchange.demo.catalogue import SPOTS
from exchange.demo.makers.agents import Agent, Credentials, Market
from exchange.demo.makers.fair import Fair
from exchange.demo.makers.maker import Maker, WideMaker
from exchange.demo.makers.pacing import Backoff, TokenBucket
from exchange.demo.makers.session import SessionLost, instruments, login
from exchange.demo.makers.taker import Taker
from exchange.demo.makers.wire import InstrumentRow

logger = logging.getLogger(__name__)

ORDERS_PER_S: Final = 12.0
ORDERS_PER_S_MAX: Final = 50.0  # of all house users together
BURST_S: Final = 2
STEP_S: Final = 1.0

# product → (daily volatility in 1/10,000, lots of a level, lots a user may be long or short)
STYLES: Final[Mapping[str, tuple[int, int, int]]] = {
    "CFFEX.IF": (150, 2, 8),
    "CFFEX.IH": (140, 2, 8),
    "SHFE.cu": (150, 4, 20),
    "SHFE.rb": (200, 20, 200),
    "DCE.m": (180, 20, 200),
    "CZCE.SR": (150, 15, 150),
    "SPOT.BTC_USDT": (250, 2_000, 100_000),  # 0.02 BTC, 1 BTC
    "SPOT.SOL_USDC": (400, 5_000, 500_000),  # 5 SOL, 500 SOL
}
SPOT_STARTS: Final = {spec.instrument: spec.listing_price for spec in SPOTS}


async def makers_run(
    web: str,
    makers: Sequence[Credentials],
    takers: Sequence[Credentials],
    *,
    orders_per_s: float = ORDERS_PER_S,
    seed: int | None = None,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Trade until cancelled. `on_ready` is called once, when every user is connected."""
    rng = Random(seed)
    markets = await _markets_wait(web, takers[0], rng)
    bucket_of = _buckets(orders_per_s, len(makers), len(takers))
    waiting = {who.username for who in (*makers, *takers)}

    def connected(username: str) -> None:
        if waiting:
            waiting.discard(username)
            if not waiting:
                on_ready()

    def agent(kind: type[Agent], who: Credentials) -> Agent:
        return kind(
            web, who, markets, bucket_of(kind), rng=Random(rng.random()), clock=time.monotonic,
            on_ready=lambda: connected(who.username),
        )  # fmt: skip

    agents = [agent((Maker, WideMaker)[number % 2], who) for number, who in enumerate(makers)]
    agents += [agent(Taker, who) for who in takers]
    async with asyncio.TaskGroup() as group:
        group.create_task(_walk(markets))
        for each in agents:
            group.create_task(each.run(), name=each.who.username)


def _buckets(orders_per_s: float, makers: int, takers: int) -> Callable[[type[Agent]], TokenBucket]:
    """A bucket a user: a taker has half a maker's share. All of them together keep ORDERS_PER_S_MAX."""
    total = min(orders_per_s, ORDERS_PER_S_MAX)
    share = total / (2 * makers + takers)

    def bucket_of(kind: type[Agent]) -> TokenBucket:
        rate = share if kind is Taker else 2 * share
        return TokenBucket(rate, max(1, int(rate * BURST_S)), time.monotonic)

    return bucket_of


async def _walk(markets: Mapping[str, Market]) -> None:
    """Every second each fair price takes a step."""
    while True:
        await asyncio.sleep(STEP_S)
        for market in markets.values():
            market.fair.step()


async def _markets_wait(web: str, who: Credentials, rng: Random) -> dict[str, Market]:
    """What the venue lists and the house knows how to quote; asks until there is something."""
    backoff = Backoff(rng)
    while True:
        try:
            token = await login(web, who.username, who.password)
            found = markets_of(await instruments(web, token.token), rng)
            if found:
                return found
            logger.warning("the venue lists nothing the house quotes")
        except SessionLost as error:
            logger.warning("no instruments yet: %s", error)
        await asyncio.sleep(backoff.next_s())


def markets_of(rows: Sequence[InstrumentRow], rng: Random) -> dict[str, Market]:
    """The instruments whose product has a style, by full id."""
    found = {}
    for row in rows:
        style = STYLES.get(f"{row.exchange_id}.{row.product_id}")
        if style is None or row.status == "delisted":
            continue
        volatility, usual, net_max = style
        known = row.last_price or row.pre_settlement
        # A spot market that never traded has no price of its own yet.
        start = int((known / row.tick_size).to_integral_value()) if known else SPOT_STARTS[row.name]
        fair = Fair(start, volatility, Random(rng.random()))
        found[row.name] = Market(row, start, fair, usual, net_max)
    return found

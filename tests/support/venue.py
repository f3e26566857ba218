"""A whole venue in the test's process: the real core, journal, leader, follower and live state, stepped by hand.
Called by tests of the app tier; `serve()` lets the real door, and with it every view, reach the leader."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from engine import door as door_module
from engine import live as live_module
from engine.core import commands as c
from engine.core import terms
from engine.core.codes import Code
from engine.core.engine import Engine
from engine.door import Door
from engine.journal import FileJournal
from engine.process.follower import Follower
from engine.process.leader import Leader
from engine.process.projecting import Projector
from engine.process.projection import Projection
from engine.replies import Reply
from engine.snapshots import SnapshotStore

T = TypeVar("T")
TRADING_DAY = 20251117
TIMEOUT_S = 30.0
OPERATOR = terms.SCOPE_READ | terms.SCOPE_TRADE | terms.SCOPE_TRANSFER | terms.SCOPE_OPERATE
IF = c.InstrumentSpec(
    instrument="CFFEX.IF2512", name="沪深300股指2512", product="CFFEX.IF", kind=terms.FUTURES, currency="CNY",
    multiplier=300, tick_units=2, tick_scale=1, listing_price=19_000,
    rates=c.Rates(
        margin_long_ratio=120_000_000, margin_short_ratio=120_000_000,
        fee_open_ratio=23_000, fee_close_ratio=23_000, fee_today_ratio=230_000,
        limit_up_ratio=100_000_000, limit_down_ratio=100_000_000,
        limit_volume_max=100, market_volume_max=50,
    ),
)  # fmt: skip
CU = c.InstrumentSpec(
    instrument="SHFE.cu2512", name="沪铜2512", product="SHFE.cu", kind=terms.FUTURES, currency="CNY",
    multiplier=5, tick_units=10, tick_scale=0, listing_price=7_000, close_rule=terms.CLOSE_EXPLICIT,
    allow_market=False, larger_side=terms.LARGER_ON,
    rates=c.Rates(
        margin_long_ratio=100_000_000, margin_short_ratio=100_000_000, fee_open_ratio=50_000,
        fee_close_ratio=50_000, limit_up_ratio=60_000_000, limit_down_ratio=60_000_000, limit_volume_max=500,
    ),
)  # fmt: skip
BTC = c.InstrumentSpec(
    instrument="SPOT.BTC_USDT", name="BTC/USDT", product="SPOT.BTC_USDT", kind=terms.SPOT, currency="USDT",
    base="BTC", tick_units=1, tick_scale=1, lot_units=1, lot_scale=4, listing_price=900_000,
    match_price_rule=terms.MATCH_MAKER, protection_ratio=50_000_000, notional_min=5_000_000,
    rates=c.Rates(fee_open_ratio=500_000, fee_close_ratio=1_000_000, limit_volume_max=1_000_000,
                  market_volume_max=1_000_000),
)  # fmt: skip


class Refused(AssertionError):
    """A command of `do` was refused, or took no sequence."""


class Venue:
    """One partition on a journal folder of the test's own. Every method is called from the test's thread.

    The coroutines of leader and follower run on a loop of the venue's own, only while a method waits for them,
    or, between `serve()` and its end, all the time.
    """

    def __init__(
        self,
        folder: Path,
        redis_url: str,
        stack_id: str,
        *,
        projector: Projector | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.folder = folder
        self.redis_url = redis_url
        self.stack_id = stack_id
        self._clock = clock
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="venue", daemon=True)
        self._thread.start()
        self._serving: tuple[asyncio.Task[None], asyncio.Event] | None = None
        self.snapshots = SnapshotStore(folder / "snapshots")
        self.journal = self.journal_open()
        self.leader = self.run(self._lead())
        self.follower = self.run(self._follow(projector))
        door_module.configure(redis_url=redis_url, stack_id=stack_id)
        live_module.configure(redis_url, stack_id)

    def journal_open(self) -> FileJournal:
        """Another instance on the same folder, as another process would have."""
        return FileJournal(self.folder / "journal", clock=self._clock)

    async def _lead(self) -> Leader:
        epoch = self.journal.take_over()
        follower = Follower(journal=self.journal, snapshots=self.snapshots, clock=self._clock)
        follower.catch_up()
        leader = Leader(
            journal=self.journal, replica=follower.replica, epoch=epoch, redis_url=self.redis_url,
            stack_id=self.stack_id, clock=self._clock,
        )  # fmt: skip
        await leader.open(follower.changes_since)
        follower.close()
        return leader

    async def _follow(self, projector: Projector | None) -> Follower:
        from engine.process.figures import Figures

        figures = Figures()
        projection = Projection(projector, figures) if projector is not None else None
        return Follower(
            journal=self.journal, snapshots=self.snapshots, projection=projection, figures=figures,
            clock=self._clock,
        )  # fmt: skip

    # Commands -----------------------------------------------------------------------------------------

    @property
    def engine(self) -> Engine:
        """The leader's state; look, do not touch."""
        return self.leader.replica.engine

    def call(self, command: c.Command) -> Reply:
        """The reply, durable and published; a refusal is a reply too."""
        return self.call_many([command])[0]

    def call_many(self, commands: Sequence[c.Command]) -> list[Reply]:
        """As one batch. Raises Refused for what took no sequence (the journal is full)."""
        answers = self.run(self._submitted(commands))
        for answer in answers:
            if isinstance(answer, Code):
                raise Refused(answer.name)
        return [answer for answer in answers if isinstance(answer, Reply)]

    def do(self, *commands: c.Command) -> list[Reply]:
        """As call_many; raises Refused unless every one was carried out."""
        replies = self.call_many(commands)
        for reply in replies:
            if not reply.ok:
                raise Refused(f"{Code(reply.code).name}: {reply.event}")
        return replies

    async def _submitted(self, commands: Sequence[c.Command]) -> list[Any]:
        futures = self.leader.submit_soon(commands)
        if self._serving is None:
            while await self.leader.step():
                pass
        return list(await asyncio.gather(*futures))

    def step(self) -> None:
        """Let the leader carry out and tell what waits, then the follower replay and project it."""
        self.run(self._step())

    def project(self) -> None:
        """Let the follower replay and project everything that is durable."""
        self.run(self._project())

    async def _step(self) -> None:
        if self._serving is None:
            while await self.leader.step():
                pass
        await self._project()

    async def _project(self) -> None:
        self.follower.catch_up()
        if self.follower.projection is not None:
            if not await self.follower.project():
                raise Refused("the projector does not hold the right, or Postgres is away")
            self.follower.catch_up()

    # The door -----------------------------------------------------------------------------------------

    @property
    def door(self) -> Door:
        """The real door; needs `serve()`."""
        return door_module.door()

    @contextmanager
    def serving(self) -> Iterator["Venue"]:
        """The leader runs on its own, as in its process, until the block ends."""
        self.serve()
        try:
            yield self
        finally:
            self.serve_end()

    def serve(self) -> None:
        """Let the leader run on its own from here on; returns when it takes commands."""
        self.run(self._serve())

    async def _serve(self) -> None:
        stop, opened = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(self.leader.run(stop, on_open=opened.set))
        self._serving = (task, stop)
        opening = asyncio.create_task(opened.wait())
        await asyncio.wait([task, opening], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()

    def serve_end(self) -> None:
        """Let the leader finish what it has, and stop. Raises what ended it before."""
        if self._serving is not None:
            (task, stop), self._serving = self._serving, None
            self._loop.call_soon_threadsafe(stop.set)
            self.run(_ended(task))

    # Life ---------------------------------------------------------------------------------------------

    def restart(self) -> None:
        """A new leader on the same journal, as after a crash: whatever was not durable is gone."""
        was_serving = self._serving is not None
        self.serve_abort()
        self.run(self.leader.close())
        self.journal.close()
        self.leader = self.run(self._lead())
        if was_serving:
            self.serve()

    def serve_abort(self) -> None:
        """Stop the leader where it stands: nothing is finished or answered."""
        if self._serving is not None:
            (task, _), self._serving = self._serving, None
            self._loop.call_soon_threadsafe(task.cancel)
            self.run(_gone(task))

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it on the venue's loop and wait for its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(TIMEOUT_S)

    def close(self) -> None:
        """End everything; called by the fixture."""
        self.serve_abort()
        door_module.close()
        if self.follower.projection is not None:
            self.run(self.follower.projection.close())
        self.run(self.leader.close())
        self.follower.close()
        self.journal.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # What most tests need -----------------------------------------------------------------------------

    def open_day(self, *specs: c.InstrumentSpec, trading_day: int = TRADING_DAY) -> None:
        """Open the day and list the instruments; without any: IF, cu and BTC_USDT."""
        self.do(
            c.VenueSet(terms.VENUE, OPERATOR, "init_cash_max", 10**12),
            c.DayOpen(terms.VENUE, OPERATOR, trading_day),
            *(c.InstrumentList(terms.VENUE, OPERATOR, spec) for spec in specs or (IF, CU, BTC)),
        )

    def open_account(self, account_id: int, owner: int = 0, *, cash: int = 10_000_000, **assets: int) -> None:
        """An account with `cash` whole yuan, and spot assets in their smallest units: BTC=…, USDT=…."""
        self.do(
            c.AccountOpen(terms.VENUE, OPERATOR, account_id, owner or account_id, cash * 10**4),
            *(
                c.CashDeposit(
                    terms.VENUE,
                    OPERATOR,
                    account_id,
                    f"test-{account_id}-{asset}",
                    terms.BOOK_SPOT,
                    asset,
                    amount,
                )
                for asset, amount in assets.items()
            ),
        )


async def _ended(task: "asyncio.Task[None]") -> None:
    await task


async def _gone(task: "asyncio.Task[None]") -> None:
    await asyncio.gather(task, return_exceptions=True)


def order(
    account_id: int,
    side: int,
    price: int,
    volume: int,
    client_order_id: str = "",
    *,
    instrument: str = IF.instrument,
    offset: int = terms.OPEN,
    owner: int = 0,
    **fields: Any,
) -> c.OrderSubmit:
    """A day limit order of the account's owner; price in ticks, volume in lots."""
    plain = c.OrderSubmit(
        actor=owner or account_id, scope=terms.SCOPE_TRADE, account_id=account_id, instrument=instrument,
        side=side, offset=offset, kind=terms.LIMIT, time_in_force=terms.DAY, price=price, volume=volume,
        client_order_id=client_order_id,
    )  # fmt: skip
    return replace(plain, **fields)

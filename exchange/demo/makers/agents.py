"""House users: what each knows (market, orders, positions), and how it lives through whatever the venue does.
Called by run.py; maker.py and taker.py say what a user does while it is connected."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any, Final

import msgspec

from engine.core.codes import Code
from exchange.demo.makers.fair import Fair
from exchange.demo.makers.holding import BUY, EXPLICIT_EXCHANGES, SELL, Holding, holding_of
from exchange.demo.makers.ladder import Resting
from exchange.demo.makers.pacing import Backoff, Clock, TokenBucket
from exchange.demo.makers.session import Refused, Session, SessionLost, login, rest, session_open
from exchange.demo.makers.wire import AccountRow, Frame, InstrumentRow, OrderRow

logger = logging.getLogger(__name__)

DIRECTIONS: Final = {BUY: "BUY", SELL: "SELL"}
SIDES: Final = {"BUY": BUY, "SELL": SELL}
# After a refusal: how long the instrument, or the whole user, is left in peace.
INSTRUMENT_REST_S: Final = 5.0
MONEY_LOOK_S: Final = 30.0
# The venue as a whole has trouble: slow down altogether.
VENUE_CODES: Final = frozenset(
    {
        Code.THROTTLED, Code.BUSY, Code.NO_LEADER, Code.EXPIRED_IN_TRANSIT, Code.OUTCOME_UNKNOWN,
        Code.JOURNAL_FULL, Code.LIVE_REBUILDING, Code.CLIENT_ORDER_IDS_EXHAUSTED, Code.TOO_MANY_OPEN_ORDERS,
        Code.INTERNAL,
    }
)  # fmt: skip
# Nothing is wrong: the order was gone, or a push was on its way when we looked.
HARMLESS_CODES: Final = frozenset(
    {
        Code.ORDER_FINISHED, Code.ORDER_NOT_FOUND, Code.INSUFFICIENT_POSITION,
        Code.INSUFFICIENT_POSITION_TODAY, Code.INSUFFICIENT_POSITION_HISTORY, Code.POST_ONLY_WOULD_TAKE,
    }
)  # fmt: skip
MONEY_CODES: Final = frozenset({Code.INSUFFICIENT_FUNDS, Code.RISK_RATIO_TOO_HIGH})


class Credentials(msgspec.Struct, frozen=True):
    """A house user as `<data>/secrets/demo.json` names it."""

    username: str
    password: str


@dataclass(slots=True)
class Market:
    """One instrument as the house sees it; prices in ticks, volumes in lots."""

    row: InstrumentRow
    start: int  # the price it began with: a spot market's anchor
    fair: Fair
    usual: int  # lots of one level
    net_max: int  # lots a user may be long or short
    lower: int = 0
    upper: int = 0
    best_bid: int = 0
    best_ask: int = 0
    is_open: bool = True

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def is_spot(self) -> bool:
        return self.row.instrument_type == "spot"

    @property
    def is_explicit(self) -> bool:
        return self.row.exchange_id in EXPLICIT_EXCHANGES

    def ticks(self, price: Decimal | None) -> int:
        """A price as whole ticks; 0 for none."""
        return 0 if price is None else int((price / self.row.tick_size).to_integral_value())

    def lots(self, volume: Decimal) -> int:
        """A volume as whole lots."""
        return int(volume / self.row.lot_size)

    def price_text(self, ticks: int) -> str:
        return str(self.row.tick_size * ticks)

    def volume_text(self, lots: int) -> str:
        return str(self.row.lot_size * lots)

    def ticker(self, frame: Frame) -> None:
        """Take over what the venue says of the instrument's day."""
        self.lower, self.upper = self.ticks(frame.lower_limit), self.ticks(frame.upper_limit)
        self.best_bid, self.best_ask = self.ticks(frame.bid_price), self.ticks(frame.ask_price)
        self.is_open = frame.status == "trading" and frame.phase == "CONTINUOUS"
        anchor = self.ticks(frame.pre_settlement) or self.start
        self.fair.anchor_set(anchor, self.lower, self.upper)


@dataclass(slots=True)
class Book:
    """What one user has in one instrument."""

    market: Market
    resting: dict[str, Resting] = field(default_factory=dict)
    holding: Holding = field(default_factory=Holding)
    spot_net: int = 0  # spot: lots bought less sold since the start
    rest_until: float = 0.0

    @property
    def net(self) -> int:
        return self.spot_net if self.market.is_spot else self.holding.net


class Agent:
    """One house user: logs in, connects, acts until something breaks, pauses, and begins again, for ever."""

    channels: tuple[str, ...] = ("order", "position")

    def __init__(
        self,
        web: str,
        who: Credentials,
        markets: Mapping[str, Market],
        bucket: TokenBucket,
        *,
        rng: Random,
        clock: Clock,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self.who = who
        self.markets = markets
        self.bucket = bucket
        self.rng = rng
        self.clock = clock
        self.books = {name: Book(market) for name, market in markets.items()}
        self.refusals: dict[int, int] = {}
        self._web = web
        self._on_ready = on_ready
        self._backoff = Backoff(rng)
        self._slow = Backoff(rng, first_s=1.0)
        self.account_id = ""
        self._pause_s = 0.0
        self._money_due = False
        self._money_at = 0.0

    async def run(self) -> None:
        """For ever: only a cancel ends it."""
        while True:
            try:
                await self._live()
            except SessionLost as error:
                pause = self._backoff.next_s()
                logger.warning("%s: %s; again in %.1f s", self.who.username, error, pause)
                await asyncio.sleep(pause)

    async def act(self, session: Session) -> None:
        """One round of what this user does; takes its own time."""
        raise NotImplementedError

    async def _live(self) -> None:
        """One connection, from login to its loss. What was known of orders and positions begins anew."""
        token = await login(self._web, self.who.username, self.who.password)
        if not token.account_ids:
            raise SessionLost("no trading account")
        self.account_id = token.account_ids[0]
        for book in self.books.values():
            book.resting.clear()
        async with session_open(self._web, token.token, self.heard) as session:
            await session.expect(
                {"type": "subscribe", "channels": list(self.channels), "grouped": True,
                 "instruments": list(self.markets), "account_ids": [self.account_id]}
            )  # fmt: skip
            logger.info("%s: connected, account %s", self.who.username, self.account_id)
            self._on_ready()
            while True:
                await self._round(session)

    async def _round(self, session: Session) -> None:
        if self._pause_s:
            pause, self._pause_s = self._pause_s, 0.0
            await asyncio.sleep(pause)
        await self.act(session)
        self._backoff.reset()
        if self._money_due or self.clock() >= self._money_at:
            self._money_due, self._money_at = False, self.clock() + MONEY_LOOK_S
            await self._money_look(session)

    # ---- what the venue says ---------------------------------------------------------------------

    def heard(self, frame: Frame) -> None:
        """A push, in its order."""
        if frame.type == "order_status":
            if frame.snapshot:
                for book in self.books.values():
                    book.resting.clear()
            for row in frame.orders:
                self._order(row, is_news=not frame.snapshot)
        elif frame.type == "position_update":
            if frame.snapshot:
                for book in self.books.values():
                    book.holding = Holding()
            for position in frame.positions:
                held = self.books.get(f"{position.exchange_id}.{position.instrument_id}")
                if held is not None:
                    held.holding = holding_of(position)
        elif frame.type == "ticker":
            market = self.markets.get(f"{frame.exchange_id}.{frame.instrument_id}")
            if market is not None:
                market.ticker(frame)

    def _order(self, row: OrderRow, *, is_news: bool) -> None:
        book = self.books.get(f"{row.exchange_id}.{row.instrument_id}")
        if book is None:
            return
        market, side, left = book.market, SIDES[row.direction], book.market.lots(row.volume_left)
        known = book.resting.pop(row.order_id, None)
        if row.is_live:
            book.resting[row.order_id] = Resting(row.order_id, side, market.ticks(row.price), left)
        filled = known.left - left if known is not None and is_news else 0
        if filled > 0:
            book.spot_net += side * filled
            # Our bid was hit by a seller: the price goes down.
            market.fair.pushed(-side, filled, market.usual)

    def judge(self, book: Book, code: int | None) -> None:
        """What a refusal means for what comes next."""
        if code is None or code in HARMLESS_CODES:
            return
        self.refusals[code] = self.refusals.get(code, 0) + 1
        if code in VENUE_CODES:
            self._pause_s = max(self._pause_s, self._slow.next_s())
            logger.warning("%s: the venue says %s, pausing", self.who.username, code)
            return
        book.rest_until = self.clock() + INSTRUMENT_REST_S
        if code in MONEY_CODES:
            self._money_due = True
        logger.info("%s: %s refused with %s", self.who.username, book.market.name, code)

    def worked(self) -> None:
        """The venue takes orders: the next trouble begins with a short pause again."""
        self._slow.reset()

    # ---- what this user does ---------------------------------------------------------------------

    def may_act(self, book: Book) -> bool:
        """False while the instrument is closed, suspended, or was refused a moment ago."""
        return book.market.is_open and self.clock() >= book.rest_until

    async def tokens(self, count: int) -> None:
        """Wait until `count` orders (at most the burst) may be sent, and take them."""
        count = min(count, self.bucket.burst)
        while not self.bucket.take(count):
            await asyncio.sleep(self.bucket.wait_s(count))

    def order(
        self, book: Book, side: int, price: int, offset: str, lots: int, **fields: Any
    ) -> dict[str, Any]:
        """An order as /ws takes it."""
        market = book.market
        return {
            "instrument_id": market.name, "direction": DIRECTIONS[side], "offset": offset,
            "order_type": "LIMIT", "price": market.price_text(price), "volume": market.volume_text(lots),
            **fields,
        }  # fmt: skip

    async def submit(self, session: Session, book: Book, orders: list[dict[str, Any]]) -> None:
        """Send orders of one instrument in one message; refusals are judged, not raised."""
        self._results(book, await session.ask({"type": "submit_orders", "orders": orders}))

    async def cancel(self, session: Session, book: Book, order_ids: list[str]) -> None:
        """Cancel orders of one instrument in one message."""
        self._results(book, await session.ask({"type": "cancel_orders", "order_ids": order_ids}))

    def _results(self, book: Book, answer: Frame) -> None:
        if not answer.success:
            self.judge(book, answer.code)
            return
        for result in answer.results:
            self.judge(book, None if result.error is None else result.error.code)
        if any(result.success for result in answer.results):
            self.worked()

    # ---- money -----------------------------------------------------------------------------------

    async def _money_look(self, session: Session) -> None:
        """Fees eat the play money: ask for more as any user may, when little is left."""
        answer = await session.ask({"type": "query_account", "account_id": self.account_id})
        if not answer.success:
            return
        account = msgspec.json.decode(answer.data, type=AccountRow)
        wallets = {wallet.asset: wallet.available + wallet.locked for wallet in account.wallets}
        for currency, amount in money_wanted(account.balance, wallets).items():
            await self.deposit(currency, amount)

    async def deposit(self, currency: str, amount: Decimal) -> None:
        """Ask for money by REST, on a login of its own: the socket's token may have run out. Raises SessionLost."""
        token = await login(self._web, self.who.username, self.who.password)
        body = {
            "account_id": self.account_id,
            "amount": str(amount),
            "currency": currency,
            "remark": "house",
        }
        try:
            await rest(self._web, "/api/account/deposit", token=token.token, body=body)
        except Refused as error:
            logger.warning("%s: no more %s: %s", self.who.username, currency, error)
        else:
            logger.info("%s: was given %s %s", self.who.username, amount, currency)
        finally:
            await self._logout(token.token)

    async def _logout(self, token: str) -> None:
        try:
            await rest(self._web, "/api/auth/logout", token=token, body={})
        except Refused as error:
            logger.info("%s: not logged out: %s", self.who.username, error)


# What a house user tops up to, and the part of it below which he does.
PLAY_MONEY: Final = {
    "CNY": Decimal(10_000_000), "USDT": Decimal(5_000_000), "BTC": Decimal(50), "USDC": Decimal(1_000_000),
    "SOL": Decimal(7_000),
}  # fmt: skip
LOW: Final = Decimal("0.4")


def money_wanted(balance: Decimal, wallets: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """By currency what is missing where less than LOW of the play money is left."""
    held = {**wallets, "CNY": balance}
    wanted = {}
    for currency, full in PLAY_MONEY.items():
        left = held.get(currency, Decimal(0))
        if left < full * LOW:
            wanted[currency] = min(full, full - left).quantize(Decimal(1))
    return wanted

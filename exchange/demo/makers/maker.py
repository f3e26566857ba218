"""A market maker: quotes LEVELS levels on both sides of every open instrument and keeps its positions small.
Made by run.py."""

import asyncio
from typing import Any, Final

from exchange.demo.makers.agents import Agent, Book
from exchange.demo.makers.holding import BUY, SELL, offset_choose
from exchange.demo.makers.ladder import Rung, Style, ladder_changes, rungs_wanted
from exchange.demo.makers.session import Session

# Nothing to do anywhere: look again after this long.
IDLE_S: Final = 0.25
# At most so many orders of an instrument change in one round.
CHANGES_MAX: Final = 10


class Maker(Agent):
    """`style` tells it from the other maker."""

    style = Style(shift=0, half_spread=500)

    async def act(self, session: Session) -> None:
        """One pass over all instruments in random order."""
        busy = False
        for book in self.rng.sample(list(self.books.values()), len(self.books)):
            if self.may_act(book):
                busy = await self._quote(session, book) or busy
        if not busy:
            await asyncio.sleep(IDLE_S)

    async def _quote(self, session: Session, book: Book) -> bool:
        """Bring one instrument's quotes to where they should be; True when something had to change."""
        market = book.market
        wanted = rungs_wanted(
            market.fair.milli, market.fair.spacing, self.style,
            net=book.net, net_max=market.net_max, lower=market.lower, upper=market.upper,
        )  # fmt: skip
        cancels, missing = ladder_changes(wanted, book.resting.values(), market.fair.spacing)
        cancels, missing = cancels[:CHANGES_MAX], missing[:CHANGES_MAX]
        if cancels:
            await self.tokens(len(cancels))
            await self.cancel(session, book, [order.order_id for order in cancels])
        if missing:
            await self.tokens(len(missing))
            await self.submit(session, book, self._orders(book, missing))
        if abs(book.net) > market.net_max:
            await self.tokens(1)
            await self.submit(session, book, [self._flatten(book)])
        return bool(cancels or missing)

    def _orders(self, book: Book, rungs: list[Rung]) -> list[dict[str, Any]]:
        """Closing what can be closed first; each order freezes its lots before the next is thought of."""
        orders, holding = [], book.holding
        for rung in rungs:
            lots = self.rng.randint((book.market.usual + 1) // 2, book.market.usual + book.market.usual // 2)
            offset = "OPEN"
            if not book.market.is_spot:
                offset, lots = offset_choose(holding, rung.side, lots, book.market.is_explicit)
                holding = holding.without(rung.side, offset, lots, book.market.is_explicit)
            orders.append(self.order(book, rung.side, rung.price, offset, lots))
        return orders

    def _flatten(self, book: Book) -> dict[str, Any]:
        """Too long or too short: give a part to whoever quotes, a few levels through the fair price."""
        market = book.market
        side = SELL if book.net > 0 else BUY
        offset, lots = "OPEN", market.usual
        if not market.is_spot:
            offset, lots = offset_choose(book.holding, side, lots, market.is_explicit)
        price = market.fair.ticks + side * 3 * market.fair.spacing
        if market.upper:
            price = max(market.lower, min(market.upper, price))
        return self.order(book, side, price, offset, lots, time_in_force="IOC")


class WideMaker(Maker):
    """The second maker: a grid of its own and a wider spread."""

    style = Style(shift=1, half_spread=1_000)

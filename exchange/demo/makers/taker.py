"""A taker: buys or sells at the best opposite price now and then, against its own position when that is large.
Made by run.py; it alone listens to tickers, on behalf of the whole house."""

import asyncio
from typing import Final

from exchange.demo.makers.agents import Agent, Book
from exchange.demo.makers.holding import BUY, SELL, offset_choose
from exchange.demo.makers.session import Session

# Mean pause between two orders; the token bucket is only the upper bound.
PAUSE_S: Final = 0.6
THROUGH: Final = 1  # levels beyond the best price it accepts


class Taker(Agent):
    """One IOC order after the other."""

    channels = ("order", "position", "ticker")

    async def act(self, session: Session) -> None:
        """Pause, choose an instrument and a side, take."""
        await asyncio.sleep(self.rng.uniform(0.5, 1.5) * PAUSE_S)
        book = self.rng.choice(list(self.books.values()))
        side = self.side_choose(book)
        best = book.market.best_ask if side == BUY else book.market.best_bid
        if not best or not self.may_act(book):
            return
        await self.tokens(1)
        lots = self.rng.randint(-(-book.market.usual // 4), book.market.usual)
        offset = "OPEN"
        if not book.market.is_spot:
            offset, lots = offset_choose(book.holding, side, lots, book.market.is_explicit)
        price = best + side * THROUGH * book.market.fair.spacing
        if book.market.upper:
            price = max(book.market.lower, min(book.market.upper, price))
        await self.submit(session, book, [self.order(book, side, price, offset, lots, time_in_force="IOC")])

    def side_choose(self, book: Book) -> int:
        """By chance; the larger the position, the likelier the side that makes it smaller, at the limit surely."""
        net, net_max = book.net, book.market.net_max
        return BUY if self.rng.uniform(-net_max, net_max) >= net else SELL

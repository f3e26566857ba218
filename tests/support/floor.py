"""The trading floor of the app tier: a served venue, its projections, and two traders with funded accounts.
Called by the tests of REST and of the sockets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from engine.core.engine import Engine
from engine.live import live
from market.directory import directory
from tests.support.people import Person, account_row, person
from tests.support.venue import Venue
from tests.support.waiting import wait_until


@dataclass
class Trader:
    """A person with one open account."""

    person: Person
    account_id: int

    @property
    def account(self) -> str:
        """The account as the wire writes it."""
        return str(self.account_id)


@dataclass
class Floor:
    """`alice` and `bob` each hold 10,000,000 CNY and spot assets; instruments IF2512, cu2512 and BTC_USDT."""

    venue: Venue
    alice: Trader
    bob: Trader

    @property
    def engine(self) -> Engine:
        """The leader's state; look, do not touch."""
        return self.venue.engine

    def fingerprint(self) -> list[Any]:
        """Every account, live order, instrument and ledger account: equal means nothing was changed."""
        engine = self.engine
        return [
            [engine.account_view(account_id) for account_id in sorted(engine.accounts)],
            [engine.order_view(order_id) for order_id in sorted(engine.orders)],
            [engine.instrument_view(name) for name in sorted(engine.instruments)],
            engine.ledger_balances(),
        ]

    def order(self, trader: Trader | None = None, **fields: Any) -> dict[str, Any]:
        """A body of /api/order/submit: BUY OPEN 1 IF2512 @ 3800."""
        body: dict[str, Any] = {
            "instrument_id": "IF2512", "direction": "BUY", "offset": "OPEN", "order_type": "LIMIT",
            "price": 3800, "volume": 1,
        }  # fmt: skip
        return {**body, **fields}

    def project(self) -> None:
        """Bring Postgres up to date."""
        wait_until(lambda: live().head().seq == self.engine.seq, what="live state is up to date")
        self.venue.project()


@contextmanager
def floor_open(venue: Venue) -> Iterator[Floor]:
    """Traders on a venue with instruments; served until the block ends."""
    directory().clear()
    traders = []
    for name in ("alice", "bob"):
        someone = person(name)
        account = account_row(someone, name=name)
        venue.open_account(account.pk, someone.user_id, USDT=10**12, BTC=10**10)
        traders.append(Trader(someone, account.pk))
    with venue.serving():
        yield Floor(venue, *traders)

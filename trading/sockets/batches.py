"""One journal batch as the streams look at it: sorted by instrument and account once, for all connections.
Made by trading/sockets/fanout.py, read by the streams."""

from __future__ import annotations

from functools import cached_property

from engine.core.events import Trade
from engine.core.views import AccountView, OrderView
from engine.hub import BatchSeen


class Batch:
    """What a batch changed; each part is worked out when the first stream asks for it."""

    def __init__(self, seen: BatchSeen) -> None:
        self._seen = seen
        self.epoch = seen.epoch
        self.seq = seen.last_seq
        self.time = seen.time
        self._accounts: dict[int, AccountView | None] = {}
        self._orders: dict[int, list[OrderView]] = {}

    @property
    def position(self) -> tuple[int, int]:
        """(epoch, seq)."""
        return self.epoch, self.seq

    @cached_property
    def instruments(self) -> frozenset[str]:
        """Instruments whose day, rules or depth changed."""
        entries = self._seen.changes.entries
        return frozenset(entry[0] for entry in (*entries[3], *entries[4]))

    @cached_property
    def marked(self) -> frozenset[str]:
        """Instruments whose mark may have moved."""
        return frozenset(entry[0] for entry in self._seen.changes.entries[3])

    @property
    def is_venue_changed(self) -> bool:
        """True when a setting of the venue, its trading day or the step of the day changed."""
        return bool(self._seen.changes.settings)

    @cached_property
    def accounts(self) -> frozenset[int]:
        """Accounts that changed, or whose orders did, or that traded."""
        accounts, orders, ended = self._seen.changes.entries[:3]
        touched = {entry[0] for entry in accounts} | {entry[1] for entry in (*orders, *ended)}
        return frozenset(touched | self._own_trades.keys())

    def account(self, account_id: int) -> AccountView | None:
        """The account after the batch; None when it was not touched."""
        if account_id not in self._accounts:
            self._accounts[account_id] = self._seen.changes.account(account_id)
        return self._accounts[account_id]

    def orders_of(self, account_id: int) -> list[OrderView]:
        """The account's touched orders, each in its last state."""
        if account_id not in self._orders:
            self._orders[account_id] = self._seen.changes.orders_of(account_id)
        return self._orders[account_id]

    def trades_of(self, instrument: str) -> list[Trade]:
        """The instrument's trades, in order."""
        return self._trades.get(instrument, [])

    def own_trades_of(self, account_id: int) -> list[Trade]:
        """The trades in which the account took part, each once, in order."""
        return self._own_trades.get(account_id, [])

    @cached_property
    def _trades(self) -> dict[str, list[Trade]]:
        found: dict[str, list[Trade]] = {}
        for _, event in self._seen.events:
            if type(event) is Trade:
                found.setdefault(event.instrument, []).append(event)
        return found

    @cached_property
    def _own_trades(self) -> dict[int, list[Trade]]:
        found: dict[int, list[Trade]] = {}
        for _, event in self._seen.events:
            if type(event) is Trade:
                for account_id in {event.buy_account_id: None, event.sell_account_id: None}:
                    found.setdefault(account_id, []).append(event)
        return found

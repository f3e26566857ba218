"""What one connection was last sent of one stream, and how the next push follows from the newest state.
Called by trading/sockets/fanout.py (take) and the connection's writer (render); no I/O.

Every push carries stream, epoch, seq (the journal sequence of its last change) and prev (the seq sent before it
on this stream to this connection; null on a snapshot). A skipped seq is conflation, a broken prev is a gap."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from engine.core import terms
from engine.core.commands import InstrumentSpec
from engine.core.events import Trade
from engine.core.views import AccountView, DepthView, InstrumentView, OrderView, PositionView
from engine.live import LivePrivate
from engine.live.funds import funds_of
from market.calculations import bare_id, exchange_id
from market.depth import Book, book_diff, book_of
from market.wire import levels_wire, public_trade_wire, ticker_wire
from trading.sockets.batches import Batch
from trading.wire import funds_wire, order_wire, position_wire, trade_wire

Push = dict[str, Any]
Recent = Callable[
    [str], Iterable[tuple[Trade, int]]
]  # the newest public trades of an instrument, their times
TAPE_MAX: Final = 1_000
TAPE_SNAPSHOT: Final = 50
GROUP_COUNTS_AS: Final = 100  # rows that count as one waiting item where they leave in one push


class Market(Protocol):
    """The newest market of this process: the hub."""

    @property
    def held(self) -> tuple[int, int]: ...
    def instrument(self, instrument: str) -> InstrumentView | None: ...
    def depth(self, instrument: str) -> DepthView | None: ...
    def instruments(self) -> list[InstrumentView]: ...
    def venue(self) -> dict[str, int]: ...


class Stream:
    """One stream of one connection. `seq` is what was last sent (or loaded); None before the snapshot."""

    kind = ""
    is_private = False

    def __init__(self, channel: str, target: str) -> None:
        self.name = f"{channel}.{target}"
        self.channel = channel
        self.target = target
        self.epoch = 0
        self.seq: int | None = None
        self.reason = ""

    @property
    def pending(self) -> int:
        """Private items waiting that may not be dropped."""
        return 0

    def take(self, batch: Batch) -> bool:
        """Note what a batch changed; True when there may be something to send."""
        raise NotImplementedError

    def render(self, market: Market) -> list[Push]:
        """What to send now; afterwards it counts as sent."""
        raise NotImplementedError

    def restart(self, reason: str) -> None:
        """Forget what was sent: the next push is a snapshot, marked with the reason."""
        self.seq = None
        self.reason = reason

    def _push(self, position: tuple[int, int], fields: Mapping[str, Any]) -> Push:
        """The frame around `fields`; moves `seq` on. The first is a snapshot."""
        epoch, seq = position
        push: Push = {
            "type": self.kind,
            "stream": self.name,
            "epoch": epoch,
            "seq": seq,
            "prev": self.seq,
            "snapshot": self.seq is None,
        }
        if self.seq is None and self.reason:
            push["reason"] = self.reason
        push.update(fields)
        self.epoch, self.seq, self.reason = epoch, seq, ""
        return push


# ---- public --------------------------------------------------------------------------------------


class PublicStream(Stream):
    """A stream about one instrument, conflated: only the newest state is sent."""

    def __init__(self, channel: str, instrument: str) -> None:
        super().__init__(channel, instrument)
        self.instrument = instrument
        self._changed: tuple[int, int] | None = None
        self._time: int | None = None

    def take(self, batch: Batch) -> bool:
        if self.instrument not in batch.instruments:
            return False
        self._changed, self._time = batch.position, batch.time
        return True

    def _position(self, market: Market) -> tuple[int, int]:
        """Where the last change stands; of a snapshot, where the market stands."""
        return market.held if self.seq is None or self._changed is None else self._changed


class OrderBookStream(PublicStream):
    """The best levels as differences; volume 0 takes a level away."""

    kind = "order_book"

    def __init__(self, channel: str, instrument: str, levels: int) -> None:
        super().__init__(channel, instrument)
        self.levels = levels
        self._sent = Book()

    def render(self, market: Market) -> list[Push]:
        view, depth = market.instrument(self.instrument), market.depth(self.instrument)
        if view is None:
            return []
        is_first = self.seq is None
        book = book_of(depth, self.levels)
        bids, asks = book_diff(Book() if is_first else self._sent, book)
        if not (bids or asks or is_first):
            return []
        self._sent = book
        fields = {
            "instrument_id": bare_id(self.instrument),
            "exchange_id": exchange_id(self.instrument),
            "bids": levels_wire(view.spec, bids),
            "asks": levels_wire(view.spec, asks),
            "timestamp": self._time,
        }
        return [self._push(self._position(market), fields)]


class TickerStream(PublicStream):
    """The instrument's day and best prices, whole every time."""

    kind = "ticker"

    def __init__(self, channel: str, instrument: str) -> None:
        super().__init__(channel, instrument)
        self._sent: Mapping[str, Any] | None = None

    def render(self, market: Market) -> list[Push]:
        view = market.instrument(self.instrument)
        if view is None:
            return []
        fields = ticker_wire(view, market.depth(self.instrument))
        if self.seq is not None and fields == self._sent:
            return []
        self._sent = fields
        return [self._push(self._position(market), {**fields, "timestamp": self._time})]


class TapeStream(PublicStream):
    """Public trades, all of them; a reader who falls a thousand behind gets a snapshot of the newest."""

    kind = "trades"

    def __init__(self, channel: str, instrument: str, recent: Recent) -> None:
        super().__init__(channel, instrument)
        self._recent = recent
        self._waiting: deque[tuple[Trade, int]] = deque()

    def take(self, batch: Batch) -> bool:
        trades = batch.trades_of(self.instrument)
        if not trades:
            return False
        self._changed, self._time = batch.position, batch.time
        if self.seq is not None:
            self._waiting.extend((trade, batch.time) for trade in trades)
            if len(self._waiting) > TAPE_MAX:
                self.restart("conflated")
        return True

    def restart(self, reason: str) -> None:
        super().restart(reason)
        self._waiting.clear()

    def render(self, market: Market) -> list[Push]:
        view = market.instrument(self.instrument)
        if view is None:
            return []
        if self.seq is None:
            trades = list(self._recent(self.instrument))
        elif self._waiting:
            trades = list(self._waiting)
        else:
            return []
        self._waiting.clear()
        fields = {
            "instrument_id": bare_id(self.instrument),
            "exchange_id": exchange_id(self.instrument),
            "trades": [public_trade_wire(view.spec, trade, time) for trade, time in trades],
        }
        return [self._push(self._position(market), fields)]


# ---- private -------------------------------------------------------------------------------------


class PrivateStream(Stream):
    """A stream about one account. It stays silent until `load` gave it the state its snapshot shows."""

    is_private = True

    def __init__(self, channel: str, account_id: int, is_grouped: bool = False) -> None:
        super().__init__(channel, str(account_id))
        self.account_id = account_id
        self.is_grouped = is_grouped
        self.is_loaded = False
        self._changed: tuple[int, int] = (0, 0)
        self._time = 0

    def load(self, state: LivePrivate, position: tuple[int, int]) -> None:
        """Live state as it is at `position`, read after this stream began to take batches."""
        self.is_loaded = True

    def restart(self, reason: str) -> None:
        super().restart(reason)
        self.is_loaded = False

    def _note(self, batch: Batch) -> None:
        self._changed, self._time = batch.position, batch.time

    def _waits(self, count: int) -> int:
        """How many frames `count` rows will be."""
        return -(-count // GROUP_COUNTS_AS) if self.is_grouped else count

    def _pushes(self, name: str, rows: list[dict[str, Any]]) -> list[Push]:
        """One push a row, or one with all of them. Rows of one moment share its seq and are numbered, so
        that a lost one is seen."""
        prev = self.seq
        if self.is_grouped:
            return [self._push(self._changed, {"account_id": self.target, name: rows})] if rows else []
        pushes = []
        for number, row in enumerate(rows, start=1):
            push = self._push(self._changed, {**row, "part": number, "parts": len(rows)})
            push["prev"] = prev
            pushes.append(push)
        return pushes


class AccountStream(PrivateStream):
    """The account's money: pushed when it changes, when the mark of something it holds moves, and when the
    venue's settings or the step of its day do (they bound what may be withdrawn)."""

    kind = "account_update"

    def __init__(self, channel: str, account_id: int, is_grouped: bool = False) -> None:
        super().__init__(channel, account_id, is_grouped)
        self._account: AccountView | None = None
        self._account_at = -1

    def take(self, batch: Batch) -> bool:
        view = batch.account(self.account_id)
        if view is not None:
            self._account, self._account_at = view, batch.seq
        elif not (batch.is_venue_changed or self._is_marked(batch)):
            return False
        self._note(batch)
        return self.is_loaded

    def _is_marked(self, batch: Batch) -> bool:
        account = self._account
        return account is not None and any(p.instrument in batch.marked for p in account.positions)

    def load(self, state: LivePrivate, position: tuple[int, int]) -> None:
        super().load(state, position)
        if position[1] >= self._account_at:
            self._account, self._account_at = state.account, position[1]

    def restart(self, reason: str) -> None:
        super().restart(reason)
        self._account, self._account_at = None, -1

    def render(self, market: Market) -> list[Push]:
        account = self._account
        if account is None or not self.is_loaded:
            return []
        marks = _marks(account, market)
        if marks is None:
            return []
        position = market.held if self.seq is None else self._changed
        fields = funds_wire(
            funds_of(account, marks, epoch=position[0], seq=position[1], venue=market.venue())
        )
        return [self._push(position, {**fields, "timestamp": self._time or None})]


def _marks(account: AccountView, market: Market) -> dict[str, int] | None:
    """Money units a lot at the mark, of everything the account holds."""
    marks = {}
    for held in account.positions:
        view = market.instrument(held.instrument)
        if view is None:
            return None
        marks[held.instrument] = view.mark
    return marks


class PositionStream(AccountStream):
    """The rows that differ from those last sent; an instrument no longer held comes once more, with zeros."""

    kind = "position_update"

    def __init__(self, channel: str, account_id: int, is_grouped: bool = False) -> None:
        super().__init__(channel, account_id, is_grouped)
        self._sent: dict[str, dict[str, Any]] = {}

    def render(self, market: Market) -> list[Push]:
        account = self._account
        if account is None or not self.is_loaded or _marks(account, market) is None:
            return []
        if self.seq is None:
            self._sent = {}
        held = {position.instrument: position for position in account.positions}
        gone = [PositionView(name, *[0] * 14) for name in self._sent if name not in held]
        rows = {p.instrument: _row(self.account_id, p, market) for p in [*held.values(), *gone]}
        changed = [row for name, row in rows.items() if row != self._sent.get(name)]
        if not changed and self.seq is not None:
            return []
        self._sent = {name: rows[name] for name in held}
        position = market.held if self.seq is None else self._changed
        fields = {"account_id": self.target, "positions": changed, "timestamp": self._time or None}
        return [self._push(position, fields)]


def _row(account_id: int, held: PositionView, market: Market) -> dict[str, Any]:
    view = market.instrument(held.instrument)
    assert view is not None, held.instrument
    return position_wire(account_id, held, view)


class OrderStream(PrivateStream):
    """Orders as they change, the newest state of each; the snapshot holds the live ones."""

    kind = "order_status"

    def __init__(self, channel: str, account_id: int, is_grouped: bool = False) -> None:
        super().__init__(channel, account_id, is_grouped)
        self._waiting: dict[int, tuple[OrderView, int]] = {}  # by order id: the newest view, its time
        self._waiting_at: dict[int, int] = {}  # and its seq
        self._live: dict[int, tuple[OrderView, int | None]] = {}
        self._owner = 0

    @property
    def pending(self) -> int:
        return self._waits(len(self._waiting))

    def take(self, batch: Batch) -> bool:
        orders = batch.orders_of(self.account_id)
        if not orders:
            return False
        self._note(batch)
        for order in orders:
            self._waiting[order.order_id] = (order, batch.time)
            self._waiting_at[order.order_id] = batch.seq
        return self.is_loaded

    def load(self, state: LivePrivate, position: tuple[int, int]) -> None:
        super().load(state, position)
        self._owner = state.account.owner
        self._live = {order.order_id: (order, None) for order in state.orders}
        self._live.update(
            (key, item) for key, item in self._waiting.items() if self._waiting_at[key] > position[1]
        )
        self._forget()

    def restart(self, reason: str) -> None:
        super().restart(reason)
        self._forget()

    def _forget(self) -> None:
        self._waiting, self._waiting_at = {}, {}

    def render(self, market: Market) -> list[Push]:
        if not self.is_loaded:
            return []
        if self.seq is None:
            self._live.update(self._waiting)
            live = [item for item in self._live.values() if item[0].status == terms.LIVE]
            rows = [self._row(item, market) for item in live]
            self._live = {}
            self._forget()
            return [self._push(market.held, {"account_id": self.target, "orders": rows})]
        rows = [self._row(item, market) for item in self._waiting.values()]
        self._forget()
        return self._pushes("orders", rows)

    def _row(self, item: tuple[OrderView, int | None], market: Market) -> dict[str, Any]:
        order, changed_at = item
        view = market.instrument(order.instrument)
        assert view is not None, order.instrument
        if changed_at is None and order.left == order.volume:
            changed_at = order.accepted_at
        row = order_wire(order, view.spec, user_id=self._owner, updated_at=changed_at)
        row |= {
            "exchange_order_id": row["order_id"],
            "price_type": row["order_type"],
            "timestamp": changed_at,
        }
        return row


class TradeStream(PrivateStream):
    """The account's own trades. Its snapshot is empty: it says from which sequence on the pushes are whole."""

    kind = "trade"

    def __init__(self, channel: str, account_id: int, is_grouped: bool = False) -> None:
        super().__init__(channel, account_id, is_grouped)
        self._trades: list[tuple[Trade, int]] = []  # the trade, its time

    @property
    def pending(self) -> int:
        return self._waits(len(self._trades))

    def take(self, batch: Batch) -> bool:
        trades = batch.own_trades_of(self.account_id)
        if not trades:
            return False
        self._note(batch)
        if self.is_loaded and self.seq is not None:
            self._trades.extend((trade, batch.time) for trade in trades)
        return self.is_loaded

    def restart(self, reason: str) -> None:
        super().restart(reason)
        self._trades.clear()

    def render(self, market: Market) -> list[Push]:
        if not self.is_loaded:
            return []
        if self.seq is None:
            return [self._push(market.held, {"account_id": self.target, "trades": []})]
        waiting, self._trades = self._trades, []
        rows: list[dict[str, Any]] = []
        for trade, time in waiting:
            rows += trade_wire(trade, _spec(market, trade.instrument), self.account_id, time=time)
        return self._pushes("trades", rows)


def _spec(market: Market, instrument: str) -> InstrumentSpec:
    view = market.instrument(instrument)
    assert view is not None, instrument
    return view.spec

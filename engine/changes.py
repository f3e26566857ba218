"""What a journal batch changed, as the views readers see: made once by the leader after applying it.
Written to live state (engine/live), carried in the event message, read by web processes (engine/hub)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from engine.core import terms
from engine.core.engine import order_view_of
from engine.core.events import (
    AccountFrozen,
    AccountGranted,
    AccountOpened,
    AccountSettled,
    CashMoved,
    DayOpened,
    DayStepDone,
    Event,
    InstrumentListed,
    InstrumentStateChanged,
    OrderAccepted,
    OrderEnded,
    PositionSettled,
    RatesChanged,
    SettlementPrice,
    Trade,
    VenueChanged,
)
from engine.core.views import AccountView, DepthView, InstrumentView, OrderView
from engine.messages import WireRefused, fields_pack, fields_unpack, wire_decode, wire_encode

if TYPE_CHECKING:
    from engine.core.engine import Applied, Engine

DEPTH_LEVELS: Final = 20
PIECE: Final = 100
Key = TypeVar("Key", int, str)
View = TypeVar("View")


class Column(Generic[View]):
    """Views of one kind: objects where they were made, [key, …, bytes] entries where they were received.

    Each is made from the other only when asked for, so that every view is packed once and a web process
    unpacks only what one of its clients watches."""

    __slots__ = ("_entries", "_kind", "_views")

    def __init__(
        self, kind: type[View], views: list[View] | None = None, entries: list[list[Any]] | None = None
    ) -> None:
        self._kind = kind
        self._views = views
        self._entries = entries

    @property
    def views(self) -> list[View]:
        if self._views is None:
            self._views = [self._unpack(entry) for entry in self.entries]
        return self._views

    @property
    def entries(self) -> list[list[Any]]:
        """Last of each entry are the view's packed fields, before them its keys (see `_keys`)."""
        if self._entries is None:
            self._entries = [[*_keys(view), view_pack(view)] for view in self._views or ()]
        return self._entries

    def matching(self, place: int, key: int | str) -> list[View]:
        """The views whose key at `place` is `key`."""
        if self._views is not None:
            return [view for view in self._views if _keys(view)[place] == key]
        return [self._unpack(entry) for entry in self.entries if entry[place] == key]

    def _unpack(self, entry: list[Any]) -> View:
        return view_unpack(self._kind, entry[-1])

    def __len__(self) -> int:
        return len(self._views if self._views is not None else self.entries)


def _keys(view: Any) -> tuple[int | str, ...]:
    """account: id · order: id, account · instrument: id, mark (money units a lot) · depth: instrument."""
    if type(view) is AccountView:
        return (view.account_id,)
    if type(view) is OrderView:
        return (view.order_id, view.account_id)
    if type(view) is InstrumentView:
        return (view.spec.instrument, view.mark)
    return (view.instrument,)


def view_pack(view: Any) -> bytes:
    """A view's fields as MessagePack: the value live state holds."""
    return wire_encode(fields_pack(view))


def view_unpack(kind: type[View], data: bytes) -> View:
    """The reverse of view_pack; raises WireRefused."""
    view: View = fields_unpack(kind, wire_decode(data))
    return view


_KINDS: Final[tuple[type[Any], ...]] = (AccountView, OrderView, OrderView, InstrumentView, DepthView)


class Changes:
    """The touched accounts, instruments, depths and live orders as they are after the batch; the orders that
    finished in it; the venue's settings that were set."""

    __slots__ = ("_columns", "settings")

    def __init__(self, columns: Sequence[Column[Any]], settings: Mapping[str, int]) -> None:
        self._columns = tuple(columns)
        self.settings = dict(settings)

    @property
    def accounts(self) -> list[AccountView]:
        return self._columns[0].views

    @property
    def orders(self) -> list[OrderView]:
        """Touched orders that are live after the batch."""
        return self._columns[1].views

    @property
    def ended(self) -> list[OrderView]:
        """Orders that finished in the batch, with their last status, left and code."""
        return self._columns[2].views

    @property
    def instruments(self) -> list[InstrumentView]:
        return self._columns[3].views

    @property
    def depths(self) -> list[DepthView]:
        return self._columns[4].views

    def account(self, account_id: int) -> AccountView | None:
        """The account after the batch; None when the batch did not touch it."""
        found: list[AccountView] = self._columns[0].matching(0, account_id)
        return found[0] if found else None

    def orders_of(self, account_id: int) -> list[OrderView]:
        """The account's touched orders, finished ones first."""
        found: list[OrderView] = self._columns[2].matching(1, account_id)
        return found + self._columns[1].matching(1, account_id)

    @property
    def entries(self) -> tuple[list[list[Any]], ...]:
        """Packed: accounts, orders, ended, instruments, depths; see Column.entries."""
        return tuple(column.entries for column in self._columns)

    def __len__(self) -> int:
        """How many views and settings."""
        return len(self.settings) + sum(len(column) for column in self._columns)


def changes_make(
    accounts: Iterable[AccountView] = (),
    orders: Iterable[OrderView] = (),
    ended: Iterable[OrderView] = (),
    instruments: Iterable[InstrumentView] = (),
    depths: Iterable[DepthView] = (),
    settings: Mapping[str, int] | None = None,
) -> Changes:
    """Changes from views."""
    columns = (
        Column(AccountView, list(accounts)),
        Column(OrderView, list(orders)),
        Column(OrderView, list(ended)),
        Column(InstrumentView, list(instruments)),
        Column(DepthView, list(depths)),
    )
    return Changes(columns, settings or {})


def changes_pack(changes: Changes) -> list[Any]:
    """Plain lists for the event message."""
    return [*changes.entries, changes.settings]


def changes_unpack(wire: Any) -> Changes:
    """The reverse of changes_pack; views are unpacked when asked for. Raises WireRefused."""
    if not isinstance(wire, list) or len(wire) != len(_KINDS) + 1 or not isinstance(wire[-1], dict):
        raise WireRefused(f"not the changes of a batch: {wire!r:.80}")
    columns = [Column(kind, entries=entries) for kind, entries in zip(_KINDS, wire, strict=False)]
    return Changes(columns, wire[-1])


class Touched:
    """What a batch touched, by id, in the order of its events (dictionaries stand for ordered sets)."""

    __slots__ = ("accounts", "books", "ended", "instruments", "orders", "venue")

    def __init__(self) -> None:
        self.accounts: dict[int, None] = {}
        self.orders: dict[int, None] = {}
        self.instruments: dict[str, None] = {}
        self.books: dict[str, None] = {}
        self.ended: dict[int, OrderView] = {}
        self.venue = False


def touched_of(engine: Engine, applied: Applied) -> Touched:
    """Read a batch's events, right after it was applied."""
    touched = Touched()
    accounts, orders, books = touched.accounts, touched.orders, touched.books
    days: list[DayOpened | DayStepDone] = []
    for event in applied.events:
        if isinstance(event, OrderAccepted):
            accounts[event.account_id] = orders[event.order_id] = books[event.instrument] = None
        elif isinstance(event, Trade):
            accounts[event.buy_account_id] = accounts[event.sell_account_id] = None
            orders[event.buy_order_id] = orders[event.sell_order_id] = None
            touched.instruments[event.instrument] = books[event.instrument] = None
        elif isinstance(event, OrderEnded):
            accounts[event.account_id] = orders[event.order_id] = books[event.instrument] = None
        elif isinstance(event, DayOpened | DayStepDone):
            days.append(event)
        else:
            _touch_other(touched, event)
    _touch_day(touched, engine, days)
    for order in applied.finished:
        touched.orders.pop(order.order_id, None)
        touched.ended[order.order_id] = order_view_of(order)
    return touched


def _touch_other(touched: Touched, event: Event) -> None:
    """The rarer events; those of no effect (Rejected, OrderReported, …) touch nothing."""
    if isinstance(event, _OF_ACCOUNT):
        touched.accounts[event.account_id] = None
        if isinstance(event, PositionSettled):
            touched.instruments[event.instrument] = None
    elif isinstance(event, _OF_INSTRUMENT):
        touched.instruments[event.instrument] = None
    elif isinstance(event, InstrumentListed):
        touched.instruments[event.spec.instrument] = touched.books[event.spec.instrument] = None
    elif isinstance(event, VenueChanged):
        touched.venue = True


_OF_ACCOUNT: Final = (
    AccountOpened,
    AccountGranted,
    AccountFrozen,
    CashMoved,
    PositionSettled,
    AccountSettled,
)
_OF_INSTRUMENT: Final = (InstrumentStateChanged, RatesChanged, SettlementPrice)


def _touch_day(touched: Touched, engine: Engine, days: Iterable[DayOpened | DayStepDone]) -> None:
    """Steps of the day touch more than they name: a chunk's two DayStepDone bound what it went over."""
    begin: int | None = None
    for event in days:
        touched.venue = True
        if isinstance(event, DayOpened) or (event.step == terms.STEP_SETTLED and event.finished):
            touched.instruments |= dict.fromkeys(engine.instruments)
        elif event.step in (terms.STEP_RATED, terms.STEP_REVALIDATED):
            if begin is None:
                begin = event.cursor
            else:
                end = None if event.finished else event.cursor
                _touch_chunk(touched, engine, event.step, begin, end)
                begin = None


def _touch_chunk(touched: Touched, engine: Engine, step: int, begin: int, end: int | None) -> None:
    """From begin up to end: accounts (new margins), or live futures orders and theirs (new reservations)."""
    if step == terms.STEP_RATED:
        touched.accounts |= dict.fromkeys(
            account_id for account_id in engine.state.account_ids if _between(account_id, begin, end)
        )
        return
    for order_id, order in engine.orders.items():
        if _between(order_id, begin, end) and not order.instrument.is_spot:
            touched.orders[order_id] = None
            touched.accounts[order.account.account_id] = None


def _between(key: int, begin: int, end: int | None) -> bool:
    return key >= begin and (end is None or key < end)


def changes_of(engine: Engine, applied: Applied, *, depth_levels: int = DEPTH_LEVELS) -> Changes:
    """What the batch just applied changed. The engine must not have moved since."""
    touched, live = touched_of(engine, applied), engine.orders
    return changes_make(
        accounts=[engine.account_view(account_id) for account_id in touched.accounts],
        orders=[engine.order_view(order_id) for order_id in touched.orders if order_id in live],
        ended=touched.ended.values(),
        instruments=[engine.instrument_view(instrument) for instrument in touched.instruments],
        depths=[engine.depth_view(instrument, depth_levels) for instrument in touched.books],
        settings=venue_settings(engine) if touched.venue else None,
    )


def venue_settings(engine: Engine) -> dict[str, int]:
    """The venue's settings, its trading day and the step of the day, as readers find them."""
    return {**engine.state.settings, "trading_day": engine.trading_day, "step": engine.step}


def changes_all(engine: Engine, depth_levels: int = DEPTH_LEVELS) -> Iterator[Changes]:
    """The whole state in pieces of at most 2 × PIECE views, so that a loop can breathe between."""
    yield changes_make(settings=venue_settings(engine))
    for names in _pieces(sorted(engine.instruments)):
        yield changes_make(
            instruments=[engine.instrument_view(name) for name in names],
            depths=[engine.depth_view(name, depth_levels) for name in names],
        )
    for ids in _pieces(sorted(engine.accounts)):
        yield changes_make(accounts=[engine.account_view(account_id) for account_id in ids])
    for ids in _pieces(sorted(engine.orders)):
        yield changes_make(orders=[engine.order_view(order_id) for order_id in ids])


def _pieces(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    for begin in range(0, len(keys), PIECE):
        yield keys[begin : begin + PIECE]

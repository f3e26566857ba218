"""The whole state as plain lists in one canonical order, and back: what snapshots and the state hash are made of.
Called by the engine; what can be derived (margin groups, cached costs, levels) is not stored but built again."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

from engine.core import terms
from engine.core.account import Account, Holding, Lot, orders_finished
from engine.core.book import NoOrder, Order
from engine.core.commands import InstrumentSpec, OrderSubmit, Rates, body_of
from engine.core.instrument import Instrument
from engine.core.state import Request, State

VERSION = 1
_STATE = ("seq", "time", "rules", "trading_day", "step", "run_id", "cursor", "trade_no", "roll")
_CASH = (
    "freeze",
    "pre_balance",
    "deposit",
    "withdraw",
    "close_profit",
    "commission",
    "frozen_commission",
    "ids_roll",
)
_HOLDING = (
    "today_volume",
    "history_volume",
    "frozen_today",
    "frozen_history",
    "frozen",
    "opening",
    "today_pool",
    "open_cost",
    "position_cost",
    "margin",
    "margin_history",
    "margin_frozen",
)
_ORDER = ("order_id", "offset", "price", "left", "budget_left", "accepted_at", "margin_lot", "fee_lot")


def state_dump(state: State) -> list[Any]:
    return [
        VERSION,
        [getattr(state, name) for name in _STATE],
        [[name, value] for name, value in sorted(state.settings.items())],
        [[currency, account, amount] for (currency, account), amount in sorted(state.ledger.items())],
        [_instrument_dump(instrument) for instrument in state.instruments.values()],
        [_account_dump(state.accounts[account_id]) for account_id in state.account_ids],
        [_book_dump(instrument) for instrument in state.instruments.values()],
        [[key, request.dump()] for key, request in state.requests.items()],
        [[key, request.dump()] for key, request in state.requests_before.items()],
    ]


def state_load(plain: Sequence[Any]) -> State:
    if plain[0] != VERSION:
        raise ValueError(f"a snapshot of version {plain[0]}; this program reads {VERSION}")
    _, figures, settings, ledger, instruments, accounts, books, requests, requests_before = plain
    state = State()
    for name, value in zip(_STATE, figures, strict=True):
        setattr(state, name, value)
    state.settings.update((name, value) for name, value in settings)
    state.settings_apply()
    state.ledger = {(currency, account): amount for currency, account, amount in ledger}
    for each in instruments:
        instrument = _instrument_load(each)
        state.instruments[instrument.instrument] = instrument
    for each in accounts:
        account = _account_load(state, each)
        state.accounts[account.account_id] = account
        state.account_ids.append(account.account_id)
        state.owners.setdefault(account.owner, []).append(account)
    for instrument, each in zip(state.instruments.values(), books, strict=True):
        _book_load(state, instrument, each)
    state.orders = dict(sorted(state.orders.items()))
    for account in state.accounts.values():
        account.refresh()
    state.requests = {key: Request(*values) for key, values in requests}
    state.requests_before = {key: Request(*values) for key, values in requests_before}
    return state


def _spec_dump(spec: InstrumentSpec | Rates) -> list[Any]:
    return [list(value) if isinstance(value, tuple) else value for value in astuple(spec)]


def _instrument_dump(instrument: Instrument) -> list[Any]:
    rates_next = _spec_dump(instrument.rates_next) if instrument.rates_next is not None else []
    return [_spec_dump(instrument.spec), rates_next, instrument.dump()]


def _instrument_load(plain: Sequence[Any]) -> Instrument:
    spec, rates_next, figures = plain
    fields: list[Any] = [*spec[:-1], Rates(*spec[-1])]
    instrument = Instrument(InstrumentSpec(*fields))
    instrument.rates_next = Rates(*rates_next) if rates_next else None
    instrument.load(figures)
    return instrument


def _account_dump(account: Account) -> list[Any]:
    return [
        account.account_id,
        account.owner,
        [getattr(account, name) for name in _CASH],
        [[user, rights] for user, rights in sorted(account.grants.items())],
        [
            [name, _holding_dump(position.long), _holding_dump(position.short)]
            for name, position in sorted(account.positions.items())
        ],
        [[wallet.asset, wallet.available, wallet.locked] for _, wallet in sorted(account.wallets.items())],
        _known_dump(account.client_orders),
        _known_dump(account.client_orders_before),
    ]


def _account_load(state: State, plain: Sequence[Any]) -> Account:
    account_id, owner, cash, grants, positions, wallets, client_orders, client_orders_before = plain
    account = Account(account_id, owner)
    for name, value in zip(_CASH, cash, strict=True):
        setattr(account, name, value)
    account.grants = dict(grants)
    for name, long, short in positions:
        position = account.position(state.instruments[name])
        _holding_load(position.long, long)
        _holding_load(position.short, short)
    for asset, available, locked in wallets:
        wallet = account.wallet(asset)
        wallet.available, wallet.locked = available, locked
    account.client_orders = {key: _known_load(known) for key, *known in client_orders}
    account.client_orders_before = {key: _known_load(known) for key, *known in client_orders_before}
    account.ended = orders_finished(account.client_orders)
    account.ended_before = orders_finished(account.client_orders_before)
    return account


def _known_dump(known_ids: Mapping[str, Order | NoOrder]) -> list[list[Any]]:
    return [
        [key, known.order_id, body_of(known.command), known.status, known.left, known.code]
        for key, known in known_ids.items()
    ]


def _known_load(plain: Sequence[Any]) -> Order | NoOrder:
    order_id, body, status, left, code = plain
    return NoOrder(order_id, _command_load(body) if body else None, status, left, code)


def _command_load(body: Sequence[Any]) -> OrderSubmit:
    fields: list[Any] = [terms.VENUE, 0, *body]
    return OrderSubmit(*fields)


def _holding_dump(holding: Holding) -> list[Any]:
    lots = [
        [[lot.trade_id, lot.open_day, lot.price, lot.volume] for lot in bucket]
        for bucket in (holding.today, holding.history)
    ]
    return [*lots, *(getattr(holding, name) for name in _HOLDING)]


def _holding_load(holding: Holding, plain: Sequence[Any]) -> None:
    holding.today.extend(Lot(*lot) for lot in plain[0])
    holding.history.extend(Lot(*lot) for lot in plain[1])
    for name, value in zip(_HOLDING, plain[2:], strict=True):
        setattr(holding, name, value)


def _book_dump(instrument: Instrument) -> list[Any]:
    return [
        [[*(getattr(order, name) for name in _ORDER), body_of(order.command)] for order in side.orders()]
        for side in (instrument.book.bids, instrument.book.asks)
    ]


def _book_load(state: State, instrument: Instrument, plain: Sequence[Any]) -> None:
    for side, orders in zip((instrument.book.bids, instrument.book.asks), plain, strict=True):
        for each in orders:
            order = _order_load(state, instrument, each)
            state.orders[order.order_id] = order
            side.add(order)


def _order_load(state: State, instrument: Instrument, plain: Sequence[Any]) -> Order:
    order_id, offset, price, left, budget_left, accepted_at, margin_lot, fee_lot, body = plain
    command = _command_load(body)
    account = state.accounts[command.account_id]
    order = Order(order_id, account, instrument, command, offset, price, accepted_at, margin_lot, fee_lot)
    order.left, order.budget_left = left, budget_left
    account.orders += 1
    for known_ids in (account.client_orders, account.client_orders_before):
        if command.client_order_id in known_ids and known_ids[command.client_order_id].order_id == order_id:
            known_ids[command.client_order_id] = order
    if not instrument.is_spot:
        order.position = account.position(instrument)
    return order

"""Orders, trades, positions and money as a person may see them: live state and history put together.
Called by the REST views and, in a thread, by the sockets' queries. Live state is read first: what leaves it
is in the history by then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from accounts.http.envelope import ApiError
from accounts.principals import Principal
from accounts.rights import Right, require_account
from accounts.selectors import account_get, accounts_of_user
from engine.core import terms
from engine.core.codes import Code
from engine.core.commands import InstrumentSpec
from engine.core.views import OrderView
from engine.live import live
from market.directory import directory
from trading import selectors
from trading.models import Order, Trade
from trading.wire import funds_wire, order_wire, own_trade_wire, positions_wire

LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Named:
    """The accounts a path named, and whose they are."""

    account_ids: list[int]
    owners: dict[int, int]

    def owner(self, account_id: int) -> int:
        """The user the account belongs to."""
        return self.owners[account_id]


def account_named(principal: Principal, account_id: int) -> Named:
    """The account of a path: one's own, or with the right anybody's. ACCOUNT_NOT_FOUND otherwise."""
    if principal.owns(account_id):
        return Named([account_id], {account_id: principal.user_id})
    require_account(principal, account_id)
    account = account_get(account_id=account_id)
    if account is None:
        raise ApiError(Code.ACCOUNT_NOT_FOUND, field="account_id")
    return Named([account_id], {account_id: account.user_id})


def accounts_named(principal: Principal, number: int) -> Named:
    """The accounts of a path that names a user (all his) or an account; not one's own look like unknown ones."""
    if number == principal.user_id:
        return Named(sorted(principal.account_ids), dict.fromkeys(principal.account_ids, number))
    if not principal.owns(number) and Right.ACCOUNTS_READ in principal.rights:
        account_ids = [account.pk for account in accounts_of_user(user_id=number)]
        if account_ids:
            return Named(account_ids, dict.fromkeys(account_ids, number))
    return account_named(principal, number)


# ---- orders --------------------------------------------------------------------------------------


def order_read(*, principal: Principal, order_id: int) -> dict[str, Any]:
    """One order; ORDER_NOT_FOUND for an unknown one and for another's alike."""
    found = live().order(order_id).value
    changed_at: int | None = None
    if found is None:
        row = selectors.order_get(order_id=order_id)
        if row is None:
            raise ApiError(Code.ORDER_NOT_FOUND, field="order_id")
        found, changed_at = order_view(row), row.updated_at
    try:
        named = account_named(principal, found.account_id)
    except ApiError:
        raise ApiError(Code.ORDER_NOT_FOUND, field="order_id") from None
    return _order_wire(found, changed_at, named)


def orders_read(
    *, named: Named, statuses: Sequence[int], instrument: str, before: int, limit: int
) -> dict[str, Any]:
    """Orders of the accounts, the newest first, as of `as_of_seq`; `next` pages on."""
    rows: dict[int, tuple[OrderView, int | None]] = {}
    as_of = 0
    for account_id in named.account_ids:
        current = live().orders(account_id)
        selectors.history_wait(current.history_seq)
        as_of = current.seq if not as_of else min(as_of, current.seq)
        rows.update((order.order_id, (order, None)) for order in current.value)
    for row in selectors.orders_list(
        account_ids=named.account_ids, instrument=instrument, before_order_id=before, limit=limit,
        statuses=[*statuses, terms.LIVE] if statuses else (),
    ):  # fmt: skip
        rows.setdefault(row.order_id, (order_view(row), row.updated_at))
    wanted = [
        item
        for key, item in sorted(rows.items(), reverse=True)
        if (not before or key < before)
        and (not statuses or item[0].status in statuses)
        and (not instrument or item[0].instrument == instrument)
    ]
    page = [_order_wire(order, changed_at, named) for order, changed_at in wanted[:limit]]
    return {
        "orders": page,
        "total": len(page),
        "as_of_seq": as_of,
        "next": page[-1]["order_id"] if len(wanted) >= limit else None,
    }


def order_view(row: Order) -> OrderView:
    """A row of history as the view live state has of an order."""
    return OrderView(
        row.order_id, row.account_id, row.instrument, row.side, row.offset, row.kind, row.time_in_force,
        row.price, row.volume, row.left, row.client_order_id, row.post_only, row.budget, row.status, row.code,
        row.accepted_at, 0, 0, row.filled,
    )  # fmt: skip


def _order_wire(order: OrderView, changed_at: int | None, named: Named) -> dict[str, Any]:
    if changed_at is None and order.status == terms.LIVE and order.left == order.volume:
        changed_at = order.accepted_at
    spec = _spec(order.instrument)
    return order_wire(order, spec, user_id=named.owner(order.account_id), updated_at=changed_at)


def _spec(instrument: str) -> InstrumentSpec:
    return directory().spec_known(instrument) or directory().find_sync(instrument).spec


# ---- trades --------------------------------------------------------------------------------------


def trades_read(*, named: Named, instrument: str, order_id: int, before: int, limit: int) -> dict[str, Any]:
    """The accounts' own trades, the newest first; HISTORY_BEHIND while history lags behind what was said."""
    as_of = selectors.history_wait(live().head().seq)
    rows = selectors.trades_list(
        account_ids=named.account_ids, order_id=order_id, instrument=instrument, before_row_id=before,
        limit=limit,
    )  # fmt: skip
    opposite = _opposite_orders(rows)
    page = [{**_trade_wire(row, opposite), "trading_day": str(row.trading_day)} for row in rows]
    return {
        "trades": page,
        "total": len(page),
        "as_of_seq": as_of,
        "next": str(rows[-1].row_id) if len(rows) >= limit else None,
    }


def _opposite_orders(rows: Iterable[Trade]) -> dict[int, int]:
    """Each row's other side's order: rows 2n and 2n + 1 are one trade."""
    wanted = [(row.row_id ^ 1, row.trading_day) for row in rows]
    found = Trade.objects.filter(
        row_id__in=[row_id for row_id, _ in wanted], trading_day__in={day for _, day in wanted}
    )
    return {row_id ^ 1: order_id for row_id, order_id in found.values_list("row_id", "order_id")}


def _trade_wire(row: Trade, opposite: dict[int, int]) -> dict[str, Any]:
    return own_trade_wire(
        _spec(row.instrument), trade_id=row.trade_id, account_id=row.account_id, side=row.side,
        offset=row.offset, order_id=row.order_id, opposite_order_id=opposite[row.row_id],
        is_taker=row.is_taker, price=row.price, volume=row.volume, fee=row.fee,
        close_profit=row.close_profit, time=row.time,
    )  # fmt: skip


# ---- positions and money -------------------------------------------------------------------------


def positions_read(*, named: Named, instrument: str = "") -> list[dict[str, Any]]:
    """Live positions of the accounts, valued at the mark of the same moment; each row says as of which
    sequence."""
    rows: list[dict[str, Any]] = []
    for account_id in named.account_ids:
        current = live().held(account_id)
        if current.value is None:
            continue  # requested, and not yet open in the engine
        found = positions_wire(current.value.account, current.value.instruments)
        rows += [{**row, "seq": current.seq} for row in found]
    if not instrument:
        return rows
    return [row for row in rows if f"{row['exchange_id']}.{row['instrument_id']}" == instrument]


def account_read(*, principal: Principal, account_id: int) -> dict[str, Any]:
    """An account's money; ACCOUNT_NOT_FOUND for an unknown one and for another's alike."""
    require_account(principal, account_id)
    funds = live().account_funds(account_id)
    if funds is None:
        raise ApiError(Code.ACCOUNT_NOT_FOUND, field="account_id")
    return {**funds_wire(funds), "epoch": funds.epoch, "seq": funds.seq}

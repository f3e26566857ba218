"""Orders, trades, positions and funds as they stand on the wire, for REST and the sockets alike.
Called by trading/api and trading/sockets; numbers are exact, times are ns UTC."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from accounts.http.envelope import error_text
from engine.border import from_units
from engine.core import terms
from engine.core.commands import InstrumentSpec
from engine.core.events import Trade
from engine.core.views import (
    AccountView,
    InstrumentView,
    OrderView,
    PositionView,
    float_profit,
    position_profit,
)
from engine.live import LiveFunds
from market.calculations import bare_id, exchange_id, money_of, price_of, volume_of

DIRECTIONS: Final = {terms.BUY: "BUY", terms.SELL: "SELL"}
OFFSETS: Final = {terms.OPEN: "OPEN", terms.CLOSE: "CLOSE", terms.CLOSETODAY: "CLOSETODAY"}
ORDER_TYPES: Final = {terms.LIMIT: "LIMIT", terms.MARKET: "MARKET"}
TIMES_IN_FORCE: Final = {terms.DAY: "DAY", terms.GTC: "GTC", terms.IOC: "IOC", terms.FOK: "FOK"}
STATUSES: Final = {
    terms.FILLED: "filled",
    terms.CANCELLED: "cancelled",
    terms.EXPIRED: "expired",
    terms.REJECTED: "rejected",
    terms.UNKNOWN: "unknown",
}


def status_name(status: int, volume: int, left: int) -> str:
    """The wire's word: submitted · partially_filled · filled · cancelled · expired · rejected · unknown."""
    if status == terms.LIVE:
        return "submitted" if left == volume else "partially_filled"
    return STATUSES[status]


def order_wire(
    order: OrderView, spec: InstrumentSpec, *, user_id: int, updated_at: int | None
) -> dict[str, Any]:
    """One order; `updated_at` (ns UTC) is the time of its last change, None when only live state knows it."""
    return {
        "order_id": str(order.order_id),
        "user_id": str(user_id),
        "account_id": str(order.account_id),
        "exchange_id": exchange_id(order.instrument),
        "instrument_id": bare_id(order.instrument),
        "direction": DIRECTIONS[order.side],
        "offset": OFFSETS[order.offset],
        "order_type": ORDER_TYPES[order.kind],
        "time_in_force": TIMES_IN_FORCE[order.time_in_force],
        "post_only": order.post_only,
        "price": price_of(spec, order.price),
        "volume": volume_of(spec, order.volume),
        "filled_volume": volume_of(spec, order.filled),
        "volume_left": volume_of(spec, order.left),
        "budget": money_of(spec.currency, order.budget) if order.budget else None,
        "client_order_id": client_id_wire(order.client_order_id),
        "status": status_name(order.status, order.volume, order.left),
        **ended_wire(order.code),
        "submit_time": order.accepted_at,
        "update_time": updated_at,
    }


def trade_wire(trade: Trade, spec: InstrumentSpec, account_id: int, *, time: int) -> list[dict[str, Any]]:
    """The account's side of a trade, or both when it was on both; `time` is its command's, ns UTC."""
    rows = []
    if trade.buy_account_id == account_id:
        rows.append(
            own_trade_wire(
                spec, trade_id=trade.trade_id, account_id=account_id, side=terms.BUY, offset=trade.buy_offset,
                order_id=trade.buy_order_id, opposite_order_id=trade.sell_order_id,
                is_taker=trade.taker_side == terms.BUY, price=trade.price, volume=trade.volume,
                fee=trade.buy_fee, close_profit=trade.buy_close_profit, time=time,
            )
        )  # fmt: skip
    if trade.sell_account_id == account_id:
        rows.append(
            own_trade_wire(
                spec, trade_id=trade.trade_id, account_id=account_id, side=terms.SELL, offset=trade.sell_offset,
                order_id=trade.sell_order_id, opposite_order_id=trade.buy_order_id,
                is_taker=trade.taker_side == terms.SELL, price=trade.price, volume=trade.volume,
                fee=trade.sell_fee, close_profit=trade.sell_close_profit, time=time,
            )
        )  # fmt: skip
    return rows


def own_trade_wire(
    spec: InstrumentSpec, *, trade_id: int, account_id: int, side: int, offset: int, order_id: int,
    opposite_order_id: int, is_taker: bool, price: int, volume: int, fee: int, close_profit: int, time: int,
) -> dict[str, Any]:  # fmt: skip
    """One side of a trade as its owner sees it; a spot buyer's fee is in the base asset."""
    fee_currency = spec.base if spec.kind == terms.SPOT and side == terms.BUY else spec.currency
    return {
        "trade_id": str(trade_id),
        "account_id": str(account_id),
        "order_id": str(order_id),
        "exchange_id": exchange_id(spec.instrument),
        "instrument_id": bare_id(spec.instrument),
        "direction": DIRECTIONS[side],
        "user_direction": DIRECTIONS[side],
        "user_order_id": str(order_id),
        "opposite_order_id": str(opposite_order_id),
        "offset": OFFSETS[offset],
        "is_taker": is_taker,
        "price": price_of(spec, price),
        "volume": volume_of(spec, volume),
        "fee": money_of(fee_currency, fee),
        "fee_currency": fee_currency,
        "close_profit": money_of(spec.currency, close_profit),
        "timestamp": time,
    }


def client_id_wire(client_order_id: str) -> str | None:
    """The client's own id; None for one the door made up so that a resend has one effect."""
    return None if not client_order_id or client_order_id.startswith("~") else client_order_id


def ended_wire(code: int) -> dict[str, Any]:
    """Why an order ended, in both languages; nulls while it has not or was filled."""
    if not code:
        return {"code": None, "message": None, "message_zh": None}
    message, message_zh = error_text(code)
    return {"code": code, "message": message, "message_zh": message_zh}


def positions_wire(account: AccountView, instruments: dict[str, InstrumentView]) -> list[dict[str, Any]]:
    """An account's positions, in the order of live state."""
    return [
        position_wire(account.account_id, position, instruments[position.instrument])
        for position in account.positions
    ]


def position_wire(account_id: int, held: PositionView, view: InstrumentView) -> dict[str, Any]:
    """One instrument's position: both sides, today's and history apart, profits at the mark."""
    spec, currency, mark = view.spec, view.spec.currency, view.mark
    long_side = _only_long(held)
    short_side = _only_short(held)
    long_volume = held.long_today + held.long_history
    short_volume = held.short_today + held.short_history
    return {
        "account_id": str(account_id),
        "exchange_id": exchange_id(held.instrument),
        "instrument_id": bare_id(held.instrument),
        "volume_long": long_volume,
        "volume_long_today": held.long_today,
        "volume_long_his": held.long_history,
        "volume_long_frozen": held.long_frozen_today + held.long_frozen_history,
        "volume_long_frozen_today": held.long_frozen_today,
        "volume_long_frozen_his": held.long_frozen_history,
        "volume_short": short_volume,
        "volume_short_today": held.short_today,
        "volume_short_his": held.short_history,
        "volume_short_frozen": held.short_frozen_today + held.short_frozen_history,
        "volume_short_frozen_today": held.short_frozen_today,
        "volume_short_frozen_his": held.short_frozen_history,
        "cost_long": money_of(currency, held.long_open_cost),
        "cost_short": money_of(currency, held.short_open_cost),
        "open_price_long": _average(held.long_open_cost, long_volume, spec),
        "open_price_short": _average(held.short_open_cost, short_volume, spec),
        "position_price_long": _average(held.long_position_cost, long_volume, spec),
        "position_price_short": _average(held.short_position_cost, short_volume, spec),
        "profit_long": money_of(currency, float_profit(long_side, mark)),
        "profit_short": money_of(currency, float_profit(short_side, mark)),
        "position_profit_long": money_of(currency, position_profit(long_side, mark)),
        "position_profit_short": money_of(currency, position_profit(short_side, mark)),
        "margin_long": money_of(currency, held.long_margin),
        "margin_short": money_of(currency, held.short_margin),
    }


def _only_long(held: PositionView) -> PositionView:
    return PositionView(
        held.instrument, held.long_today, held.long_history, 0, 0,
        held.long_open_cost, held.long_position_cost, 0, 0, 0, 0, 0, 0, 0, 0,
    )  # fmt: skip


def _only_short(held: PositionView) -> PositionView:
    return PositionView(
        held.instrument, 0, 0, 0, 0, 0, 0, 0, held.short_today, held.short_history, 0, 0,
        held.short_open_cost, held.short_position_cost, 0,
    )  # fmt: skip


def _average(cost: int, volume: int, spec: InstrumentSpec) -> Decimal | None:
    """The average price behind a cost, for display: half up to 1/10,000 of the quote unit; None when flat."""
    if not volume:
        return None
    money_per_point = spec.multiplier * 10 ** terms.CURRENCY_SCALES[spec.currency]
    denominator = money_per_point * volume
    return from_units((2 * cost * terms.P4 + denominator) // (2 * denominator), 4)


def funds_wire(funds: LiveFunds) -> dict[str, Any]:
    """An account's money at the mark; `risk_ratio` is null where it is above every level."""
    return {
        "account_id": str(funds.account_id),
        "user_id": str(funds.owner),
        "currency": funds.currency,
        "balance": funds.balance,
        "available": funds.available,
        "frozen": funds.frozen_margin + funds.frozen_commission,
        "margin": funds.margin,
        "profit": funds.close_profit + funds.position_profit,
        "risk_ratio": funds.risk_ratio,
        "pre_balance": funds.pre_balance,
        "static_balance": funds.static_balance,
        "deposit": funds.deposit,
        "withdraw": funds.withdraw,
        "close_profit": funds.close_profit,
        "position_profit": funds.position_profit,
        "float_profit": funds.float_profit,
        "commission": funds.commission,
        "frozen_margin": funds.frozen_margin,
        "frozen_commission": funds.frozen_commission,
        "withdraw_quota": funds.withdraw_quota,
        "wallets": [
            {"asset": wallet.asset, "available": wallet.available, "locked": wallet.locked}
            for wallet in funds.wallets
        ],
    }

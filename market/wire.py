"""Instruments, depth, ticks, the public tape and K-lines as they stand on the wire, for REST and the sockets.
Called by market/api and trading/sockets; numbers are exact, times are ns UTC but K-lines' (ms)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from engine.border import from_units
from engine.core import terms
from engine.core.commands import InstrumentSpec
from engine.core.events import Trade
from engine.core.views import DepthView, InstrumentView, LevelView
from market.calculations import (
    RATIO_SCALE,
    bare_id,
    exchange_id,
    money_of,
    p4_of,
    price_of,
    price_or_none,
    tick_size,
    volume_of,
)
from market.calendar import date_of, midnight_ms

STATES: Final = {terms.TRADING: "trading", terms.SUSPENDED: "suspended", terms.DELISTED: "delisted"}
PHASES: Final = {terms.CLOSED: "CLOSED", terms.CONTINUOUS: "CONTINUOUS", terms.BREAK: "BREAK"}
KINDS: Final = {terms.FUTURES: "future", terms.SPOT: "spot"}
TAKER_SIDES: Final = {terms.BUY: "BUY", terms.SELL: "SELL"}


def instrument_wire(view: InstrumentView) -> dict[str, Any]:
    """An instrument: what a strategy needs to place an order in it."""
    spec, rates = view.spec, view.spec.rates
    return {
        "instrument_id": bare_id(spec.instrument),
        "exchange_id": exchange_id(spec.instrument),
        "name": spec.name,
        "product_id": bare_id(spec.product) or spec.product,
        "instrument_type": KINDS[spec.kind],
        "currency": spec.currency,
        "base": spec.base or None,
        "multiplier": spec.multiplier,
        "tick_size": tick_size(spec),
        "lot_size": volume_of(spec, 1),
        "limit_volume_min": volume_of(spec, rates.limit_volume_min),
        "limit_volume_max": volume_of(spec, rates.limit_volume_max),
        "market_volume_max": volume_of(spec, rates.market_volume_max),
        "margin_long_ratio": from_units(rates.margin_long_ratio, RATIO_SCALE),
        "margin_short_ratio": from_units(rates.margin_short_ratio, RATIO_SCALE),
        "last_price": price_or_none(spec, view.last),
        "upper_limit": price_or_none(spec, view.upper),
        "lower_limit": price_or_none(spec, view.lower),
        "pre_settlement": p4_of(view.pre_settlement) if view.pre_settlement else None,
        "status": STATES[view.state],
        "phase": PHASES[view.phase],
        "trading_day": str(view.trading_day),
        "last_trading_day": str(spec.last_trading_day) if spec.last_trading_day else None,
    }


def levels_wire(spec: InstrumentSpec, levels: Iterable[LevelView]) -> list[dict[str, Any]]:
    """Price levels, best first."""
    return [
        {
            "price": price_of(spec, level.price),
            "volume": volume_of(spec, level.volume),
            "order_count": level.orders,
        }
        for level in levels
    ]


def orderbook_wire(view: InstrumentView, depth: DepthView, levels: int) -> dict[str, Any]:
    """The best `levels` of both sides."""
    spec = view.spec
    return {
        "instrument_id": bare_id(spec.instrument),
        "exchange_id": exchange_id(spec.instrument),
        "bids": levels_wire(spec, depth.bids[:levels]),
        "asks": levels_wire(spec, depth.asks[:levels]),
        "last_price": price_or_none(spec, view.last),
    }


def ticker_wire(view: InstrumentView, depth: DepthView | None) -> dict[str, Any]:
    """The state of one instrument's day with the best prices; null where there is none yet."""
    spec = view.spec
    bid = depth.bids[0] if depth and depth.bids else None
    ask = depth.asks[0] if depth and depth.asks else None
    return {
        "instrument_id": bare_id(spec.instrument),
        "exchange_id": exchange_id(spec.instrument),
        "last_price": price_or_none(spec, view.last),
        "bid_price": price_of(spec, bid.price) if bid else None,
        "bid_volume": volume_of(spec, bid.volume) if bid else None,
        "ask_price": price_of(spec, ask.price) if ask else None,
        "ask_volume": volume_of(spec, ask.volume) if ask else None,
        "volume": volume_of(spec, view.volume),
        "turnover": money_of(spec.currency, view.turnover),
        "open_interest": view.open_interest,
        "open": price_or_none(spec, view.open),
        "high": price_or_none(spec, view.high),
        "low": price_or_none(spec, view.low),
        "pre_close": price_or_none(spec, view.pre_close),
        "pre_settlement": p4_of(view.pre_settlement) if view.pre_settlement else None,
        "upper_limit": price_or_none(spec, view.upper),
        "lower_limit": price_or_none(spec, view.lower),
        "status": STATES[view.state],
        "phase": PHASES[view.phase],
        "trading_day": str(view.trading_day),
    }


def public_trade_wire(spec: InstrumentSpec, trade: Trade, time: int) -> dict[str, Any]:
    """A trade as everybody may see it: no order, no account. `time` is its command's, ns UTC."""
    return tape_wire(
        spec,
        trade_id=trade.trade_id,
        price=trade.price,
        volume=trade.volume,
        taker_side=trade.taker_side,
        time=time,
    )


def tape_wire(
    spec: InstrumentSpec, *, trade_id: int, price: int, volume: int, taker_side: int, time: int
) -> dict[str, Any]:
    """One row of the public tape; `direction` is the side that took."""
    return {
        "trade_id": str(trade_id),
        "instrument_id": bare_id(spec.instrument),
        "exchange_id": exchange_id(spec.instrument),
        "price": price_of(spec, price),
        "volume": volume_of(spec, volume),
        "timestamp": time,
        "direction": TAKER_SIDES[taker_side],
    }


def kline_wire(spec: InstrumentSpec, bars: Sequence[Any], *, is_day: bool = False) -> list[dict[str, Any]]:
    """Bars (objects with the fields of market.models.Bar), oldest first; `datetime` in ms: where the period
    begins, and of a day the midnight (China time) of its trading day, the same for every instrument."""
    return [
        {
            "datetime": midnight_ms(date_of(bar.trading_day)) if is_day else bar.start // 1_000_000,
            "open": price_of(spec, bar.open),
            "high": price_of(spec, bar.high),
            "low": price_of(spec, bar.low),
            "close": price_of(spec, bar.close),
            "volume": volume_of(spec, bar.volume),
            "amount": money_of(spec.currency, bar.turnover),
            "open_oi": bar.open_interest_open,
            "close_oi": bar.open_interest_close,
        }
        for bar in bars
    ]

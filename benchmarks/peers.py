"""Matching engines from PyPI on the same events as our core, their trades held against the same oracle.
Run as `python -m benchmarks.peers [events]` with requirements/bench.txt installed; they match only: no accounts,
no margin, no fees. A slow peer gets the first part of the events and says so."""

import gc
import sys
import time
from collections.abc import Callable
from datetime import datetime

from benchmarks import workload
from benchmarks.workload import CANCEL, IOC, LIMIT, MARKET, Fill, Step

Runner = Callable[[list[Step]], list[Fill]]


def light_matching_engine(steps: list[Step]) -> list[Fill]:
    """lightmatchingengine: a dict of lists; an IOC rest is cancelled by us, it has no such order."""
    from lightmatchingengine.lightmatchingengine import LightMatchingEngine, Side

    engine = LightMatchingEngine()
    ours: dict[int, int] = {}
    theirs: dict[int, int] = {}
    fills: list[Fill] = []
    for step in steps:
        if step.kind == CANCEL:
            engine.cancel_order(theirs[step.order], step.instrument)
            continue
        side = Side.BUY if step.side > 0 else Side.SELL
        order, trades = engine.add_order(step.instrument, step.price, step.volume, side)
        ours[order.order_id] = step.order
        theirs[step.order] = order.order_id
        if step.kind != LIMIT and order.leaves_qty:
            engine.cancel_order(order.order_id, step.instrument)
        for trade in trades:
            if trade.order_id != order.order_id:
                fills.append(Fill(step.order, ours[trade.order_id], trade.trade_price, trade.trade_qty))
    return fills


def pyorderbook(steps: list[Step]) -> list[Fill]:
    """pyorderbook: a heap of levels, Decimal prices; MARKET is a limit order at a price beyond the book."""
    from pyorderbook import Book, ask, bid

    book = Book()
    orders: dict[int, object] = {}
    ours: dict[object, int] = {}
    fills: list[Fill] = []
    for step in steps:
        if step.kind == CANCEL:
            book.cancel(orders[step.order])
            continue
        price = step.price or (10**7 if step.side > 0 else 1)
        order = (bid if step.side > 0 else ask)(str(step.instrument), price, step.volume)
        orders[step.order] = order
        ours[order.id] = step.order
        blotter = book.match(order)
        if step.kind != LIMIT and order.quantity:
            book.cancel(order)
        for trade in blotter.trades:
            maker = ours[trade.standing_order_id]
            fills.append(Fill(step.order, maker, int(trade.fill_price), trade.fill_quantity))
    return fills


def order_matching(steps: list[Step]) -> list[Fill]:
    """order-matching: dataclasses with datetimes; one engine an instrument."""
    from loguru import logger
    from order_matching.enums import Side
    from order_matching.matching_engine import MatchingEngine
    from order_matching.order import LimitOrder, MarketOrder
    from order_matching.orders import Orders

    logger.remove()
    engines: dict[int, MatchingEngine] = {}
    now = datetime(2025, 12, 1)  # noqa: DTZ001 — the package compares naive datetimes
    fills: list[Fill] = []
    for step in steps:
        engine = engines.setdefault(step.instrument, MatchingEngine(seed=1))
        if step.kind == CANCEL:
            engine.cancel_order(str(step.order))
            continue
        side = Side.BUY if step.side > 0 else Side.SELL
        common = {
            "side": side,
            "size": step.volume,
            "timestamp": now,
            "order_id": str(step.order),
            "trader_id": "t",
        }
        order = MarketOrder(**common) if step.kind == MARKET else LimitOrder(price=step.price, **common)
        engine.place(orders=Orders([order]))
        for trade in engine.match(timestamp=now).trades:
            fills.append(Fill(step.order, int(trade.book_order_id), int(trade.price), int(trade.size)))
        if (
            step.kind in (IOC, MARKET)
            and engine.unprocessed_orders.find_order_by_id(str(step.order)) is not None
        ):
            engine.cancel_order(str(step.order))
    return fills


PEERS: tuple[tuple[str, Runner, int], ...] = (
    ("lightmatchingengine", light_matching_engine, 1_000_000),
    ("pyorderbook", pyorderbook, 1_000_000),
    ("order-matching", order_matching, 2_000),
)


def run(runner: Runner, steps: list[Step], fills: list[Fill]) -> tuple[float, bool]:
    """(CPU ns per event, whether every trade is the oracle's)."""
    gc.collect()
    gc.freeze()
    gc.disable()
    begun = time.process_time_ns()
    found = runner(steps)
    spent = time.process_time_ns() - begun
    gc.enable()
    gc.unfreeze()
    return spent / len(steps), found == fills


def measure(events: int, instruments: int) -> list[tuple[str, float, int, bool]]:
    """[(peer, ns per event, events it was given, trades equal the oracle's)]; a missing peer is named and left out."""
    rows = []
    for name, runner, most in PEERS:
        steps, fills = workload.standard(min(events, most), instruments)
        try:
            spent, equal = run(runner, steps, fills)
        except ImportError as missing:
            print(f"{name}: left out, {missing}")
            continue
        rows.append((name, spent, len(steps), equal))
    return rows


def main(events: int) -> None:
    for label, instruments in (("one", 1), ("hundred", 100)):
        for name, spent, given, equal in measure(events, instruments):
            verdict = "trades as the oracle's" if equal else "OTHER TRADES"
            print(f"{name}, {label}, {given:,} events: {spent:,.0f} ns/event, {verdict}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)

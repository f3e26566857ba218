"""Live state in Redis against the engine's state at each read's own head; works beside a live venue.
Called by exchange/reconcile/run.py after history, with the same replica, which replays on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from engine.changes import DEPTH_LEVELS
from engine.core import terms
from engine.core.engine import Engine
from engine.journal import Journal
from engine.live import LiveReader, LiveRebuilding
from engine.process.replica import Replica, replayed
from exchange.reconcile.findings import Difference, Finding

ACCOUNTS_MAX: Final = 20_000
HEAD_WAIT_S: Final = 5.0


@dataclass(slots=True, frozen=True)
class Sample:
    """A value read from live state at its head `seq`, and what it is in an engine that stands there."""

    finding: Finding
    key: str
    seq: int
    value: Any
    expected: Callable[[Engine], Any]


def live_compare(replica: Replica, journal: Journal, reader: LiveReader) -> tuple[int, list[Finding]]:
    """(the newest head compared at, one finding a kind); the replica has replayed on to that head."""
    try:
        _head_wait(reader, replica.seq)
        samples = _samples(replica.engine, reader)
    except LiveRebuilding as error:
        finding = Finding("live state")
        finding.add(Difference("head", "live state", f"not readable ({error})", "readable"))
        return 0, [finding]
    for sample in sorted(samples, key=lambda sample: sample.seq):
        for _ in replayed(journal, None, sample.seq, replica=replica):
            pass
        _check(sample, replica.engine)
    findings = {id(sample.finding): sample.finding for sample in samples}
    return replica.seq, list(findings.values())


def _head_wait(reader: LiveReader, seq: int) -> None:
    """A follower may have projected what its leader has not yet written to live state."""
    deadline = time.monotonic() + HEAD_WAIT_S
    while (head := reader.head()).seq < seq:
        if time.monotonic() > deadline:
            raise LiveRebuilding(f"its head is at {head.seq}, history at {seq}")
        time.sleep(0.02)


def _samples(engine: Engine, reader: LiveReader) -> list[Sample]:
    accounts, orders = Finding("live accounts"), Finding("live orders")
    market, venue = Finding("live instruments and depth"), Finding("live venue")
    samples = _market_samples(market, reader)
    day = reader.venue()
    samples.append(
        Sample(venue, "trading_day", day.seq, day.value.get("trading_day"), lambda e: e.trading_day)
    )
    for account_id in list(engine.accounts)[:ACCOUNTS_MAX]:
        key = f"account_id={account_id}"
        account = reader.account(account_id)
        samples.append(Sample(accounts, key, account.seq, account.value, _account_of(account_id)))
        held = reader.orders(account_id)
        live = [order for order in held.value if order.status == terms.LIVE]
        samples.append(Sample(orders, key, held.seq, live, _orders_of(account_id)))
    return samples


def _market_samples(finding: Finding, reader: LiveReader) -> list[Sample]:
    market = reader.market()
    instruments = {view.spec.instrument: view for view in market.value.instruments}
    samples = [
        Sample(finding, "instruments", market.seq, sorted(instruments), lambda e: sorted(e.instruments))
    ]
    for name, view in instruments.items():
        samples.append(Sample(finding, name, market.seq, view, _instrument_of(name)))
    for depth in market.value.depths:
        expected = _depth_of(depth.instrument)
        samples.append(Sample(finding, f"depth of {depth.instrument}", market.seq, depth, expected))
    return samples


def _account_of(account_id: int) -> Callable[[Engine], Any]:
    return lambda engine: engine.account_view(account_id)


def _instrument_of(instrument: str) -> Callable[[Engine], Any]:
    return lambda engine: engine.instrument_view(instrument)


def _depth_of(instrument: str) -> Callable[[Engine], Any]:
    return lambda engine: engine.depth_view(instrument, DEPTH_LEVELS)


def _orders_of(account_id: int) -> Callable[[Engine], Any]:
    def expected(engine: Engine) -> Any:
        own = [key for key, order in engine.orders.items() if order.account.account_id == account_id]
        return [engine.order_view(order_id) for order_id in sorted(own)]

    return expected


def _check(sample: Sample, engine: Engine) -> None:
    sample.finding.compared += 1
    expected = sample.expected(engine)
    if sample.value == expected:
        return
    name, there, wanted = _first_field(sample.value, expected)
    sample.finding.add(Difference(f"{sample.key} @ {sample.seq}", name, there, wanted))


def _first_field(value: Any, expected: Any) -> tuple[str, str, str]:
    """The first field by which two views differ, or both whole."""
    if type(value) is type(expected) and hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            if getattr(value, name) != getattr(expected, name):
                return name, str(getattr(value, name)), str(getattr(expected, name))
    if isinstance(value, list) and isinstance(expected, list) and len(value) == len(expected):
        for one, other in zip(value, expected, strict=True):
            if one != other:
                return _first_field(one, other)
    return "value", f"{value!r:.300}", f"{expected!r:.300}"

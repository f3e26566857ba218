"""What /metrics shows beyond this process: the engine processes' own figures and how far history reaches.
Registered once by exchange/observability/views.py; read from Redis at each scrape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import redis
from django.conf import settings
from django.db import DatabaseError
from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from accounts.redis_clients import RedisAway, redis_client
from engine.door import door
from engine.live import LiveRebuilding, live
from engine.process.figures import BUCKETS_S, figures_read
from market.history import applied_seq

http_seconds = Histogram(
    "outcry_http_seconds",
    "Time of an HTTP request",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)

_COUNTERS: Final = (
    "orders", "commands", "batches", "refused_busy", "expired", "repeated", "clock_clamps", "live_rebuilds",
)  # fmt: skip
_GAUGES: Final = (
    "epoch", "seq", "queue_depth", "journal_full", "redis_away", "projecting", "projected_seq",
    "projection_waiting", "snapshot_seq",
)  # fmt: skip
_HISTOGRAMS: Final = ("append", "apply", "answer")
Plain = Mapping[str, int | str]


class EngineCollector(Collector):
    """The engine processes' figures, and the lag of history behind live state. What cannot be read is left out:
    an absent figure alarms, a wrong one does not."""

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        yield GaugeMetricFamily(
            "outcry_door_frames_in_flight", "Frames under way to the leader", door().in_flight
        )
        try:
            found = figures_read(redis_client(), settings.OUTCRY_STACK_ID)
        except (*RedisAway, redis.RedisError):
            found = {}
        yield from _processes(found)
        yield from _lag()

    def describe(self) -> list[Metric]:
        """Nothing is asked when the collector is registered."""
        return []


def _processes(found: Mapping[str, Plain]) -> Iterator[Metric]:
    leading = GaugeMetricFamily("outcry_engine_leading", "1 for the leader", labels=["process"])
    for process, plain in found.items():
        leading.add_metric([process], plain.get("role") == "leader")
    yield leading
    for name in _COUNTERS:
        counter = CounterMetricFamily(f"outcry_engine_{name}", f"engine process: {name}", labels=["process"])
        for process, plain in found.items():
            counter.add_metric([process], int(plain.get(name, 0)))
        yield counter
    for name in _GAUGES:
        gauge = GaugeMetricFamily(f"outcry_engine_{name}", f"engine process: {name}", labels=["process"])
        for process, plain in found.items():
            gauge.add_metric([process], int(plain.get(name, 0)))
        yield gauge
    for name in _HISTOGRAMS:
        yield _histogram(name, found)


def _histogram(name: str, found: Mapping[str, Plain]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(
        f"outcry_engine_{name}_seconds", f"engine process: time to {name} a batch", labels=["process"]
    )
    bounds = [*map(str, BUCKETS_S), "+Inf"]
    for process, plain in found.items():
        counts = [int(text) for text in str(plain.get(f"{name}_buckets", "0")).split(",")]
        total, buckets = 0, []
        for bound, count in zip(bounds, counts, strict=False):
            total += count
            buckets.append((bound, total))
        if len(buckets) == len(bounds):
            family.add_metric([process], buckets, int(plain.get(f"{name}_sum_ns", 0)) / 1e9)
    return family


def _lag() -> Iterator[Metric]:
    try:
        head, reached = live().head().seq, applied_seq()
    except (LiveRebuilding, DatabaseError):
        return
    yield GaugeMetricFamily("outcry_head_seq", "Journal sequence of live state", head)
    yield GaugeMetricFamily("outcry_applied_seq", "Journal sequence history reaches", reached)
    yield GaugeMetricFamily(
        "outcry_sequence_lag", "Commands history is behind live state", max(0, head - reached)
    )

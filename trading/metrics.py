"""Figures of orders and sockets for /metrics.
Counted by trading/services.py and trading/sockets, shown by exchange/observability."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

sockets_open = Gauge("outcry_sockets_open", "WebSocket connections now")
sockets_closed = Counter("outcry_sockets_closed", "WebSocket connections ended by us", ["code"])
order_seconds = Histogram(
    "outcry_order_seconds",
    "From handing orders and cancels to the door until their durable answers, by frame",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)
orders_sent = Counter("outcry_orders_sent", "Orders and cancels handed to the door")
orders_refused = Counter("outcry_orders_refused", "Orders and cancels refused, by code", ["code"])

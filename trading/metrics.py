"""Figures of the sockets for /metrics.
Counted by trading/sockets/connection.py, shown by exchange/observability."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

sockets_open = Gauge("outcry_sockets_open", "WebSocket connections now")
sockets_closed = Counter("outcry_sockets_closed", "WebSocket connections ended by us", ["code"])

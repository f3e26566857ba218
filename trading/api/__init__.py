"""The order, position and trade routes under /api.
Included by exchange/urls.py through trading.api.urls."""

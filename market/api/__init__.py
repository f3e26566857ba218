"""The market data routes under /api.
Included by exchange/urls.py through market.api.urls."""

"""Is it alive, is it ready, how does it do: /health, /ready, /metrics.
Routed by exchange/urls.py."""

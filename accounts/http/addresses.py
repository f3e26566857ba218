"""The address a request comes from, as far as it can be believed.
Called by the throttles and by django-axes (AXES_CLIENT_IP_CALLABLE)."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The peer's address; behind OUTCRY_TRUSTED_PROXIES proxies, what the outermost of them saw."""
    return address_of(request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", ""))


def address_of(peer: str, forwarded_for: str) -> str:
    """The believed address of a connection from `peer` with that X-Forwarded-For header ("" for none).

    Only entries our own proxies appended count; a client can write anything before them."""
    hops = int(getattr(settings, "OUTCRY_TRUSTED_PROXIES", 0))
    entries = [entry.strip() for entry in forwarded_for.split(",") if entry.strip()]
    if hops == 0 or len(entries) < hops:
        return peer or "unknown"
    return entries[-hops][:64]

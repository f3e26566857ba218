"""/health: this process runs. /ready: everything it needs works. /metrics: its figures, for loopback or a token.
Called by Django through exchange/urls.py."""

from __future__ import annotations

import hmac
import ipaddress

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from engine.border import json_dumps
from exchange.observability.metrics import EngineCollector
from exchange.observability.readiness import parts, plain

REGISTRY.register(EngineCollector())
_ALIVE = json_dumps({"status": "healthy", "service": "outcry"})
_JSON = "application/json"


async def health(request: HttpRequest) -> HttpResponse:
    """Alive: asks nobody."""
    return HttpResponse(_ALIVE, content_type=_JSON)


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """200 when every part works, else 503; says which."""
    said = plain(parts())
    status = 200 if said["status"] == "ready" else 503
    return HttpResponse(json_dumps(said), status=status, content_type=_JSON)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures in Prometheus' text form."""
    if not _may_see(request):
        return HttpResponse(
            "metrics are for loopback or the holder of the token\n", status=403, content_type="text/plain"
        )
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


def _may_see(request: HttpRequest) -> bool:
    """With a token set, its bearer; else a peer on this machine that is no proxy speaking for another."""
    token: str = getattr(settings, "OUTCRY_METRICS_TOKEN", "")
    if token:
        shown = request.META.get("HTTP_AUTHORIZATION", "")
        return hmac.compare_digest(shown.encode(), f"Bearer {token}".encode())
    if "HTTP_X_FORWARDED_FOR" in request.META or "HTTP_FORWARDED" in request.META:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False

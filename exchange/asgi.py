"""The ASGI application: Django for HTTP, Channels for sockets.
Called by uvicorn (`make up`) or daphne (`runserver`)."""

import os
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "exchange.settings.embedded")
http_application = get_asgi_application()

# Django must be set up before anything below is imported.
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler  # noqa: E402
from django.http.request import split_domain_port, validate_host  # noqa: E402

from exchange.routing import websocket_urlpatterns  # noqa: E402

Scope = dict[str, Any]
Application = Callable[[Scope, Callable[..., Awaitable[Any]], Callable[..., Awaitable[Any]]], Awaitable[Any]]


def origin_allowed(headers: list[tuple[bytes, bytes]]) -> bool:
    """True without an Origin header (a program, which must show its token) or with one of our own hosts."""
    origin = dict(headers).get(b"origin")
    if origin is None:
        return True
    try:
        host, _ = split_domain_port(urlsplit(origin.decode("latin-1")).netloc)
    except ValueError:
        return False
    return bool(host) and validate_host(host, settings.ALLOWED_HOSTS)


def same_origin(application: Application) -> Application:
    """Refuse sockets that another site's page opens with the visitor's browser."""

    async def guarded(
        scope: Scope, receive: Callable[..., Awaitable[Any]], send: Callable[..., Awaitable[Any]]
    ) -> Any:
        if not origin_allowed(scope["headers"]):
            return await send({"type": "websocket.close", "code": 4403})
        return await application(scope, receive, send)

    return guarded


application = ProtocolTypeRouter(
    {
        "http": ASGIStaticFilesHandler(http_application),
        "websocket": same_origin(URLRouter(websocket_urlpatterns)),
    }
)

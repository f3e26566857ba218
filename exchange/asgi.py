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

from accounts.http.envelope import ApiError, error_response  # noqa: E402
from engine.border import BODY_BYTES_MAX  # noqa: E402
from engine.core.codes import Code  # noqa: E402
from exchange.routing import websocket_urlpatterns  # noqa: E402

Scope = dict[str, Any]
Receive = Callable[..., Awaitable[Any]]
Send = Callable[..., Awaitable[Any]]
Application = Callable[[Scope, Receive, Send], Awaitable[Any]]


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
    """Refuse sockets that another site's page opens with the visitor's browser, and those to nowhere."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> Any:
        if not origin_allowed(scope["headers"]):
            return await send({"type": "websocket.close", "code": 4403})
        if not any(pattern.resolve(scope["path"].lstrip("/")) for pattern in websocket_urlpatterns):
            return await send({"type": "websocket.close", "code": 4404})
        return await application(scope, receive, send)

    return guarded


class BodyTooLarge(Exception):
    """More came than a request may bring."""


def bounded(application: Application) -> Application:
    """Refuse a body above BODY_BYTES_MAX while it comes: Django would write all of it to disk first."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> Any:
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or len(declared) > 12 or int(declared) > BODY_BYTES_MAX:
            return await too_large(send)
        left = BODY_BYTES_MAX

        async def counted() -> Any:
            nonlocal left
            message = await receive()
            left -= len(message.get("body") or b"")
            if left < 0:
                raise BodyTooLarge
            return message

        try:
            return await application(scope, counted, send)
        except BodyTooLarge:
            return await too_large(send)

    return guarded


async def too_large(send: Send) -> None:
    """Say so, and hang up on the rest."""
    refusal = error_response(ApiError(Code.BODY_TOO_LARGE, limit=BODY_BYTES_MAX))
    headers = [(name.lower().encode(), value.encode()) for name, value in refusal.items()]
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refusal.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.content})


application = ProtocolTypeRouter(
    {
        "http": bounded(ASGIStaticFilesHandler(http_application)),
        "websocket": same_origin(URLRouter(websocket_urlpatterns)),
    }
)

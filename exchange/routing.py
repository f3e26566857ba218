"""Every WebSocket path of the venue.
Called by exchange/asgi.py; an app's consumer is listed here, whatever app it lives in."""

from django.urls import URLPattern, path

from trading.sockets.app import socket_app

websocket_urlpatterns: list[URLPattern] = [
    path("ws", socket_app),  # type: ignore[arg-type]  # an ASGI application, not a view
]

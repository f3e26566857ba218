"""Every WebSocket path of the venue.
Called by exchange/asgi.py; an app's consumer is listed here, whatever app it lives in."""

from django.urls import URLPattern

websocket_urlpatterns: list[URLPattern] = []

"""Paths of the market data routes, under /api.
Included by exchange/urls.py."""

from django.urls import path

from market.api import views

urlpatterns = [
    path("market/instruments", views.InstrumentsView.as_view()),
    path("market/orderbook/<str:instrument_id>", views.OrderbookView.as_view()),
    path("market/tick/<str:instrument_id>", views.TickView.as_view()),
    path("market/trades/<str:instrument_id>", views.TradesView.as_view()),
    path("market/kline/<str:instrument_id>", views.KlineView.as_view()),
]

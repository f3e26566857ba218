"""Paths of the order, position and trade routes, under /api.
Included by exchange/urls.py; the converter `id` is registered by accounts/api/urls.py."""

from typing import Any

from django.urls import path, register_converter
from django.urls.converters import get_converters

from accounts.http.paths import IdConverter
from trading.api import orders, views

if "id" not in get_converters():
    register_converter(IdConverter, "id")

# What the stubs say of a view is narrower than what Django takes: any callable giving an awaitable.
THIN: dict[str, Any] = {
    "order/submit": orders.order_submit,
    "order/cancel": orders.order_cancel,
    "order/batch": orders.order_batch,
    "order/batch-cancel": orders.order_batch_cancel,
    "order/query": orders.order_query,
}
urlpatterns = [
    *(path(route, view) for route, view in THIN.items()),
    path("order/<id:order_id>", views.OrderView.as_view()),
    path("order/user/<id:number>", views.OrdersView.as_view()),
    path("position/account/<id:account_id>", views.AccountPositionsView.as_view()),
    path("position/user/<id:number>", views.UserPositionsView.as_view()),
    path("trades/account/<id:account_id>", views.AccountTradesView.as_view()),
    path("trades/user/<id:number>", views.UserTradesView.as_view()),
]

"""Paths of the money routes, under /api.
Included by exchange/urls.py before the account routes, whose ids are digits only."""

from django.urls import path

from settlement.api import views

urlpatterns = [
    path("account/deposit", views.DepositView.as_view()),
    path("account/withdraw", views.WithdrawView.as_view()),
    path("account/cash-requests/<slug:request_id>", views.CashRequestView.as_view()),
    path("management/cash-requests", views.CashRequestsView.as_view()),
    path("management/cash-requests/<slug:request_id>/approve", views.CashRequestApproveView.as_view()),
    path("management/cash-requests/<slug:request_id>/refuse", views.CashRequestRefuseView.as_view()),
]

"""Paths of the money panel.
Included by exchange/urls.py after the account routes, which register the converter `id`."""

from django.urls import path

from settlement import pages

urlpatterns = [path("pages/cash/<id:account_id>", pages.CashPage.as_view(), name="cash")]

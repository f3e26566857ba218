"""Paths of the data that pages ask of the market.
Included by exchange/urls.py."""

from django.urls import path

from market import pages

urlpatterns = [path("pages/instruments", pages.InstrumentsData.as_view())]

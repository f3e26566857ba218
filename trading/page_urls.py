"""Paths of the trader's page.
Included by exchange/urls.py."""

from django.urls import path

from trading import pages

urlpatterns = [path("", pages.TerminalPage.as_view(), name="terminal")]

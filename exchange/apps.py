"""The Django app `exchange`.
Called by Django at start-up."""

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    """Registers the app; nothing is imported or connected at start-up."""

    name = "exchange"
    default_auto_field = "django.db.models.BigAutoField"

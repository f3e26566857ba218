"""The Django app `market`.
Called by Django at start-up."""

from django.apps import AppConfig


class MarketConfig(AppConfig):
    """Registers the app; nothing is imported or connected at start-up."""

    name = "market"
    default_auto_field = "django.db.models.BigAutoField"

"""The Django app `trading`.
Called by Django at start-up."""

from django.apps import AppConfig


class TradingConfig(AppConfig):
    """Registers the app; nothing is imported or connected at start-up."""

    name = "trading"
    default_auto_field = "django.db.models.BigAutoField"

"""The Django app `settlement`.
Called by Django at start-up."""

from django.apps import AppConfig


class SettlementConfig(AppConfig):
    """Registers the app; nothing is imported or connected at start-up."""

    name = "settlement"
    default_auto_field = "django.db.models.BigAutoField"

"""The Django app `accounts`.
Called by Django at start-up."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers the app; nothing is imported or connected at start-up."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

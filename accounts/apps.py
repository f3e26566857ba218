"""The Django app `accounts`.
Called by Django at start-up."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers the app and what the OpenAPI schema must know of its token; nothing connects at start-up."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """drf-spectacular finds extensions by their having been imported."""
        import accounts.http.schema  # noqa: F401

"""The Django app `exchange`.
Called by Django at start-up."""

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    """Registers the app and says where the door and the live state are; nothing connects at start-up."""

    name = "exchange"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Processes without a Redis (makemigrations, collectstatic) have no door."""
        from django.conf import settings

        from engine import door, live

        if settings.REDIS_URL and settings.OUTCRY_STACK_ID:
            door.configure(redis_url=settings.REDIS_URL, stack_id=settings.OUTCRY_STACK_ID)
            live.configure(settings.REDIS_URL, settings.OUTCRY_STACK_ID)

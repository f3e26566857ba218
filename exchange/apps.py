"""The Django app `exchange`.
Called by Django at start-up."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


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
        from exchange.venue_admin.templates import catalogue_templates
        from market.listing import templates_provide

        templates_provide(catalogue_templates)


class OutcryAdminConfig(AdminConfig):
    """Django's admin with our site as the default one."""

    default_site = "exchange.admin.OutcryAdminSite"

"""Celery tasks of this app: asking again for accounts left over, and forgetting old sessions.
Called by Celery beat (CELERY_BEAT_SCHEDULE in the settings)."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts import services


@shared_task(name="accounts.accounts_resend")
def accounts_resend() -> int:
    """Every 5 s; see services.accounts_resend."""
    return services.accounts_resend(now=timezone.now())


@shared_task(name="accounts.sessions_announce_ended")
def sessions_announce_ended() -> int:
    """Every minute; see services.sessions_announce_ended."""
    return services.sessions_announce_ended(now=timezone.now())


@shared_task(name="accounts.sessions_purge")
def sessions_purge() -> int:
    """Every day; see services.sessions_purge."""
    return services.sessions_purge(now=timezone.now())

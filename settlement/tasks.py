"""Celery tasks of the clearing house: asking again for money requests left over.
Called by Celery beat (CELERY_BEAT_SCHEDULE in the settings)."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from settlement import services


@shared_task(name="settlement.cash_requests_resend")
def cash_requests_resend() -> int:
    """Every 5 s; see services.cash_requests_resend."""
    return services.cash_requests_resend(now=timezone.now())

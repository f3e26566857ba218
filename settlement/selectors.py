"""Reads of the clearing house: money requests.
Called by settlement/api and the operator's pages."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from settlement.models import CashRequest


def cash_request_get(*, request_id: str) -> CashRequest | None:
    """The request, or None."""
    return CashRequest.objects.filter(request_id=request_id).first()


def cash_requests_list(*, state: str | None = None) -> QuerySet[CashRequest]:
    """Every request, or those in `state`, newest first."""
    requests = CashRequest.objects.order_by("-pk")
    return requests if state is None else requests.filter(state=state)


def cash_requests_waiting() -> QuerySet[CashRequest]:
    """Requests somebody must decide: open ones that the engine has not refused meanwhile, oldest first."""
    ended = Q(state__in=(CashRequest.State.DONE, CashRequest.State.REFUSED))
    return CashRequest.objects.filter(decision=CashRequest.Decision.OPEN).exclude(ended).order_by("pk")

"""Requests to pay money in or out: rows first, commands after the commit (DESIGN.md §6).
Written by settlement/services.py only."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class CashRequest(models.Model):
    """One deposit or withdrawal.

    A deposit is requested, decided, then credited by its command: requested → done | refused. A withdrawal
    leaves the account at once, is decided, then paid out or posted back: requested → pending → done |
    refused. `decision` says what was decided; what it makes due is sent until the engine has answered."""

    class Kind(models.TextChoices):
        DEPOSIT = "deposit"
        WITHDRAWAL = "withdrawal"

    class State(models.TextChoices):
        REQUESTED = "requested"
        PENDING = "pending"
        DONE = "done"
        REFUSED = "refused"

    class Decision(models.TextChoices):
        OPEN = "open"
        APPROVED = "approved"
        REFUSED = "refused"

    id = models.BigAutoField(primary_key=True)
    request_id = models.CharField(max_length=64, unique=True)  # the engine's key of the request
    kind = models.CharField(max_length=16, choices=Kind.choices)
    account = models.ForeignKey(
        "accounts.TradingAccount", on_delete=models.PROTECT, related_name="cash_requests"
    )
    currency = models.CharField(max_length=8)
    amount = models.DecimalField(max_digits=38, decimal_places=12)
    units = models.BigIntegerField()  # the amount in the currency's smallest units
    state = models.CharField(max_length=16, choices=State.choices, default=State.REQUESTED)
    decision = models.CharField(max_length=16, choices=Decision.choices, default=Decision.OPEN)
    code = models.IntegerField(null=True, blank=True)  # why it was refused (engine/core/codes.py)
    refusal_limit = models.CharField(max_length=64, blank=True)  # the limit it broke, as people read it
    method = models.CharField(max_length=32, blank=True)
    remark = models.CharField(max_length=200, blank=True)
    idempotency_key = models.CharField(max_length=64)
    request_digest = models.CharField(max_length=64)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="cash_requests"
    )
    approved_by = models.ForeignKey(  # nobody: the venue's own limit for small amounts
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    seq = models.BigIntegerField(null=True, blank=True)  # of the last command that changed it
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("account", "idempotency_key", name="cash_request_idempotency_unique"),
            models.CheckConstraint(condition=Q(units__gt=0) & Q(amount__gt=0), name="cash_request_positive"),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=Q(state__in=["requested", "pending"]),
                name="cash_request_unfinished",
            ),
            models.Index(fields=["account", "-id"], name="cash_request_by_account"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.request_id}: {self.state}"

    @property
    def is_due(self) -> bool:
        """True when a command of this request waits to be sent (or to be answered)."""
        if self.kind == self.Kind.WITHDRAWAL:
            return self.state == self.State.REQUESTED or (
                self.state == self.State.PENDING and self.decision != self.Decision.OPEN
            )
        return self.state == self.State.REQUESTED and self.decision == self.Decision.APPROVED

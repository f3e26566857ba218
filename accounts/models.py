"""Users, their roles and sessions, their trading accounts; and what the journal says of each account.
Called by Django's authentication, accounts/services.py and accounts/selectors.py."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.audit_entry import AuditEntry
from accounts.projected import ProjectedModel
from accounts.rights import ROLE_CHOICES, RoleName

__all__ = [
    "ACCOUNT_ID_FIRST", "AccountState", "AuditEntry", "Session", "TradingAccount", "User", "UserRole",
    "VenueUserManager",
]  # fmt: skip

ACCOUNT_ID_FIRST = 80_000_001


class VenueUserManager(UserManager["User"]):
    """Django's manager; a superuser also gets the roles that make one operator of the venue."""

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **extra_fields: Any
    ) -> User:
        """`manage.py createsuperuser`: an admin and operator. Being first makes nobody anything."""
        user = super().create_superuser(username, email, password, **extra_fields)
        UserRole.objects.bulk_create(
            UserRole(user=user, role=role) for role in (RoleName.ADMIN, RoleName.OPERATOR)
        )
        return user


class User(AbstractUser):
    """A person or program that can log in. `is_active` False: frozen, all sessions refused."""

    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=32, blank=True)
    real_name = models.CharField(max_length=64, blank=True)
    id_card = models.CharField(max_length=32, blank=True)

    objects: ClassVar[VenueUserManager] = VenueUserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_username_unique"),
            models.UniqueConstraint(Lower("email"), condition=~Q(email=""), name="user_email_unique"),
            models.UniqueConstraint("phone", condition=~Q(phone=""), name="user_phone_unique"),
        ]


class UserRole(models.Model):
    """One role of one user, with who gave it (nobody: createsuperuser, the seed, registration)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="roles")
    role = models.CharField(max_length=16, choices=ROLE_CHOICES)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    granted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("user", "role", name="user_role_unique"),
            models.CheckConstraint(
                condition=Q(role__in=[role.value for role in RoleName]), name="user_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.role}"


class Session(models.Model):
    """One login. Only the refresh token named here is good; a logout or a reuse sets `ended_at`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sessions")
    refresh_jti = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=32, blank=True)
    address = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["user"], condition=Q(ended_at__isnull=True), name="session_live_by_user"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class TradingAccount(models.Model):
    """A trading account of a user: a request until the engine has opened it (`state`)."""

    class State(models.TextChoices):
        REQUESTED = "requested"
        OPEN = "open"
        REFUSED = "refused"
        CLOSED = "closed"

    class Type(models.TextChoices):
        INDIVIDUAL = "individual"
        INSTITUTIONAL = "institutional"
        MARKET_MAKER = "market_maker"

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="trading_accounts"
    )
    name = models.CharField(max_length=64)
    account_type = models.CharField(max_length=16, choices=Type.choices, default=Type.INDIVIDUAL)
    trading_password = models.CharField(max_length=128, blank=True)  # a hash; "" when none was set
    currency = models.CharField(max_length=8, default="CNY")
    init_cash = models.DecimalField(max_digits=38, decimal_places=12, default=0)
    state = models.CharField(max_length=16, choices=State.choices, default=State.REQUESTED)
    code = models.IntegerField(null=True, blank=True)  # why it was refused (engine/core/codes.py)
    idempotency_key = models.CharField(max_length=64)
    request_digest = models.CharField(max_length=64)
    seq = models.BigIntegerField(null=True, blank=True)  # of the command that opened it
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("user", "idempotency_key", name="account_idempotency_unique"),
            models.CheckConstraint(condition=Q(init_cash__gte=0), name="account_init_cash_not_negative"),
        ]
        indexes = [
            models.Index(
                fields=["created_at"], condition=Q(state="requested"), name="account_requested_by_age"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.name}"


class AccountState(ProjectedModel):
    """An account's stored funds as the journal has them; what moves with the mark is computed when read.

    All money in units of 10^-scale of `currency` (engine/core/views.py AccountView)."""

    account_id = models.BigIntegerField(primary_key=True)
    owner = models.BigIntegerField(db_index=True)
    currency = models.CharField(max_length=8)
    scale = models.SmallIntegerField()
    freeze = models.SmallIntegerField()
    trading_day = models.IntegerField()
    pre_balance = models.DecimalField(max_digits=38, decimal_places=0)
    deposit = models.DecimalField(max_digits=38, decimal_places=0)
    withdraw = models.DecimalField(max_digits=38, decimal_places=0)
    close_profit = models.DecimalField(max_digits=38, decimal_places=0)
    commission = models.DecimalField(max_digits=38, decimal_places=0)
    margin = models.DecimalField(max_digits=38, decimal_places=0)
    frozen_margin = models.DecimalField(max_digits=38, decimal_places=0)
    frozen_commission = models.DecimalField(max_digits=38, decimal_places=0)
    open_orders = models.IntegerField(default=0)

    class Meta:
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"{self.account_id} @ {self.seq}"

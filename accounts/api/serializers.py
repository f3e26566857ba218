"""What the account routes take and give, field by field.
Called by accounts/api/views.py and by the OpenAPI schema."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.http.drf import ExactDecimalField, ExactIntegerField, StrictSerializer, TextField
from accounts.models import TradingAccount, User
from accounts.rights import ROLE_CHOICES, RoleName
from engine.live import LiveFunds

PASSWORD_MAX = 128


class RegisterIn(StrictSerializer):
    username = TextField(max_length=150)
    password = TextField(max_length=PASSWORD_MAX, trim_whitespace=False)
    phone = TextField(max_length=32, min_length=0, required=False, default="")
    email = serializers.EmailField(required=False, default="", allow_blank=True, max_length=254)
    real_name = TextField(max_length=64, min_length=0, required=False, default="")
    id_card = TextField(max_length=32, min_length=0, required=False, default="")


class RegisterOut(serializers.Serializer[Any]):
    user_id = serializers.CharField()
    username = serializers.CharField()
    account_id = serializers.CharField()
    message = serializers.CharField()


class LoginIn(StrictSerializer):
    username = TextField(max_length=150)
    password = TextField(max_length=PASSWORD_MAX, trim_whitespace=False)


class LoginOut(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    user_id = serializers.CharField()
    username = serializers.CharField()
    token = serializers.CharField(help_text="the access token, good for expires_in seconds")
    refresh_token = serializers.CharField(help_text="good once")
    expires_in = serializers.IntegerField()
    session_id = serializers.CharField()
    message = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    is_admin = serializers.BooleanField()
    permissions = serializers.ListField(child=serializers.CharField())
    account_ids = serializers.ListField(child=serializers.CharField())


class RefreshIn(StrictSerializer):
    refresh_token = TextField(max_length=2048)


class RefreshOut(serializers.Serializer[Any]):
    token = serializers.CharField()
    refresh_token = serializers.CharField()
    expires_in = serializers.IntegerField()


class EmptyIn(StrictSerializer):
    """A body without fields."""


class MessageOut(serializers.Serializer[Any]):
    message = serializers.CharField()


class PasswordChangeIn(StrictSerializer):
    old_password = TextField(max_length=PASSWORD_MAX, trim_whitespace=False)
    new_password = TextField(max_length=PASSWORD_MAX, trim_whitespace=False)


class UserOut(serializers.Serializer[Any]):
    user_id = serializers.CharField()
    username = serializers.CharField()
    phone = serializers.CharField()
    email = serializers.CharField()
    real_name = serializers.CharField()
    account_ids = serializers.ListField(child=serializers.CharField())
    roles = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    status = serializers.ChoiceField(choices=["Active", "Frozen"])


class UsersOut(serializers.Serializer[Any]):
    users = UserOut(many=True)
    total = serializers.IntegerField()
    page = serializers.IntegerField()
    page_size = serializers.IntegerField()


class RolesIn(StrictSerializer):
    user_id = ExactIntegerField(min_value=1)
    roles = serializers.ListField(
        child=serializers.ChoiceField(choices=ROLE_CHOICES),
        max_length=len(RoleName),
    )


class RoleAddIn(StrictSerializer):
    user_id = ExactIntegerField(min_value=1)
    role = serializers.ChoiceField(choices=ROLE_CHOICES)


class RolesOut(serializers.Serializer[Any]):
    user_id = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    message = serializers.CharField()


class AccountCreateIn(StrictSerializer):
    account_name = TextField(max_length=64)
    init_cash = ExactDecimalField(scale=2, required=False)
    account_type = serializers.ChoiceField(
        choices=TradingAccount.Type.choices, required=False, default=TradingAccount.Type.INDIVIDUAL
    )
    password = TextField(max_length=PASSWORD_MAX, min_length=0, required=False, trim_whitespace=False)
    idempotency_key = TextField(max_length=64, required=False)


class AccountOpenIn(StrictSerializer):
    user_id = ExactIntegerField(min_value=1)
    user_name = TextField(max_length=64)
    init_cash = ExactDecimalField(scale=2, required=False)
    account_type = serializers.ChoiceField(
        choices=TradingAccount.Type.choices, required=False, default=TradingAccount.Type.INDIVIDUAL
    )
    password = TextField(max_length=PASSWORD_MAX, min_length=0, required=False, trim_whitespace=False)
    idempotency_key = TextField(max_length=64, required=False)


class AccountOpenOut(serializers.Serializer[Any]):
    account_id = serializers.CharField()
    state = serializers.ChoiceField(choices=TradingAccount.State.choices)
    seq = serializers.IntegerField(allow_null=True)
    message = serializers.CharField()


class AccountSummaryOut(serializers.Serializer[Any]):
    account_id = serializers.CharField()
    account_name = serializers.CharField()
    account_type = serializers.CharField()
    state = serializers.ChoiceField(choices=TradingAccount.State.choices)
    currency = serializers.CharField()
    balance = ExactDecimalField(allow_null=True)
    available = ExactDecimalField(allow_null=True)
    margin = ExactDecimalField(allow_null=True)
    frozen_margin = ExactDecimalField(allow_null=True)
    risk_ratio = ExactDecimalField(allow_null=True)
    created_at = serializers.DateTimeField()


class AccountsOut(serializers.Serializer[Any]):
    accounts = AccountSummaryOut(many=True)
    total = serializers.IntegerField()


class WalletOut(serializers.Serializer[Any]):
    asset = serializers.CharField()
    available = ExactDecimalField()
    locked = ExactDecimalField()


class AccountOut(serializers.Serializer[Any]):
    account_id = serializers.CharField()
    user_id = serializers.CharField()
    user_name = serializers.CharField()
    account_type = serializers.CharField()
    currency = serializers.CharField()
    pre_balance = ExactDecimalField()
    static_balance = ExactDecimalField()
    deposit = ExactDecimalField()
    withdraw = ExactDecimalField()
    close_profit = ExactDecimalField()
    position_profit = ExactDecimalField()
    float_profit = ExactDecimalField()
    commission = ExactDecimalField()
    balance = ExactDecimalField()
    margin = ExactDecimalField()
    frozen_margin = ExactDecimalField()
    frozen_commission = ExactDecimalField()
    frozen = ExactDecimalField(help_text="frozen_margin + frozen_commission")
    profit = ExactDecimalField(help_text="close_profit + position_profit")
    available = ExactDecimalField()
    withdraw_quota = ExactDecimalField()
    risk_ratio = ExactDecimalField(allow_null=True, help_text="margin ÷ balance; null where it is infinite")
    wallets = WalletOut(many=True)
    created_at = serializers.DateTimeField()
    epoch = serializers.IntegerField()
    seq = serializers.IntegerField()


def user_data(user: User) -> dict[str, Any]:
    """A user as row 4 shows him; the identity card number never leaves."""
    return {
        "user_id": str(user.pk),
        "username": user.username,
        "phone": user.phone,
        "email": user.email,
        "real_name": user.real_name,
        "account_ids": [
            str(account.pk)
            for account in sorted(user.trading_accounts.all(), key=lambda account: account.pk)
            if account.state != TradingAccount.State.REFUSED
        ],
        "roles": sorted(role.role for role in user.roles.all()),
        "created_at": user.date_joined,
        "status": "Active" if user.is_active else "Frozen",
    }


def account_summary_data(account: TradingAccount, funds: LiveFunds | None) -> dict[str, Any]:
    """An account as row 10 shows it; `funds` None while it is not open."""
    return {
        "account_id": str(account.pk),
        "account_name": account.name,
        "account_type": account.account_type,
        "state": account.state,
        "currency": account.currency,
        **{
            name: getattr(funds, name, None)
            for name in ("balance", "available", "margin", "frozen_margin", "risk_ratio")
        },
        "created_at": account.created_at,
    }


_FUNDS = (
    "currency", "pre_balance", "static_balance", "deposit", "withdraw", "close_profit", "position_profit",
    "float_profit", "commission", "balance", "margin", "frozen_margin", "frozen_commission", "available",
    "withdraw_quota", "risk_ratio", "epoch", "seq",
)  # fmt: skip


def account_data(account: TradingAccount, funds: LiveFunds) -> dict[str, Any]:
    """An open account as row 12 shows it, from its live funds."""
    return {
        "account_id": str(account.pk),
        "user_id": str(account.user_id),
        "user_name": account.user.username,
        "account_type": account.account_type,
        **{name: getattr(funds, name) for name in _FUNDS},
        "frozen": funds.frozen_margin + funds.frozen_commission,
        "profit": funds.close_profit + funds.position_profit,
        "wallets": [
            {"asset": wallet.asset, "available": wallet.available, "locked": wallet.locked}
            for wallet in funds.wallets
        ],
        "created_at": account.created_at,
    }

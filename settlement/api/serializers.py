"""What the money routes take and give, field by field.
Called by settlement/api/views.py and by the OpenAPI schema."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from accounts.http.drf import ExactDecimalField, ExactIntegerField, StrictSerializer, TextField
from engine.border import from_units
from engine.core import terms
from settlement.models import CashRequest


class CashIn(StrictSerializer):
    account_id = ExactIntegerField(min_value=1, required=False)
    user_id = ExactIntegerField(
        min_value=1, required=False, help_text="the reference's other name for account_id"
    )
    amount = ExactDecimalField()
    currency = TextField(max_length=8, required=False, default="CNY")
    method = TextField(max_length=32, min_length=0, required=False, default="")
    remark = TextField(max_length=200, min_length=0, required=False, default="")
    idempotency_key = TextField(max_length=64, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One account, under either name."""
        names = [name for name in ("account_id", "user_id") if name in attrs]
        if not names:
            raise serializers.ValidationError({"account_id": ["account_id is required"]}, code="required")
        if len(names) == 2:
            raise serializers.ValidationError({"user_id": ["give account_id only"]}, code="unknown")
        attrs["account_id"] = attrs.pop(names[0])
        return attrs


class WithdrawIn(CashIn):
    password = TextField(max_length=128, required=False, trim_whitespace=False)


class CashRequestOut(serializers.Serializer[Any]):
    request_id = serializers.CharField()
    kind = serializers.ChoiceField(choices=CashRequest.Kind.choices)
    account_id = serializers.CharField()
    currency = serializers.CharField()
    amount = ExactDecimalField()
    state = serializers.ChoiceField(choices=CashRequest.State.choices)
    decision = serializers.CharField(allow_blank=True)
    code = serializers.IntegerField(allow_null=True)
    method = serializers.CharField()
    remark = serializers.CharField()
    created_at = serializers.DateTimeField()
    seq = serializers.IntegerField(allow_null=True)


class CashOut(CashRequestOut):
    balance = ExactDecimalField(allow_null=True)
    available = ExactDecimalField(allow_null=True)


class CashRequestsOut(serializers.Serializer[Any]):
    records = CashRequestOut(many=True)
    total = serializers.IntegerField()
    page = serializers.IntegerField()
    page_size = serializers.IntegerField()


class DecideIn(StrictSerializer):
    """A body without fields."""


def cash_request_data(request: CashRequest) -> dict[str, Any]:
    """A request as its routes show it."""
    return {
        "request_id": request.request_id,
        "kind": request.kind,
        "account_id": str(request.account_id),
        "currency": request.currency,
        "amount": from_units(request.units, terms.CURRENCY_SCALES[request.currency]),
        "state": request.state,
        "decision": request.decision,
        "code": request.code,
        "method": request.method,
        "remark": request.remark,
        "created_at": request.created_at,
        "seq": request.seq,
    }


def cash_data(request: CashRequest, money: tuple[Decimal, Decimal] | None) -> dict[str, Any]:
    """A request with the account's balance and available after it; nulls while they cannot be read."""
    balance, available = money or (None, None)
    return {**cash_request_data(request), "balance": balance, "available": available}

"""The money routes: parse, call one service or selector, format.
Called by Django through settlement/api/urls.py."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import selectors as account_selectors
from accounts.api.views import fields_of
from accounts.http.auth import principal_of
from accounts.http.drf import page_parse
from accounts.http.envelope import ApiError
from accounts.rights import Right, require, require_account
from engine.core.codes import Code
from engine.live import LiveRebuilding, live
from settlement import selectors, services
from settlement.api import serializers as s
from settlement.models import CashRequest


class DepositView(APIView):
    @extend_schema(request=s.CashIn, responses=s.CashOut)
    def post(self, request: Request) -> Response:
        """Pay in; above the venue's limit an operator decides first."""
        return _cash_requested(request, CashRequest.Kind.DEPOSIT)


class WithdrawView(APIView):
    @extend_schema(request=s.WithdrawIn, responses=s.CashOut)
    def post(self, request: Request) -> Response:
        """Take out at most withdraw_quota; it leaves the account at once, even while it is pending."""
        return _cash_requested(request, CashRequest.Kind.WITHDRAWAL)


def _cash_requested(request: Request, kind: CashRequest.Kind) -> Response:
    """201 when done, 202 while it waits (for the engine or an operator), else the engine's refusal."""
    principal = principal_of(request)
    withdrawal = kind == CashRequest.Kind.WITHDRAWAL
    fields = fields_of(s.WithdrawIn if withdrawal else s.CashIn, request)
    account_id = fields["account_id"]
    require_account(principal, account_id, Right.CASH_APPROVE)
    if principal.owns(account_id):
        require(principal, Right.TRANSFER)
    password = fields.pop("password", "")
    if withdrawal:
        _password_check(account_id, password)
    now = timezone.now()
    fields["idempotency_key"] = fields.get("idempotency_key") or f"~{uuid4().hex}"
    cash = services.cash_request(kind=kind, requested_by=principal.user_id, now=now, **fields)
    cash = services.cash_request_send(request_id=cash.request_id, now=now)
    if cash.state == CashRequest.State.REFUSED:
        value = format(cash.amount.normalize(), "f")
        raise ApiError(cash.code or Code.INTERNAL, field="amount", limit=cash.refusal_limit, value=value)
    data = s.cash_data(cash, _money(account_id, cash.currency))
    return Response(data, status=201 if cash.state == CashRequest.State.DONE else 202)


def _password_check(account_id: int, password: str) -> None:
    """The trading password: refused when wrong, and when missing if the venue insists."""
    account = account_selectors.account_get(account_id=account_id)
    if account is None or not (password or settings.OUTCRY_WITHDRAW_PASSWORD):
        return
    if not account_selectors.trading_password_fits(account=account, password=password):
        raise ApiError(Code.LOGIN_FAILED, field="password")


def _money(account_id: int, currency: str) -> tuple[Decimal, Decimal] | None:
    """(balance, available) of that currency now; None while live state is being rebuilt.

    The money has moved by then: a missing figure must not turn the answer into a failure."""
    try:
        funds = live().account_funds(account_id)
    except LiveRebuilding:
        return None
    if funds is None:
        return None
    if currency == funds.currency:
        return funds.balance, funds.available
    for wallet in funds.wallets:
        if wallet.asset == currency:
            return wallet.available + wallet.locked, wallet.available
    return Decimal(0), Decimal(0)


class CashRequestView(APIView):
    @extend_schema(responses=s.CashRequestOut)
    def get(self, request: Request, request_id: str) -> Response:
        """One money request: how it stands."""
        cash = selectors.cash_request_get(request_id=request_id)
        if cash is None:
            raise ApiError(Code.REQUEST_NOT_FOUND, field="request_id")
        principal = principal_of(request)
        if not principal.owns(cash.account_id) and Right.ACCOUNTS_READ not in principal.rights:
            raise ApiError(Code.REQUEST_NOT_FOUND, field="request_id")
        return Response(s.cash_request_data(cash))


class CashRequestsView(APIView):
    @extend_schema(
        parameters=[
            OpenApiParameter("state", str, enum=CashRequest.State.values),
            OpenApiParameter("page", int),
            OpenApiParameter("page_size", int),
        ],
        responses=s.CashRequestsOut,
    )
    def get(self, request: Request) -> Response:
        """Every money request, newest first, for those who may see all accounts."""
        require(principal_of(request), Right.ACCOUNTS_READ)
        page = page_parse(request)
        state = request.GET.get("state")
        if state is not None and state not in CashRequest.State.values:
            raise ApiError(Code.FIELD_INVALID, field="state", limit=", ".join(CashRequest.State.values))
        requests = selectors.cash_requests_list(state=state)
        return Response(
            {
                "records": [s.cash_request_data(row) for row in requests[page.offset : page.end]],
                "total": requests.count(),
                "page": page.page,
                "page_size": page.page_size,
            }
        )


class CashRequestApproveView(APIView):
    @extend_schema(request=s.DecideIn, responses=s.CashRequestOut)
    def post(self, request: Request, request_id: str) -> Response:
        """Let the money go through, for an operator other than who asked."""
        return _decided(request, request_id, approve=True)


class CashRequestRefuseView(APIView):
    @extend_schema(request=s.DecideIn, responses=s.CashRequestOut)
    def post(self, request: Request, request_id: str) -> Response:
        """Refuse it; a pending withdrawal is posted back."""
        return _decided(request, request_id, approve=False)


def _decided(request: Request, request_id: str, *, approve: bool) -> Response:
    principal = principal_of(request)
    require(principal, Right.CASH_APPROVE)
    fields_of(s.DecideIn, request)
    now = timezone.now()
    services.cash_request_decide(
        request_id=request_id, approve=approve, decided_by=principal.user_id, now=now
    )
    cash = services.cash_request_send(request_id=request_id, now=now)
    return Response(s.cash_request_data(cash))

"""The panel of money in and out of one account: the two forms, and the requests with their states.
Called by Django through settlement/page_urls.py; the terminal loads it into a dialog."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts import selectors as account_selectors
from accounts.http.addresses import client_address
from accounts.http.envelope import ApiError
from accounts.http.pages import page_login_required
from accounts.pages import amount_of, field_of
from accounts.principals import Principal
from accounts.rights import Right, require
from accounts.throttles import throttle_check
from engine.core import terms
from engine.core.codes import Code
from settlement import selectors, services
from settlement.models import CashRequest

REQUESTS_SHOWN: Final = 8


@method_decorator([never_cache, sensitive_post_parameters("password")], name="dispatch")
class CashPage(View):
    """/pages/cash/<account_id>"""

    @page_login_required
    def get(self, request: HttpRequest, principal: Principal, account_id: int) -> HttpResponseBase:
        """The panel; while something is waiting it asks again by itself."""
        return _panel(request, principal, account_id, {})

    @page_login_required
    def post(self, request: HttpRequest, principal: Principal, account_id: int) -> HttpResponseBase:
        """Ask for a deposit or a withdrawal."""
        try:
            return _panel(request, principal, account_id, {"asked": _ask(request, principal, account_id)})
        except ApiError as error:
            kept = {name: request.POST.get(name, "") for name in ("kind", "currency", "amount")}
            return _panel(request, principal, account_id, {"error": error, **kept})


def _ask(request: HttpRequest, principal: Principal, account_id: int) -> CashRequest:
    """The request as it stands after the engine has answered; ApiError for every refusal."""
    throttle_check(principal, client_address(request), "write")
    if not principal.owns(account_id):
        raise ApiError(Code.ACCOUNT_NOT_FOUND, field="account_id")
    require(principal, Right.TRANSFER)
    kind = field_of(request, "kind", 16)
    if kind not in CashRequest.Kind.values:
        raise ApiError(Code.FIELD_INVALID, field="kind", limit=", ".join(CashRequest.Kind.values))
    if kind == CashRequest.Kind.WITHDRAWAL:
        _password_check(request, account_id)
    now = timezone.now()
    cash = services.cash_request(
        kind=CashRequest.Kind(kind),
        account_id=account_id,
        currency=field_of(request, "currency", 8),
        amount=amount_of(request, "amount"),
        requested_by=principal.user_id,
        idempotency_key=field_of(request, "key", 64),
        now=now,
        method="page",
    )
    cash = services.cash_request_send(request_id=cash.request_id, now=now)
    if cash.state == CashRequest.State.REFUSED:
        value = format(cash.amount.normalize(), "f")
        raise ApiError(cash.code or Code.INTERNAL, field="amount", limit=cash.refusal_limit, value=value)
    return cash


def _password_check(request: HttpRequest, account_id: int) -> None:
    account = account_selectors.account_get(account_id=account_id)
    password = request.POST.get("password", "")[:128]
    if account is None or not (password or settings.OUTCRY_WITHDRAW_PASSWORD):
        return
    if not account_selectors.trading_password_fits(account=account, password=password):
        raise ApiError(Code.LOGIN_FAILED, field="password")


def _panel(
    request: HttpRequest, principal: Principal, account_id: int, context: dict[str, Any]
) -> HttpResponse:
    """Another's account looks like one that does not exist."""
    if not principal.owns(account_id):
        error = ApiError(Code.ACCOUNT_NOT_FOUND, field="account_id")
        return render(request, "settlement/_cash.html", {"error": error, "is_foreign": True}, status=404)
    rows = list(selectors.cash_requests_list().filter(account_id=account_id)[:REQUESTS_SHOWN])
    waiting = (CashRequest.State.REQUESTED, CashRequest.State.PENDING)
    context |= {
        "account_id": account_id,
        "requests": rows,
        "is_waiting": any(row.state in waiting for row in rows),
        "currencies": list(terms.CURRENCY_SCALES),
        "needs_password": settings.OUTCRY_WITHDRAW_PASSWORD,
        "key": uuid4().hex,
    }
    return render(request, "settlement/_cash.html", context)

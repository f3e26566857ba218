"""The pages about who somebody is: register, log in, log out, trading accounts, the script's access token.
Called by Django through accounts/page_urls.py."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts import selectors, services
from accounts.http.addresses import client_address
from accounts.http.envelope import ApiError, error_response
from accounts.http.pages import (
    is_fragment,
    page_login_required,
    page_principal,
    page_session_clear,
    page_session_set,
)
from accounts.models import TradingAccount
from accounts.principals import Principal
from accounts.rights import Right, require
from accounts.throttles import throttle_check
from accounts.tokens import ACCESS_LIFETIME, access_token_issue
from engine.border import NumberRefused, decimal_parse
from engine.core.codes import Code

FIELD_LENGTH_MAX = 150


def field_of(request: HttpRequest, name: str, length_max: int = FIELD_LENGTH_MAX) -> str:
    """A form's field; FIELD_REQUIRED when it is missing or empty, FIELD_INVALID when it is too long."""
    value = request.POST.get(name, "")
    if not value:
        raise ApiError(Code.FIELD_REQUIRED, field=name)
    if len(value) > length_max or "\x00" in value:
        raise ApiError(Code.FIELD_INVALID, field=name, limit=f"1..{length_max} characters")
    return value


def amount_of(request: HttpRequest, name: str) -> Decimal:
    """A form's amount, thousands separators taken out; AMOUNT_INVALID for anything but a number."""
    value = field_of(request, name, 40).replace(",", "").strip()
    try:
        return decimal_parse(value, name)
    except NumberRefused as error:
        raise ApiError(Code.AMOUNT_INVALID, field=name, limit=error.reason, value=value) from None


def form_answer(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """The page `accounts/<name>.html`, or only its form for htmx; a refusal's status for everybody else."""
    error = context.get("error")
    template = f"accounts/_{name}.html" if is_fragment(request) else f"accounts/{name}.html"
    status = error.http_status if error is not None and not is_fragment(request) else 200
    return render(request, template, context, status=status)


def _entered(request: HttpRequest, session_id: str) -> HttpResponse:
    """Into the terminal with the session's cookie."""
    response = HttpResponse(headers={"HX-Redirect": "/"}) if is_fragment(request) else redirect("terminal")
    page_session_set(request, response, session_id)
    return response


@method_decorator([never_cache, sensitive_post_parameters("password")], name="dispatch")
class LoginPage(View):
    """/login"""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The form, or the terminal for somebody who is in already."""
        return redirect("terminal") if page_principal(request) else form_answer(request, "login", {})

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Begin a session; a refusal stands above the form."""
        try:
            return _entered(request, _login(request))
        except ApiError as error:
            username = request.POST.get("username", "")
            return form_answer(request, "login", {"error": error, "username": username})


def _login(request: HttpRequest) -> str:
    """The id of a new session of the form's user."""
    username, password = field_of(request, "username"), field_of(request, "password")
    address = client_address(request)
    throttle_check(None, address, "login", name=username)
    login = services.session_login(
        request=request,
        username=username,
        password=password,
        address=address,
        user_agent=request.headers.get("User-Agent", ""),
        now=timezone.now(),
    )
    return login.session_id


@method_decorator([never_cache, sensitive_post_parameters("password")], name="dispatch")
class RegisterPage(View):
    """/register"""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The form."""
        return form_answer(request, "register", {"cash_max": settings.OUTCRY_INIT_CASH_MAX})

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Register, open the first trading account, log in."""
        try:
            _register(request)
            return _entered(request, _login(request))
        except ApiError as error:
            kept = {name: request.POST.get(name, "") for name in ("username", "email")}
            return form_answer(request, "register", {"error": error, **kept})


def _register(request: HttpRequest) -> None:
    username, password = field_of(request, "username"), field_of(request, "password")
    throttle_check(None, client_address(request), "login", name=username)
    now = timezone.now()
    user = services.user_register(
        username=username, password=password, email=request.POST.get("email", "")[:254]
    )
    account = services.account_request(
        user_id=user.pk,
        name=user.username[:64],
        account_type=TradingAccount.Type.INDIVIDUAL,
        init_cash=Decimal(0),
        idempotency_key="first",
        now=now,
    )
    services.account_open(account_id=account.pk, now=now)


class LogoutPage(View):
    """/logout"""

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """End the session: its tokens and its sockets."""
        principal = page_principal(request)
        if principal is not None:
            services.sessions_end(session_ids=[principal.session_id], reason="logout", now=timezone.now())
        response = redirect("login")
        page_session_clear(response)
        return response


@method_decorator(never_cache, name="dispatch")
class TokenPage(View):
    """/session/token"""

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """A short access token for the page's script, which keeps it in memory only."""
        principal = page_principal(request)
        if principal is None:
            return error_response(ApiError(Code.UNAUTHENTICATED))
        token = access_token_issue(user_id=principal.user_id, session_id=principal.session_id)
        return JsonResponse(
            {
                "token": token,
                "expires_in": int(ACCESS_LIFETIME.total_seconds()),
                "user_id": str(principal.user_id),
                "username": principal.username,
                "account_ids": [str(account_id) for account_id in sorted(principal.account_ids)],
            }
        )


@method_decorator(never_cache, name="dispatch")
class AccountsPage(View):
    """/pages/accounts: the trading accounts of whoever asks, and the form that opens another."""

    @page_login_required
    def get(self, request: HttpRequest, principal: Principal) -> HttpResponseBase:
        """The list and the form."""
        return self._answer(request, principal, {})

    @page_login_required
    def post(self, request: HttpRequest, principal: Principal) -> HttpResponseBase:
        """Open an account."""
        try:
            throttle_check(principal, client_address(request), "write")
            account = _account_open(request, principal)
        except ApiError as error:
            return self._answer(request, principal, {"error": error})
        response = self._answer(request, principal, {"opened": account})
        response["HX-Trigger"] = "accounts-changed"
        return response

    def _answer(self, request: HttpRequest, principal: Principal, context: dict[str, Any]) -> HttpResponse:
        context |= {
            "accounts": selectors.accounts_of_user(user_id=principal.user_id),
            "key": uuid4().hex,
            "cash_max": settings.OUTCRY_INIT_CASH_MAX,
        }
        return render(request, "accounts/_accounts.html", context)


def _account_open(request: HttpRequest, principal: Principal) -> TradingAccount:
    require(principal, Right.ACCOUNT_OPEN)
    now = timezone.now()
    init_cash = amount_of(request, "init_cash") if request.POST.get("init_cash") else Decimal(0)
    if init_cash < 0:
        raise ApiError(Code.AMOUNT_INVALID, field="init_cash", limit=0, value=init_cash)
    account = services.account_request(
        user_id=principal.user_id,
        name=field_of(request, "name", 64),
        account_type=TradingAccount.Type.INDIVIDUAL,
        init_cash=init_cash,
        idempotency_key=field_of(request, "key", 64),
        now=now,
    )
    account = services.account_open(account_id=account.pk, now=now)
    if account.state == TradingAccount.State.REFUSED:
        raise ApiError(account.code or Code.INTERNAL, field="init_cash")
    return account

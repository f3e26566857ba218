"""The account routes: parse, call one service or selector, format.
Called by Django through accounts/api/urls.py."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import selectors, services
from accounts.api import serializers as s
from accounts.errors import user_not_found
from accounts.http.addresses import client_address
from accounts.http.auth import principal_of
from accounts.http.drf import StrictSerializer, page_parse
from accounts.http.envelope import ApiError
from accounts.models import TradingAccount, User
from accounts.rights import Right, RoleName, require, require_account, require_user, rights_of
from accounts.throttles import throttle_check
from accounts.tokens import ACCESS_LIFETIME
from engine.core.codes import Code
from engine.live import LiveFunds, LiveRebuilding, live

EXPIRES_IN: Final = int(ACCESS_LIFETIME.total_seconds())
PAGES: Final = [OpenApiParameter("page", int), OpenApiParameter("page_size", int)]


def fields_of(serializer: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """The validated body; ValidationError becomes the envelope's error."""
    checked = serializer(data=request.data)
    checked.is_valid(raise_exception=True)
    fields: dict[str, Any] = checked.validated_data
    return fields


class OpenView(APIView):
    """A view for people without a token."""

    authentication_classes = ()
    permission_classes = ()
    throttle_kind = "login"


class RegisterView(OpenView):
    @extend_schema(request=s.RegisterIn, responses=s.RegisterOut, auth=[])
    def post(self, request: Request) -> Response:
        """Register a user; a first account without money is opened for him."""
        fields = fields_of(s.RegisterIn, request)
        now = timezone.now()
        user = services.user_register(**fields)
        account = services.account_request(
            user_id=user.pk,
            name=user.username[:64],
            account_type=TradingAccount.Type.INDIVIDUAL,
            init_cash=Decimal(0),
            idempotency_key="first",
            now=now,
        )
        account = services.account_open(account_id=account.pk, now=now)
        data = {
            "user_id": str(user.pk),
            "username": user.username,
            "account_id": str(account.pk),
            "message": f"registered; account {account.state}",
        }
        return Response(data, status=201)


class LoginView(OpenView):
    throttle_classes = ()  # charged below, together with the name that is tried

    @extend_schema(request=s.LoginIn, responses=s.LoginOut, auth=[])
    def post(self, request: Request) -> Response:
        """Begin a session."""
        fields = fields_of(s.LoginIn, request)
        address = client_address(request._request)
        throttle_check(None, address, "login", name=fields["username"])
        login = services.session_login(
            request=request._request,
            username=fields["username"],
            password=fields["password"],
            address=address,
            user_agent=request.META.get("HTTP_USER_AGENT", ""),
            now=timezone.now(),
        )
        roles = selectors.user_roles(user_id=login.user.pk)
        return Response(
            {
                "success": True,
                "user_id": str(login.user.pk),
                "username": login.user.username,
                "token": login.access_token,
                "refresh_token": login.refresh_token,
                "expires_in": EXPIRES_IN,
                "session_id": login.session_id,
                "message": "logged in",
                "roles": roles,
                "is_admin": RoleName.ADMIN in roles,
                "permissions": sorted(rights_of(roles)),
                "account_ids": [str(pk) for pk in selectors.user_account_ids(user_id=login.user.pk)],
            }
        )


class RefreshView(OpenView):
    @extend_schema(request=s.RefreshIn, responses=s.RefreshOut, auth=[])
    def post(self, request: Request) -> Response:
        """Exchange a refresh token, once, for a new pair."""
        fields = fields_of(s.RefreshIn, request)
        login = services.session_refresh(refresh_token=fields["refresh_token"], now=timezone.now())
        return Response(
            {"token": login.access_token, "refresh_token": login.refresh_token, "expires_in": EXPIRES_IN}
        )


class LogoutView(APIView):
    @extend_schema(request=s.EmptyIn, responses=s.MessageOut)
    def post(self, request: Request) -> Response:
        """End this session: its tokens and its sockets."""
        fields_of(s.EmptyIn, request)
        principal = principal_of(request)
        services.sessions_end(session_ids=[principal.session_id], reason="logout", now=timezone.now())
        return Response({"message": "logged out"})


class PasswordChangeView(APIView):
    throttle_kind = "login"

    @extend_schema(request=s.PasswordChangeIn, responses=s.MessageOut)
    def post(self, request: Request) -> Response:
        """Set a new password; every session of the user ends, this one too."""
        fields = fields_of(s.PasswordChangeIn, request)
        services.password_change(user_id=principal_of(request).user_id, now=timezone.now(), **fields)
        return Response({"message": "password changed; log in again"})


class UserView(APIView):
    @extend_schema(responses=s.UserOut)
    def get(self, request: Request, user_id: int) -> Response:
        """One user: oneself, or anybody for an admin."""
        require_user(principal_of(request), user_id, Right.USERS_ADMIN)
        try:
            return Response(s.user_data(selectors.user_get(user_id=user_id)))
        except User.DoesNotExist:
            raise user_not_found() from None


class UsersView(APIView):
    @extend_schema(parameters=PAGES, responses=s.UsersOut)
    def get(self, request: Request) -> Response:
        """Every user, for an admin."""
        require(principal_of(request), Right.USERS_ADMIN)
        page = page_parse(request)
        users = selectors.users_list()
        return Response(
            {
                "users": [s.user_data(user) for user in users[page.offset : page.end]],
                "total": users.count(),
                "page": page.page,
                "page_size": page.page_size,
            }
        )


class RolesView(APIView):
    @extend_schema(request=s.RolesIn, responses=s.RolesOut)
    def post(self, request: Request) -> Response:
        """Give a user exactly these roles, for an admin."""
        principal = principal_of(request)
        require(principal, Right.USERS_ADMIN)
        fields = fields_of(s.RolesIn, request)
        roles = services.user_roles_set(
            user_id=fields["user_id"],
            roles=[RoleName(role) for role in fields["roles"]],
            granted_by=principal.user_id,
            now=timezone.now(),
        )
        return _roles_response(fields["user_id"], roles)


class RoleAddView(APIView):
    @extend_schema(request=s.RoleAddIn, responses=s.RolesOut)
    def post(self, request: Request) -> Response:
        """Give a user one role more, for an admin."""
        require(principal_of(request), Right.USERS_ADMIN)
        fields = fields_of(s.RoleAddIn, request)
        return _role_added(request, fields["user_id"], RoleName(fields["role"]))


class MakeAdminView(APIView):
    @extend_schema(request=s.EmptyIn, responses=s.RolesOut)
    def post(self, request: Request, user_id: int) -> Response:
        """Make a user an admin, for an admin."""
        require(principal_of(request), Right.USERS_ADMIN)
        fields_of(s.EmptyIn, request)
        return _role_added(request, user_id, RoleName.ADMIN)


def _role_added(request: Request, user_id: int, role: RoleName) -> Response:
    roles = services.user_role_add(
        user_id=user_id, role=role, granted_by=principal_of(request).user_id, now=timezone.now()
    )
    return _roles_response(user_id, roles)


def _roles_response(user_id: int, roles: list[str]) -> Response:
    return Response({"user_id": str(user_id), "roles": roles, "message": "roles set"})


class AccountCreateView(APIView):
    @extend_schema(request=s.AccountCreateIn, responses=s.AccountOpenOut)
    def post(self, request: Request, user_id: int) -> Response:
        """Open a trading account of the user's."""
        fields = fields_of(s.AccountCreateIn, request)
        return _account_opened(request, user_id, fields.pop("account_name"), fields)


class AccountOpenView(APIView):
    @extend_schema(request=s.AccountOpenIn, responses=s.AccountOpenOut)
    def post(self, request: Request) -> Response:
        """Open a trading account; the same as account/create under another name."""
        fields = fields_of(s.AccountOpenIn, request)
        return _account_opened(request, fields.pop("user_id"), fields.pop("user_name"), fields)


def _account_opened(request: Request, user_id: int, name: str, fields: dict[str, Any]) -> Response:
    """201 when it is open, 202 while the engine has not answered, the engine's refusal otherwise."""
    principal = principal_of(request)
    require(principal, Right.ACCOUNT_OPEN if principal.user_id == user_id else Right.USERS_ADMIN)
    now = timezone.now()
    account = services.account_request(
        user_id=user_id,
        name=name,
        account_type=fields["account_type"],
        init_cash=_not_negative(fields.get("init_cash", Decimal(0))),
        trading_password=fields.get("password", ""),
        idempotency_key=fields.get("idempotency_key") or f"~{uuid4().hex}",
        now=now,
    )
    account = services.account_open(account_id=account.pk, now=now)
    if account.state == TradingAccount.State.REFUSED:
        raise ApiError(account.code or Code.INTERNAL, field="account_id")
    opened = account.state == TradingAccount.State.OPEN
    data = {
        "account_id": str(account.pk),
        "state": account.state,
        "seq": account.seq,
        "message": "opened" if opened else "accepted; it opens as soon as the engine answers",
    }
    return Response(data, status=201 if opened else 202)


def _not_negative(init_cash: Decimal) -> Decimal:
    if init_cash < 0:
        raise ApiError(Code.AMOUNT_INVALID, field="init_cash", limit=0, value=init_cash)
    return init_cash


class UserAccountsView(APIView):
    @extend_schema(responses=s.AccountsOut)
    def get(self, request: Request, user_id: int) -> Response:
        """The user's trading accounts with their live funds."""
        require_user(principal_of(request), user_id)
        rows = []
        for account in selectors.accounts_of_user(user_id=user_id):
            opened = account.state == TradingAccount.State.OPEN
            rows.append(s.account_summary_data(account, _funds(account.pk) if opened else None))
        return Response({"accounts": rows, "total": len(rows)})


class AccountView(APIView):
    @extend_schema(responses=s.AccountOut)
    def get(self, request: Request, account_id: int) -> Response:
        """An account's live funds."""
        require_account(principal_of(request), account_id)
        account = selectors.account_get(account_id=account_id)
        if account is None:
            raise ApiError(Code.ACCOUNT_NOT_FOUND, field="account_id")
        return Response(s.account_data(account, _funds(account_id)))


def _funds(account_id: int) -> LiveFunds:
    """Live funds of an open account; LIVE_REBUILDING while they cannot be read, never zeros."""
    funds = live().account_funds(account_id)
    if funds is None:
        raise LiveRebuilding
    return funds

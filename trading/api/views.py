"""The routes that read orders, trades and positions: parse, call one reader, format.
Called by Django through trading/api/urls.py."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.auth import principal_of
from accounts.http.drf import query_integer
from accounts.http.envelope import ApiError
from accounts.rights import Right, require
from engine.core import terms
from engine.core.codes import Code
from market.directory import directory
from trading import readers
from trading.api import serializers as s
from trading.services import ORDER_ID_MAX

# A reader asks for the wire's words; the two of a live order are one state inside.
STATUSES: Final[dict[str, int]] = {
    "submitted": terms.LIVE,
    "partially_filled": terms.LIVE,
    "live": terms.LIVE,
    "filled": terms.FILLED,
    "cancelled": terms.CANCELLED,
    "expired": terms.EXPIRED,
}
PAGED: Final = [
    OpenApiParameter("instrument_id", str),
    OpenApiParameter("limit", int, description=f"1..{readers.LIMIT_MAX}, default {readers.LIMIT_DEFAULT}"),
    OpenApiParameter("before", int, description="`next` of the page before"),
]


class OrderView(APIView):
    @extend_schema(responses=s.OrderOut)
    def get(self, request: Request, order_id: int) -> Response:
        """One order, live or finished."""
        principal = principal_of(request)
        require(principal, Right.READ_OWN)
        return Response(readers.order_read(principal=principal, order_id=order_id))


class OrdersView(APIView):
    @extend_schema(
        responses=s.OrdersOut,
        parameters=[OpenApiParameter("status", str, description="|".join(STATUSES)), *PAGED],
    )
    def get(self, request: Request, number: int) -> Response:
        """Orders of a user (all his accounts) or of one account, the newest first."""
        named = readers.accounts_named(principal_of(request), number)
        status = request.GET.get("status")
        if status is not None and status not in STATUSES:
            raise ApiError(Code.FIELD_INVALID, field="status", limit="|".join(STATUSES))
        data = readers.orders_read(
            named=named,
            statuses=[] if status is None else [STATUSES[status]],
            instrument=_instrument(request),
            before=_before(request),
            limit=_limit(request),
        )
        return Response(data)


class _TradesView(APIView):
    """Own trades, the newest first."""

    def trades(self, request: Request, named: readers.Named) -> Response:
        data = readers.trades_read(
            named=named,
            instrument=_instrument(request),
            order_id=query_integer(request.GET.get("order_id"), "order_id", default=0, limit=ORDER_ID_MAX),
            before=_before(request),
            limit=_limit(request),
        )
        return Response(data)


class AccountTradesView(_TradesView):
    @extend_schema(responses=s.TradesOut, parameters=[OpenApiParameter("order_id", int), *PAGED])
    def get(self, request: Request, account_id: int) -> Response:
        """Trades of an account, the newest first."""
        return self.trades(request, readers.account_named(principal_of(request), account_id))


class UserTradesView(_TradesView):
    @extend_schema(responses=s.TradesOut, parameters=[OpenApiParameter("order_id", int), *PAGED])
    def get(self, request: Request, number: int) -> Response:
        """Trades of a user (all his accounts) or of one account, the newest first."""
        return self.trades(request, readers.accounts_named(principal_of(request), number))


class AccountPositionsView(APIView):
    @extend_schema(responses=s.PositionOut(many=True), parameters=PAGED[:1])
    def get(self, request: Request, account_id: int) -> Response:
        """Live positions of an account, valued at the mark."""
        named = readers.account_named(principal_of(request), account_id)
        return Response(readers.positions_read(named=named, instrument=_instrument(request)))


class UserPositionsView(APIView):
    @extend_schema(responses=s.PositionOut(many=True), parameters=PAGED[:1])
    def get(self, request: Request, number: int) -> Response:
        """Live positions of a user (all his accounts) or of one account, valued at the mark."""
        named = readers.accounts_named(principal_of(request), number)
        return Response(readers.positions_read(named=named, instrument=_instrument(request)))


def _instrument(request: Request) -> str:
    """The full id of the instrument asked for; "" for any."""
    name = request.GET.get("instrument_id")
    return "" if name is None else directory().find_sync(name).spec.instrument


def _limit(request: Request) -> int:
    text = request.GET.get("limit")
    return query_integer(text, "limit", default=readers.LIMIT_DEFAULT, limit=readers.LIMIT_MAX)


def _before(request: Request) -> int:
    return query_integer(request.GET.get("before"), "before", default=0, limit=ORDER_ID_MAX)

"""The four order routes that must be fast, and the question by client order id: thin async views.
Called by Django through trading/api/urls.py; parse → one service → format."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpRequest

from accounts.http.addresses import client_address
from accounts.http.aio import async_endpoint, body_parse
from accounts.principals import Principal
from accounts.throttles import throttle_check_async
from trading import services
from trading.services import CancelRequest, OrderRequest

Id = str | int


class SubmitBody(OrderRequest, forbid_unknown_fields=True, kw_only=True):
    """POST /api/order/submit."""

    user_id: Id | None = None
    account_id: Id | None = None


class CancelBody(CancelRequest, forbid_unknown_fields=True, kw_only=True):
    """POST /api/order/cancel: `order_id` or `client_order_id`."""

    user_id: Id | None = None
    account_id: Id | None = None


class BatchBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /api/order/batch: each of `orders` as in /api/order/submit; each has its own outcome."""

    orders: list[Any]
    user_id: Id | None = None
    account_id: Id | None = None


class BatchCancelBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /api/order/batch-cancel: `order_ids` are ids, or objects naming a client_order_id."""

    order_ids: list[Any]
    user_id: Id | None = None
    account_id: Id | None = None


class QueryBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /api/order/query."""

    client_order_id: str
    user_id: Id | None = None
    account_id: Id | None = None


@async_endpoint("POST", "order")
async def order_submit(request: HttpRequest, principal: Principal) -> dict[str, Any]:
    """Submit an order. The answer comes after it is durable; `seq` says where it stands in the journal."""
    body = body_parse(request, SubmitBody)
    services.user_require_self(principal, body.user_id)
    written = await services.order_submit(principal=principal, account_id=body.account_id, request=body)
    return written.wire()


@async_endpoint("POST", "cancel")
async def order_cancel(request: HttpRequest, principal: Principal) -> dict[str, Any]:
    """Cancel a live order by its id or by the client's own."""
    body = body_parse(request, CancelBody)
    services.user_require_self(principal, body.user_id)
    written = await services.order_cancel(principal=principal, account_id=body.account_id, request=body)
    return written.wire()


@async_endpoint("POST", None)
async def order_batch(request: HttpRequest, principal: Principal) -> dict[str, Any]:
    """Submit up to 100 orders at once; each entry is accepted or refused on its own."""
    body = body_parse(request, BatchBody)
    services.user_require_self(principal, body.user_id)
    services.batch_check(body.orders)
    await throttle_check_async(principal, client_address(request), "order", len(body.orders))
    prepared = await services.order_submit_batch_prepare(
        principal=principal, account_id=body.account_id, entries=body.orders
    )
    return services.batch_wire(await prepared.send())


@async_endpoint("POST", None)
async def order_batch_cancel(request: HttpRequest, principal: Principal) -> dict[str, Any]:
    """Cancel up to 100 orders at once; each entry has its own outcome."""
    body = body_parse(request, BatchCancelBody)
    services.user_require_self(principal, body.user_id)
    services.batch_check(body.order_ids, "order_ids")
    await throttle_check_async(principal, client_address(request), "cancel", len(body.order_ids))
    prepared = await services.order_cancel_batch_prepare(
        principal=principal, account_id=body.account_id, entries=body.order_ids
    )
    return services.batch_wire(await prepared.send())


@async_endpoint("POST", "order")
async def order_query(request: HttpRequest, principal: Principal) -> dict[str, Any]:
    """What became of an order sent under a client order id, when the answer to the submit was lost.

    An id nobody used is claimed by the question (status "unknown"): an order still on its way is refused."""
    body = body_parse(request, QueryBody)
    services.user_require_self(principal, body.user_id)
    written = await services.order_query(
        principal=principal, account_id=body.account_id, client_order_id=body.client_order_id
    )
    return written.wire()

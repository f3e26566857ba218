"""What each message of a client does: parse is done, here one service or reader is called and answered.
Called by trading/sockets/connection.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from channels.db import database_sync_to_async

from accounts.http.envelope import ApiError, error_object
from accounts.principals import Principal
from accounts.rights import require_account
from accounts.throttles import Kind
from engine.core.codes import Code
from market.directory import directory
from trading import readers, services
from trading.services import Prepared, Written
from trading.sockets import messages as m
from trading.sockets.subscriptions import Subscriptions, channels_check

Answer = dict[str, Any]


class Session:
    """What a handler may use of its connection: who speaks, and the streams."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        self.subscriptions = subscriptions
        self.principal: Principal | None = None

    @property
    def who(self) -> Principal:
        """The principal; UNAUTHENTICATED before `auth`."""
        if self.principal is None:
            raise ApiError(Code.UNAUTHENTICATED)
        return self.principal


# ---- orders --------------------------------------------------------------------------------------
# These answer in two steps, so that orders leave in the order they came in while answers are under way.


async def submit_order(session: Session, message: m.SubmitOrder) -> Awaitable[Answer]:
    services.user_require_self(session.who, message.user_id)
    prepared = await services.order_submit_prepare(
        principal=session.who, account_id=message.account_id, request=message
    )
    return _one(prepared)


async def cancel_order(session: Session, message: m.CancelOrder) -> Awaitable[Answer]:
    services.user_require_self(session.who, message.user_id)
    prepared = await services.order_cancel_prepare(
        principal=session.who, account_id=message.account_id, request=message
    )
    return _one(prepared)


async def submit_orders(session: Session, message: m.SubmitOrders) -> Awaitable[Answer]:
    prepared = await services.order_submit_batch_prepare(
        principal=session.who, account_id=message.account_id, entries=message.orders
    )
    return _many(prepared)


async def cancel_orders(session: Session, message: m.CancelOrders) -> Awaitable[Answer]:
    prepared = await services.order_cancel_batch_prepare(
        principal=session.who, account_id=message.account_id, entries=message.order_ids
    )
    return _many(prepared)


async def _one(prepared: Prepared) -> Answer:
    return _order_response(await prepared.send_one())


async def _many(prepared: Prepared) -> Answer:
    return {"type": "orders_response", "success": True, **services.batch_wire(await prepared.send())}


def _order_response(written: Written) -> Answer:
    return {
        "type": "order_response",
        "success": True,
        **written.wire(),
        "error_code": None,
        "error_message": None,
    }


# ---- subscriptions -------------------------------------------------------------------------------


async def subscribe(session: Session, message: m.Subscribe) -> Answer:
    who = session.who
    _, private = channels_check(message.channels)
    account_ids = _accounts(who, message.account_ids) if private else []
    streams = await session.subscriptions.add(
        channels=message.channels,
        instruments=message.instruments,
        account_ids=account_ids,
        depth=message.depth,
        is_grouped=message.grouped,
    )
    return _subscribed(message.channels, message.instruments, account_ids, streams, "subscribed")


async def unsubscribe(session: Session, message: m.Unsubscribe) -> Answer:
    session.who  # noqa: B018 - refuses before auth
    public, private = channels_check(message.channels)
    instruments = message.instruments
    if instruments is not None:
        instruments = [(await directory().find(name)).spec.instrument for name in instruments]
    targets = None if message.account_ids is None else [str(a) for a in message.account_ids]
    names = session.subscriptions.names(public, instruments) + session.subscriptions.names(private, targets)
    ended = session.subscriptions.remove(names)
    return _subscribed(message.channels, message.instruments or [], [], ended, "unsubscribed")


async def resync(session: Session, message: m.Resync) -> Answer:
    session.who  # noqa: B018 - refuses before auth
    session.subscriptions.resync(message.streams)
    return _subscribed([], [], [], message.streams, "snapshots follow")


def _accounts(who: Principal, named: list[m.Id] | None) -> list[int]:
    """The accounts of a private subscription; ACCOUNT_NOT_FOUND for another's and an unknown one alike."""
    if named is None:
        return sorted(who.account_ids)
    found = []
    for value in named[:201]:
        number = services.id_parse(value)
        if number is None:
            raise ApiError(Code.ACCOUNT_NOT_FOUND, field="account_ids")
        require_account(who, number)
        found.append(number)
    return list(dict.fromkeys(found))


def _subscribed(
    channels: list[str], instruments: list[str], account_ids: list[int], streams: list[str], text: str
) -> Answer:
    return {
        "type": "subscribe_response",
        "success": True,
        "channels": channels,
        "instruments": instruments,
        "account_ids": [str(account_id) for account_id in account_ids],
        "streams": streams,
        "message": text,
    }


# ---- queries -------------------------------------------------------------------------------------


async def query_order(session: Session, message: m.QueryOrder) -> Answer:
    who = session.who
    if message.client_order_id is not None:
        written = await services.order_query(
            principal=who, account_id=message.account_id, client_order_id=message.client_order_id
        )
        return _queried("query_order", written.wire())
    order_id = services.id_parse(message.order_id)
    if order_id is None:
        code = Code.FIELD_REQUIRED if message.order_id is None else Code.ORDER_NOT_FOUND
        raise ApiError(code, field="order_id")
    return _queried("query_order", await _in_thread(readers.order_read)(principal=who, order_id=order_id))


async def query_account(session: Session, message: m.QueryAccount) -> Answer:
    who = session.who
    account_id = _account(who, message.account_id)
    data = await _in_thread(readers.account_read)(principal=who, account_id=account_id)
    return _queried("query_account", data)


async def query_position(session: Session, message: m.QueryPosition) -> Answer:
    who = session.who
    instrument = ""
    if message.instrument_id is not None:
        instrument = (await directory().find(message.instrument_id)).spec.instrument
    account_id = _account(who, message.account_id)
    named = await _in_thread(readers.account_named)(who, account_id)
    data = await _in_thread(readers.positions_read)(named=named, instrument=instrument)
    return _queried("query_position", data)


def _account(who: Principal, value: object) -> int:
    """The account of a question: the only one when none is named."""
    if value is None:
        return services.account_resolve(who, None)
    number = services.id_parse(value)
    if number is None:
        raise ApiError(Code.ACCOUNT_NOT_FOUND, field="account_id")
    require_account(who, number)
    return number


def _queried(request_type: str, data: object) -> Answer:
    return {"type": "query_response", "request_type": request_type, "success": True, "data": data}


def _in_thread(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """The reader in a thread of its own: it may ask PostgreSQL."""
    wrapped: Callable[..., Awaitable[Any]] = database_sync_to_async(function, thread_sensitive=False)
    return wrapped


async def ping(session: Session, message: m.Ping) -> Answer:
    return {"type": "pong"}


# ---- the table -----------------------------------------------------------------------------------

Handler = Callable[[Session, Any], Awaitable[Answer]]
OrderHandler = Callable[[Session, Any], Awaitable[Awaitable[Answer]]]
# By message: what it does, what its budget is.
ORDER_HANDLERS: Final[dict[type[Any], tuple[OrderHandler, Kind]]] = {
    m.SubmitOrder: (submit_order, "order"),
    m.CancelOrder: (cancel_order, "cancel"),
    m.SubmitOrders: (submit_orders, "order"),
    m.CancelOrders: (cancel_orders, "cancel"),
}
HANDLERS: Final[dict[type[Any], tuple[Handler, Kind]]] = {
    m.Subscribe: (subscribe, "read"),
    m.Unsubscribe: (unsubscribe, "read"),
    m.Resync: (resync, "read"),
    m.QueryOrder: (query_order, "read"),
    m.QueryAccount: (query_account, "read"),
    m.QueryPosition: (query_position, "read"),
    m.Ping: (ping, "read"),
}
_RESPONSES: Final[dict[type[Any], str]] = {m.SubmitOrder: "order_response", m.CancelOrder: "order_response"}


def weight_of(message: Any) -> int:
    """What a message costs of its budget: a batch its entries, but the check of its size comes first."""
    if isinstance(message, m.SubmitOrders):
        services.batch_check(message.orders)
        return len(message.orders)
    if isinstance(message, m.CancelOrders):
        services.batch_check(message.order_ids, "order_ids")
        return len(message.order_ids)
    return 1


def refusal(error: ApiError, message: Any = None, request_id: m.Id | None = None) -> Answer:
    """The answer to a refused message: `order_response` to an order, `error` to everything else."""
    details = error_object(error.code, error.field, error.limit, error.value)
    kind = _RESPONSES.get(type(message), "error")
    answer: Answer = {"type": kind, **details}
    if kind == "order_response":
        answer = {
            "type": kind,
            "success": False,
            "order_id": None,
            "client_order_id": message.client_order_id,
            "error_code": details["code"],
            "error_message": details["message"],
            **details,
        }
    if error.retry_after is not None:
        answer["retry_after"] = error.retry_after
    asked = request_id if message is None else message.request_id
    return answer if asked is None else {**answer, "request_id": asked}

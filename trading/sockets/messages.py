"""What a client may say on /ws, one Struct each, and how a frame becomes one of them.
Called by trading/sockets/connection.py; unknown types and fields are refused with their code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from accounts.http.envelope import ApiError
from accounts.http.errors import error_from
from engine.border import JSONRefused, json_loads, struct_convert
from engine.core.codes import Code
from trading.services import CancelRequest, OrderRequest

FRAME_BYTES_MAX: Final = 256 * 1024
REQUEST_ID_LENGTH_MAX: Final = 64
CHANNELS_PUBLIC: Final = ("orderbook", "trades", "ticker")
CHANNELS_PRIVATE: Final = ("account", "position", "order", "trade")
DEPTH_MAX: Final = 20
Id = str | int


class Message(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Any message; `request_id` comes back with its answer."""

    type: str
    request_id: Id | None = None


class Auth(Message, kw_only=True):
    """Show the access token: first of all, and again when it has been refreshed."""

    token: str
    user_id: Id | None = None


class Subscribe(Message, kw_only=True):
    """Public channels by instrument, private ones by account (all own accounts when none is named).

    grouped: order and trade pushes carry lists, one push a moment, instead of one push an order or trade."""

    channels: list[str]
    instruments: list[str] = []
    account_ids: list[Id] | None = None
    depth: int = DEPTH_MAX
    grouped: bool = False


class Unsubscribe(Message, kw_only=True):
    """The reverse of Subscribe; without instruments or accounts, every subscription of the channels."""

    channels: list[str]
    instruments: list[str] | None = None
    account_ids: list[Id] | None = None


class Resync(Message, kw_only=True):
    """Ask for snapshots of streams on which a gap was seen."""

    streams: list[str]


class SubmitOrder(OrderRequest, forbid_unknown_fields=True, kw_only=True):
    """One order."""

    type: str
    request_id: Id | None = None
    user_id: Id | None = None
    account_id: Id | None = None


class CancelOrder(CancelRequest, forbid_unknown_fields=True, kw_only=True):
    """Cancel one order."""

    type: str
    request_id: Id | None = None
    user_id: Id | None = None
    account_id: Id | None = None


class SubmitOrders(Message, kw_only=True):
    """Up to 100 orders, each with its own outcome."""

    orders: list[Any]
    account_id: Id | None = None


class CancelOrders(Message, kw_only=True):
    """Up to 100 cancels, each with its own outcome."""

    order_ids: list[Any]
    account_id: Id | None = None


class QueryOrder(Message, kw_only=True):
    """An order by the exchange's id, or by the client's own (which claims an unknown id)."""

    order_id: Id | None = None
    client_order_id: str | None = None
    account_id: Id | None = None


class QueryAccount(Message, kw_only=True):
    """An account's money."""

    account_id: Id | None = None


class QueryPosition(Message, kw_only=True):
    """An account's positions, or the one in an instrument."""

    account_id: Id | None = None
    instrument_id: str | None = None


class Ping(Message, kw_only=True):
    """Answered with pong."""


MESSAGES: Final[Mapping[str, type[Any]]] = {
    "auth": Auth,
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "resync": Resync,
    "submit_order": SubmitOrder,
    "cancel_order": CancelOrder,
    "submit_orders": SubmitOrders,
    "cancel_orders": CancelOrders,
    "query_order": QueryOrder,
    "query_account": QueryAccount,
    "query_position": QueryPosition,
    "ping": Ping,
}


class Refused(Exception):
    """A frame that is no message: the error to answer with, and what is known of the message."""

    def __init__(self, error: ApiError, request_id: Id | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.request_id = request_id


def message_parse(frame: bytes) -> Any:
    """The message of a frame; Refused for one that is too large, no JSON, or no message of ours."""
    try:
        body = json_loads(frame, FRAME_BYTES_MAX)
    except JSONRefused as error:
        if error.reason == "size":
            raise Refused(ApiError(Code.FRAME_TOO_LARGE, limit=FRAME_BYTES_MAX)) from None
        raise Refused(error_from(error)) from None
    if not isinstance(body, dict):
        raise Refused(ApiError(Code.MALFORMED_JSON, limit="object"))
    request_id = _request_id(body.get("request_id"))
    kind = body.get("type")
    struct = MESSAGES.get(kind) if isinstance(kind, str) else None
    if struct is None:
        raise Refused(ApiError(Code.MESSAGE_UNKNOWN, field="type", limit="|".join(MESSAGES)), request_id)
    try:
        return struct_convert(body, struct)
    except ValueError as error:
        raise Refused(error_from(error), request_id) from None


def _request_id(value: object) -> Id | None:
    """The client's own id of the message; Refused for anything but a short text or a whole number."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and len(value) <= REQUEST_ID_LENGTH_MAX:
        return value
    limit = f"0..{REQUEST_ID_LENGTH_MAX} characters"
    raise Refused(ApiError(Code.FIELD_INVALID, field="request_id", limit=limit))

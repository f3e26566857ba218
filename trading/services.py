"""Orders in, cancelled and asked for: the one way from a client's words to a command and back.
Called by the REST views and by the sockets; both show what these functions return or raise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from accounts.http.envelope import ApiError, error_object
from accounts.http.errors import error_from
from accounts.principals import Principal
from accounts.rights import Right, require
from engine.border import ExactNumber, struct_convert
from engine.core import terms
from engine.core.codes import Code
from engine.core.commands import OrderCancel, OrderQuery, OrderSubmit
from engine.core.events import OrderReported, Rejected
from engine.core.views import InstrumentView
from engine.door import DoorError, Reply, door
from engine.live import live_async
from market.calculations import budget_parse, lots_parse, ticks_parse, volume_of
from market.directory import directory
from trading import metrics
from trading.errors import code_error, rejected_error
from trading.wire import (
    DIRECTIONS,
    OFFSETS,
    ORDER_TYPES,
    TIMES_IN_FORCE,
    client_id_wire,
    ended_wire,
    status_name,
)

BATCH_MAX: Final = 100
ORDER_ID_MAX: Final = 2**63 - 1
_SIDES: Final = {name: side for side, name in DIRECTIONS.items()}
_OFFSETS: Final = {name: offset for offset, name in OFFSETS.items()}
_KINDS: Final = {name: kind for kind, name in ORDER_TYPES.items()}
_TIMES: Final = {name: time for time, name in TIMES_IN_FORCE.items()}


class OrderRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An order in a client's words. Without `time_in_force` a LIMIT order is DAY, a MARKET order IOC."""

    instrument_id: str
    direction: str
    offset: str = "OPEN"
    order_type: str = "LIMIT"
    time_in_force: str | None = None
    price: ExactNumber | None = None
    volume: ExactNumber | None = None
    budget: ExactNumber | None = None
    post_only: bool = False
    client_order_id: str | None = None


class CancelRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which order to cancel: by the exchange's id or by the client's own."""

    order_id: str | int | None = None
    client_order_id: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What an accepted command did, ready for the wire."""

    seq: int
    epoch: int
    fields: dict[str, Any]

    def wire(self) -> dict[str, Any]:
        """The fields with the sequence at which they became true."""
        return {**self.fields, "seq": self.seq, "epoch": self.epoch}


# ---- who acts on what ----------------------------------------------------------------------------


def user_require_self(principal: Principal, user_id: object) -> None:
    """FORBIDDEN unless `user_id` (absent, or the text or number of an id) is the principal's own."""
    if user_id is not None and str(user_id) != str(principal.user_id):
        raise ApiError(Code.FORBIDDEN, field="user_id")


def account_resolve(principal: Principal, account_id: object) -> int:
    """The principal's account a client named; the only one when none was named.

    ACCOUNT_NOT_FOUND for another's and for an unknown one alike; FIELD_REQUIRED when there are several."""
    if account_id is None:
        if len(principal.account_ids) == 1:
            return next(iter(principal.account_ids))
        code = Code.FIELD_REQUIRED if principal.account_ids else Code.ACCOUNT_NOT_FOUND
        raise ApiError(code, field="account_id")
    number = id_parse(account_id)
    if number is None or not principal.owns(number):
        raise ApiError(Code.ACCOUNT_NOT_FOUND, field="account_id")
    return number


def id_parse(value: object) -> int | None:
    """A positive id from its decimal text or number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    if not (0 < len(text) <= 19 and text.isascii() and text.isdecimal() and text[0] != "0"):
        return None
    number = int(text)
    return number if number <= ORDER_ID_MAX else None


# ---- submit --------------------------------------------------------------------------------------


async def order_submit(*, principal: Principal, account_id: object, request: OrderRequest) -> Written:
    """Submit one order and wait until its command is durable. ApiError for every refusal."""
    prepared = await order_submit_prepare(principal=principal, account_id=account_id, request=request)
    return await prepared.send_one()


async def order_submit_prepare(
    *, principal: Principal, account_id: object, request: OrderRequest
) -> Prepared:
    """The order checked and in numbers of the core; nothing is sent yet."""
    require(principal, Right.TRADE)
    account = account_resolve(principal, account_id)
    return Prepared([await _submit_command(principal, account, request)], _submitted)


async def order_submit_batch_prepare(
    *, principal: Principal, account_id: object, entries: Sequence[object]
) -> Prepared:
    """Up to BATCH_MAX orders for one frame; each entry has its own outcome, in the same order."""
    require(principal, Right.TRADE)
    batch_check(entries)
    account = account_resolve(principal, account_id)
    commands: list[OrderSubmit | ApiError] = []
    for entry in entries:
        try:
            request = struct_convert(entry, OrderRequest)
            commands.append(await _submit_command(principal, account, request))
        except ValueError as error:
            commands.append(error_from(error))
        except ApiError as error:
            commands.append(error)
    return Prepared(commands, _submitted)


async def _submit_command(principal: Principal, account: int, request: OrderRequest) -> OrderSubmit:
    """The command of an order: its words checked, its numbers in ticks, lots and money units."""
    side = _word(_SIDES, request.direction, Code.SIDE_INVALID, "direction")
    offset = _word(_OFFSETS, request.offset, Code.OFFSET_NOT_SUPPORTED, "offset")
    kind = _word(_KINDS, request.order_type, Code.ORDER_TYPE_NOT_SUPPORTED, "order_type")
    default = "DAY" if kind == terms.LIMIT else "IOC"
    time = request.time_in_force or default
    view = await directory().find(request.instrument_id)
    return OrderSubmit(
        actor=principal.user_id,
        scope=principal.scope,
        account_id=account,
        instrument=view.spec.instrument,
        side=side,
        offset=offset,
        kind=kind,
        time_in_force=_word(_TIMES, time, Code.TIME_IN_FORCE_NOT_SUPPORTED, "time_in_force"),
        price=_price(kind, request, view),
        volume=_volume(request, view),
        client_order_id=client_id_check(request.client_order_id),
        post_only=request.post_only,
        budget=0 if request.budget is None else budget_parse(view.spec, request.budget),
    )


def _word(words: dict[str, int], word: str, code: Code, field: str) -> int:
    if word not in words:
        raise ApiError(code, field=field, limit="|".join(words))
    return words[word]


def _price(kind: int, request: OrderRequest, view: InstrumentView) -> int:
    if kind == terms.LIMIT:
        if request.price is None:
            raise ApiError(Code.FIELD_REQUIRED, field="price")
        return ticks_parse(view.spec, request.price)
    if request.price:
        # A "market order with a price" is a limit order to some and not to others: we do not guess.
        raise ApiError(Code.PRICE_INVALID, field="price", limit="0", value=format(request.price, "f"))
    return 0


def _volume(request: OrderRequest, view: InstrumentView) -> int:
    if request.volume is None and request.budget is None:
        raise ApiError(Code.FIELD_REQUIRED, field="volume")
    if request.budget is not None and not request.volume:
        return 0
    return lots_parse(view.spec, request.volume)


def client_id_check(client_order_id: str | None) -> str:
    """The client's own order id; "" for none. CLIENT_ORDER_ID_INVALID: empty, too long, not printable ASCII,
    or starting with "~", which the door's own ids do."""
    if client_order_id is None:
        return ""
    text = client_order_id
    limit = terms.CLIENT_ORDER_ID_LENGTH
    if not 0 < len(text) <= limit or not text.isascii() or not text.isprintable() or text[0] == "~":
        raise ApiError(Code.CLIENT_ORDER_ID_INVALID, field="client_order_id", limit=limit)
    return text


def _submitted(command: OrderSubmit, reply: Reply) -> Written:
    event = reply.event
    if isinstance(event, Rejected):
        raise rejected_error(event, directory().spec_known)
    if isinstance(event, OrderReported) and event.status == terms.REJECTED:
        raise code_error(event.code, command.client_order_id)
    if isinstance(event, OrderReported):
        order_id, status, left, repeated = event.order_id, event.status, event.left, event.repeated
        code, filled = event.code, None if command.budget else command.volume - left
    else:
        order_id, status, left, repeated = reply.seq, reply.order_status, reply.order_left, False
        code, filled = reply.end_code, reply.filled
    fields = {
        "order_id": str(order_id),
        "account_id": str(command.account_id),
        "client_order_id": client_id_wire(command.client_order_id),
        "status": status_name(status, command.volume or command.budget, left),
        **_volumes(command, filled, left),
        **ended_wire(code),
        "repeated": repeated,
    }
    return Written(reply.seq, reply.epoch, fields)


def _volumes(command: OrderSubmit, filled: int | None, left: int) -> dict[str, Any]:
    """filled_volume and volume_left; what a repeated order by budget bought is asked for by its id."""
    spec = directory().spec_known(command.instrument)
    if spec is None or filled is None:
        return {"filled_volume": None, "volume_left": None}
    return {"filled_volume": volume_of(spec, filled), "volume_left": volume_of(spec, left)}


# ---- cancel --------------------------------------------------------------------------------------


async def order_cancel(*, principal: Principal, account_id: object, request: CancelRequest) -> Written:
    """Cancel one live order and wait until the command is durable. ApiError for every refusal."""
    prepared = await order_cancel_prepare(principal=principal, account_id=account_id, request=request)
    return await prepared.send_one()


async def order_cancel_prepare(
    *, principal: Principal, account_id: object, request: CancelRequest
) -> Prepared:
    """The cancel checked; nothing is sent yet."""
    require(principal, Right.TRADE)
    return Prepared([await _cancel_command(principal, account_id, request)], _cancelled)


async def order_cancel_batch_prepare(
    *, principal: Principal, account_id: object, entries: Sequence[object]
) -> Prepared:
    """Up to BATCH_MAX cancels, each of an order id or an object of CancelRequest."""
    require(principal, Right.TRADE)
    batch_check(entries, "order_ids")
    account = account_resolve(principal, account_id)
    commands: list[OrderCancel | ApiError] = []
    for entry in entries:
        try:
            body = entry if isinstance(entry, dict) else {"order_id": entry}
            commands.append(await _cancel_command(principal, account, struct_convert(body, CancelRequest)))
        except ValueError as error:
            commands.append(error_from(error))
        except ApiError as error:
            commands.append(error)
    return Prepared(commands, _cancelled)


async def _cancel_command(principal: Principal, account_id: object, request: CancelRequest) -> OrderCancel:
    if (request.order_id is None) == (request.client_order_id is None):
        raise ApiError(Code.FIELD_REQUIRED, field="order_id")
    order_id = 0
    if request.order_id is not None:
        parsed = id_parse(request.order_id)
        if parsed is None:
            raise ApiError(Code.ORDER_NOT_FOUND, field="order_id")
        order_id = parsed
    account = await _cancel_account(principal, account_id, order_id)
    return OrderCancel(
        actor=principal.user_id,
        scope=principal.scope,
        account_id=account,
        order_id=order_id,
        client_order_id="" if order_id else client_id_check(request.client_order_id),
    )


async def _cancel_account(principal: Principal, account_id: object, order_id: int) -> int:
    """The account of the order; with several accounts and none named, live state knows whose it is."""
    if account_id is not None or len(principal.account_ids) == 1 or not order_id:
        return account_resolve(principal, account_id)
    order = (await live_async().order(order_id)).value
    if order is None or not principal.owns(order.account_id):
        raise ApiError(Code.ORDER_NOT_FOUND, field="order_id")
    return order.account_id


def _cancelled(command: OrderCancel, reply: Reply) -> Written:
    event = reply.event
    if isinstance(event, Rejected):
        raise rejected_error(event, directory().spec_known)
    fields = {
        "order_id": str(getattr(event, "order_id", command.order_id)),
        "account_id": str(command.account_id),
        "client_order_id": client_id_wire(command.client_order_id),
        "status": "cancelled",
    }
    return Written(reply.seq, reply.epoch, fields)


# ---- ask by client order id ----------------------------------------------------------------------


async def order_query(*, principal: Principal, account_id: object, client_order_id: str) -> Written:
    """What became of an order sent under this id. The question is sequenced: an id nobody used is claimed,
    status "unknown", so that an order still on its way is refused and the answer stays true."""
    require(principal, Right.READ_OWN)
    account = account_resolve(principal, account_id)
    command = OrderQuery(principal.user_id, principal.scope, account, client_id_check(client_order_id))
    try:
        reply = await door().call(command)
    except DoorError as error:
        raise _door_error(error) from error
    event = reply.event
    if isinstance(event, Rejected):
        raise rejected_error(event, directory().spec_known)
    assert isinstance(event, OrderReported), event
    fields = {
        "order_id": str(event.order_id) if event.order_id else None,
        "account_id": str(account),
        "client_order_id": client_order_id,
        "status": _reported_status(event),
        "code": event.code or None,
    }
    return Written(reply.seq, reply.epoch, fields)


def _reported_status(event: OrderReported) -> str:
    return "live" if event.status == terms.LIVE else status_name(event.status, 0, 0)


# ---- batches and the door ------------------------------------------------------------------------


def batch_check(entries: Sequence[object], field: str = "orders") -> None:
    """BATCH_TOO_LARGE above BATCH_MAX entries, FIELD_INVALID for none."""
    if len(entries) > BATCH_MAX:
        raise ApiError(Code.BATCH_TOO_LARGE, field=field, limit=BATCH_MAX, value=len(entries))
    if not entries:
        raise ApiError(Code.FIELD_INVALID, field=field, limit=f"1..{BATCH_MAX}")


class Prepared:
    """Commands ready to leave, refusals among them where they stand. Commands of one sender that are sent in
    order (each `send` begun before the next) reach the engine in that order."""

    def __init__(self, commands: Sequence[Any], outcome: Callable[[Any, Reply], Written]) -> None:
        self._commands = commands
        self._outcome = outcome

    async def send_one(self) -> Written:
        """The outcome of the only command; ApiError when it was refused or not answered."""
        (result,) = await self.send()
        if isinstance(result, ApiError):
            raise result
        return result

    async def send(self) -> list[Written | ApiError]:
        """Send the commands in one frame; one outcome each, a refusal stands alone."""
        sent = [command for command in self._commands if not isinstance(command, ApiError)]
        metrics.orders_sent.inc(len(sent))
        with metrics.order_seconds.time():
            answers = iter(await door().call_many(sent) if sent else [])
        results = [
            command if isinstance(command, ApiError) else self._judged(command, next(answers))
            for command in self._commands
        ]
        for result in results:
            if isinstance(result, ApiError):
                metrics.orders_refused.labels(code=result.code.name).inc()
        return results

    def _judged(self, command: Any, answer: Reply | DoorError) -> Written | ApiError:
        if isinstance(answer, DoorError):
            return _door_error(answer)
        try:
            return self._outcome(command, answer)
        except ApiError as refusal:
            return refusal


def _door_error(error: DoorError) -> ApiError:
    return code_error(error.code, getattr(error.command, "client_order_id", ""))


def batch_wire(results: Sequence[Written | ApiError]) -> dict[str, Any]:
    """The counts and each entry's outcome, as rows 23 and 24 have them."""
    rows = [_result_wire(index, result) for index, result in enumerate(results)]
    done = sum(isinstance(result, Written) for result in results)
    return {
        "total": len(rows),
        "success_count": done,
        "failed_count": len(rows) - done,
        "results": rows,
        "seq": max((result.seq for result in results if isinstance(result, Written)), default=None),
    }


def _result_wire(index: int, result: Written | ApiError) -> dict[str, Any]:
    if isinstance(result, Written):
        return {"index": index, "success": True, **result.wire(), "error": None}
    error = error_object(result.code, result.field, result.limit, result.value)
    return {"index": index, "success": False, "order_id": None, "error": error}

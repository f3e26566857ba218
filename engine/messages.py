"""The wire form of commands and events, versioned, and the one codec between it and the core's classes.
Called by gateways, the leader, followers and tests. A message is [kind, field, field, …] in MessagePack."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from engine.core import commands as c
from engine.core import events as e
from engine.core import views as v

WIRE_VERSION = 1

# Kinds are part of the journal: append, never renumber.
COMMAND_KINDS: dict[int, type[Any]] = {
    1: c.OrderSubmit,
    2: c.OrderCancel,
    3: c.OrderQuery,
    4: c.AccountOpen,
    5: c.AccountGrant,
    6: c.AccountFreeze,
    7: c.CashDeposit,
    8: c.CashWithdraw,
    9: c.CashWithdrawEnd,
    10: c.CashTransfer,
    11: c.InstrumentList,
    12: c.InstrumentStateSet,
    13: c.InstrumentRatesSet,
    14: c.SettlementPriceSet,
    15: c.DayStep,
    16: c.DayOpen,
    17: c.VenueSet,
    18: c.AdvanceTime,
}
EVENT_KINDS: dict[int, type[Any]] = {
    1: e.Rejected,
    2: e.OrderAccepted,
    3: e.OrderReported,
    4: e.Trade,
    5: e.OrderEnded,
    6: e.AccountOpened,
    7: e.AccountGranted,
    8: e.AccountFrozen,
    9: e.CashMoved,
    10: e.InstrumentListed,
    11: e.InstrumentStateChanged,
    12: e.RatesChanged,
    13: e.SettlementPrice,
    14: e.PositionSettled,
    15: e.AccountSettled,
    16: e.DayStepDone,
    17: e.DayOpened,
    18: e.VenueChanged,
    19: e.TimeAdvanced,
    20: e.CashReported,
}

Wire = Sequence[Any]


class WireRefused(ValueError):
    """A message that is not of this wire form: its kind is unknown, or a field is missing or of another type."""


def fields_pack(message: Any) -> list[Any]:
    """The message's fields in order, nested messages as lists of theirs."""
    return _PACKERS[type(message)](message)


def fields_unpack(cls: type[Any], values: Sequence[Any]) -> Any:
    """The reverse of fields_pack; raises WireRefused."""
    return _unpacker(cls)(values)


def _packer(cls: type[Any]) -> Callable[[Any], list[Any]]:
    names = [f.name for f in fields(cls)]
    hints = get_type_hints(cls)
    nested = [i for i, name in enumerate(names) if hints[name] in _NESTED]
    listed = [i for i, name in enumerate(names) if get_origin(hints[name]) is list]
    if not names:
        return lambda message: []
    if len(names) == 1:
        only = attrgetter(names[0])
        flat: Callable[[Any], list[Any]] = lambda message: [only(message)]  # noqa: E731
    else:
        getter = attrgetter(*names)
        flat = lambda message: list(getter(message))  # noqa: E731
    if not nested and not listed:
        return flat

    def pack(message: Any) -> list[Any]:
        values = flat(message)
        for i in nested:
            values[i] = fields_pack(values[i])
        for i in listed:
            values[i] = [fields_pack(item) for item in values[i]]
        return values

    return pack


def _unpacker(cls: type[Any]) -> Callable[[Sequence[Any]], Any]:
    known = _UNPACKERS.get(cls)
    if known is None:
        known = _UNPACKERS[cls] = _unpacker_make(cls)
    return known


def _unpacker_make(cls: type[Any]) -> Callable[[Sequence[Any]], Any]:
    hints = get_type_hints(cls)
    types = [hints[f.name] for f in fields(cls)]
    inner = {i: found for i, each in enumerate(types) if (found := _inner(each)) is not None}
    plain = [list if i in inner else each for i, each in enumerate(types)]

    def unpack(values: Sequence[Any]) -> Any:
        found = list(map(type, values))
        if found != plain:
            raise WireRefused(f"{cls.__name__} has fields {plain}, not {found}"[:400])
        if inner:
            values = list(values)
            for i, unpack_one in inner.items():
                values[i] = unpack_one(values[i])
        return cls(*values)

    return unpack


def _inner(hint: Any) -> Callable[[Any], Any] | None:
    """How a field that holds a message, or a list of messages, is unpacked; None for plain values."""
    if get_origin(hint) is list:
        item = get_args(hint)[0]

        def unpack_each(values: Any) -> list[Any]:
            if any(type(each) is not list for each in values):
                raise WireRefused(f"a list of {item.__name__} holds something else: {values!r:.80}")
            return [fields_unpack(item, each) for each in values]

        return unpack_each
    if hint in _NESTED:
        return lambda values: fields_unpack(hint, values)
    return None


_NESTED: tuple[type[Any], ...] = (c.Rates, c.InstrumentSpec)
# The views travel in live state and pushes: lists of views are packed item by item.
_VIEWS: tuple[type[Any], ...] = (
    v.PositionView,
    v.WalletView,
    v.AccountView,
    v.OrderView,
    v.InstrumentView,
    v.LevelView,
    v.DepthView,
)
_PACKERS: dict[type[Any], Callable[[Any], list[Any]]] = {
    cls: _packer(cls) for cls in (*COMMAND_KINDS.values(), *EVENT_KINDS.values(), *_NESTED, *_VIEWS)
}
_UNPACKERS: dict[type[Any], Callable[[Sequence[Any]], Any]] = {}
_COMMAND_KIND_OF = {cls: kind for kind, cls in COMMAND_KINDS.items()}
_EVENT_KIND_OF = {cls: kind for kind, cls in EVENT_KINDS.items()}


def command_pack(command: c.Command) -> list[Any]:
    return [_COMMAND_KIND_OF[type(command)], *_PACKERS[type(command)](command)]


def command_unpack(wire: Wire) -> c.Command:
    """Raises WireRefused."""
    return _message_unpack(COMMAND_KINDS, wire)  # type: ignore[no-any-return]


def event_pack(event: e.Event) -> list[Any]:
    return [_EVENT_KIND_OF[type(event)], *_PACKERS[type(event)](event)]


def event_unpack(wire: Wire) -> e.Event:
    """Raises WireRefused."""
    return _message_unpack(EVENT_KINDS, wire)  # type: ignore[no-any-return]


def _message_unpack(kinds: dict[int, type[Any]], wire: Wire) -> Any:
    if not isinstance(wire, list | tuple) or not wire or wire[0] not in kinds:
        raise WireRefused(f"unknown message {wire!r:.80}")
    return _unpacker(kinds[wire[0]])(wire[1:])


_encoder = msgspec.msgpack.Encoder()
_BIG_INT = 1  # MessagePack extension: an int beyond 64 bits, big-endian, signed


def _big_int_decode(code: int, data: memoryview) -> int:
    if code != _BIG_INT:
        raise WireRefused(f"unknown extension {code}")
    return int.from_bytes(data, "big", signed=True)


_decoder = msgspec.msgpack.Decoder(ext_hook=_big_int_decode)


def wire_encode(value: Any) -> bytes:
    """Plain lists, ints, strings, bools and bytes to MessagePack; the same value gives the same bytes."""
    try:
        return _encoder.encode(value)
    except OverflowError:
        return _encoder.encode(_big_ints_wrapped(value))


def _big_ints_wrapped(value: Any) -> Any:
    """The value with each int beyond 64 bits as an extension; a day's turnover or a refused number may be one."""
    if isinstance(value, list | tuple):
        return [_big_ints_wrapped(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return msgspec.msgpack.Ext(_BIG_INT, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))
    return value


def wire_decode(data: bytes) -> Any:
    """Raises WireRefused."""
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise WireRefused(str(error)) from error


def commands_encode(commands: Iterable[c.Command]) -> bytes:
    """A batch as the journal keeps it."""
    return wire_encode([WIRE_VERSION, [command_pack(command) for command in commands]])


def commands_decode(payload: bytes) -> list[c.Command]:
    version, wires = wire_decode(payload)
    if version != WIRE_VERSION:
        raise WireRefused(f"commands of wire version {version}; this program reads {WIRE_VERSION}")
    return [command_unpack(wire) for wire in wires]


def events_encode(events: Iterable[e.Event]) -> bytes:
    """A batch's events, the bytes the running event hash is taken over."""
    return wire_encode([event_pack(event) for event in events])


def events_decode(payload: bytes) -> list[e.Event]:
    return [event_unpack(wire) for wire in wire_decode(payload)]

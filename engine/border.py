"""The border of exact numbers: Decimals and JSON from outside, integers of a named unit inside, and back.
Called by every gateway (REST, WebSocket, DIFF, commands of manage.py) before anything else sees a number."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")

BODY_BYTES_MAX: Final = 256 * 1024
DEPTH_MAX: Final = 16

_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,12})?")
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_MINUS_ZERO: Final = re.compile(r"-0+(?:\.0+)?")
# A text that never ends counts up to the end of the body: were it passed over, each quote inside it would be
# tried as a beginning, and a body of quotes would take minutes.
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_SCIENTIFIC: Final = re.compile(rb"[0-9]E[-+][0-9]")


class NumberRefused(ValueError):
    """A number from outside that is not of the form -?d{1,18}(.d{1,12})? or does not fit its unit."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field


class JSONRefused(ValueError):
    """A body that is no JSON we take. `reason`: "malformed", "size", "depth", "duplicate" or "text"."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class BadNumber:
    """A JSON number outside the border's form, kept as text until its field is known and can be named."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text[:40]

    def __repr__(self) -> str:
        return f"BadNumber({self.text!r})"


class ExactNumber(Decimal):
    """The field type by which a msgspec Struct asks for `decimal_parse`; see `struct_convert`."""

    __slots__ = ()


def decimal_parse(value: object, field: str = "") -> Decimal:
    """The exact Decimal of a JSON number or a string of the same form; NumberRefused for everything else.

    Refused: NaN, Infinity, exponents, signs but a leading '-', minus zero, blanks, digits that are not
    ASCII, more than 18 places before or 12 after the point, booleans, floats (their digits are gone)."""
    text = _number_text(value)
    if text is None:
        raise NumberRefused("not a number", field)
    if len(text) > 32 or _NUMBER.fullmatch(text) is None:
        raise NumberRefused("not of the form 123.45", field)
    if text[0] == "-" and _MINUS_ZERO.fullmatch(text):
        raise NumberRefused("minus zero", field)
    return Decimal(text)


def _number_text(value: object) -> str | None:
    """The literal text of a number however it arrived; None for what is not a number at all."""
    if isinstance(value, BadNumber):
        return value.text
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal) and value.is_finite() and -13 < value.adjusted() < 18:
        return format(value, "f")
    if isinstance(value, int) and not isinstance(value, bool) and -(10**18) < value < 10**18:
        return str(value)
    return None


def to_units(value: Decimal, scale: int, field: str = "") -> int:
    """The integer of 10^-scale units that equals `value` exactly; NumberRefused when there is none."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise NumberRefused("not a number", field)
    units: int = int("".join(map(str, digits)))
    shift = exponent + scale
    if shift >= 0:
        units *= int(10**shift)
    else:
        units, rest = divmod(units, int(10**-shift))
        if rest:
            raise NumberRefused(f"more than {scale} decimal places", field)
    return -units if sign else units


def from_units(units: int, scale: int) -> Decimal:
    """The exact Decimal of `units` × 10^-scale, with `scale` places; never rounded by a context."""
    return Decimal(f"{units}E-{scale}")


def amount_parse(value: object, scale: int, field: str = "amount") -> int:
    """A positive amount of money in units of 10^-scale; NumberRefused for zero, less, or too many places."""
    units = to_units(decimal_parse(value, field), scale, field)
    if units <= 0:
        raise NumberRefused("must be greater than 0", field)
    return units


def struct_convert(data: object, struct: type[T]) -> T:
    """Parsed JSON as `struct` (its ExactNumber fields by decimal_parse); msgspec.ValidationError if not."""
    return msgspec.convert(data, struct, dec_hook=_exact_number)


def _exact_number(kind: type[Any], value: object) -> object:
    if kind is ExactNumber:
        return ExactNumber(decimal_parse(value))
    raise NotImplementedError(f"no conversion to {kind!r}")


def json_loads(body: bytes, size_max: int = BODY_BYTES_MAX) -> Any:
    """Parse JSON with every number exact: int, Decimal, or BadNumber for one outside the border's form.

    JSONRefused for a body over `size_max` bytes, deeper than 16, with a key twice in one object, with a
    NUL or half a surrogate pair in a text, or that is not UTF-8 JSON at all."""
    if len(body) > size_max:
        raise JSONRefused("size", str(size_max))
    try:
        text = body.decode("utf-8")
        _depth_check(text)
        value = _DECODER.decode(text)
    except JSONRefused:
        raise
    except (ValueError, RecursionError) as error:
        raise JSONRefused("malformed", str(error)[:120]) from None
    if "\\u" in text:
        _text_check(value)
    return value


def _depth_check(text: str) -> None:
    """Refuse before the parser recurses; only a text with many brackets is looked at twice."""
    if text.count("[") + text.count("{") <= DEPTH_MAX:
        return
    depth = 0
    for char in _STRING.sub("", text):
        if char in "[{":
            depth += 1
            if depth > DEPTH_MAX:
                raise JSONRefused("depth", str(DEPTH_MAX))
        elif char in "]}":
            depth -= 1


def _text_check(value: object) -> None:
    """An escaped NUL or half a surrogate pair is valid JSON and breaks every database behind us."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
            raise JSONRefused("text")
    elif isinstance(value, dict):
        for key, item in value.items():
            _text_check(key)
            _text_check(item)
    elif isinstance(value, list):
        for item in value:
            _text_check(item)


def _int_literal(text: str) -> int | BadNumber:
    if _INTEGER.fullmatch(text) is None or text == "-0":
        return BadNumber(text)
    return int(text)


def _decimal_literal(text: str) -> Decimal | BadNumber:
    try:
        return decimal_parse(text)
    except NumberRefused:
        return BadNumber(text)


def _object_unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise JSONRefused("duplicate")
    return fields


_DECODER: Final = json.JSONDecoder(
    parse_int=_int_literal,
    parse_float=_decimal_literal,
    parse_constant=BadNumber,
    object_pairs_hook=_object_unique,
)


def _encode_other(value: object) -> Decimal:
    """What msgspec cannot write by itself: only our own Decimal subclass."""
    if isinstance(value, ExactNumber):
        return Decimal(value)
    raise TypeError(f"cannot be written as JSON: {type(value).__name__}")


_ENCODER: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=_encode_other)


def json_dumps(value: object) -> bytes:
    """Compact UTF-8 JSON; a Decimal is written as a number with exactly its digits, never an exponent.

    Takes what msgspec takes (Structs, dates, UUIDs, enums); TypeError for anything else."""
    body = _ENCODER.encode(value)
    if _SCIENTIFIC.search(body):
        # A tiny Decimal (0E-8) prints with an exponent; such values are rare, so only they cost a walk.
        body = _ENCODER.encode(
            _plain(msgspec.to_builtins(value, builtin_types=(Decimal,), enc_hook=_encode_other))
        )
    return body


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return msgspec.Raw(format(value, "f").encode())
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value

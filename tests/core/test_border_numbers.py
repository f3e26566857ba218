"""Numbers at the border are exact or refused (promise S8); JSON is bounded (S7).
Run by pytest in the core tier; needs no service."""

from __future__ import annotations

import contextlib
import json
import time
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.border import (
    BadNumber,
    ExactNumber,
    JSONRefused,
    NumberRefused,
    amount_parse,
    decimal_parse,
    from_units,
    json_dumps,
    json_loads,
    struct_convert,
    to_units,
)

REFUSED_TEXTS = [
    "",
    " 1",
    "1 ",
    "1\n",
    "+1",
    "-",
    ".5",
    "5.",
    "1e3",
    "1E400",
    "1e400",
    "NaN",
    "nan",
    "Infinity",
    "-Infinity",
    "inf",
    "-0",
    "-0.0",
    "-00.00",
    "１２３",
    "٣",
    "1,000",
    "1_000",
    "0x10",
    "1234567890123456789",
    "0.1234567890123",
    "0." + "1" * 30,
    "--1",
    "1.2.3",
    "9" * 5000,
]


@pytest.mark.parametrize("text", REFUSED_TEXTS)
def test_text_outside_the_form_is_refused(text: str) -> None:
    with pytest.raises(NumberRefused) as caught:
        decimal_parse(text, "price")
    assert caught.value.field == "price"


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        1.5,
        float("nan"),
        [],
        {},
        b"1",
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("1e400"),
        Decimal("-0"),
        10**18,
        10**4000,
    ],
)
def test_value_that_is_no_exact_number_is_refused(value: object) -> None:
    with pytest.raises(NumberRefused):
        decimal_parse(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", "0"),
        ("-1.50", "-1.50"),
        (7, "7"),
        ("007", "7"),
        (Decimal("0.0000001"), "0.0000001"),
        ("999999999999999999.999999999999", "999999999999999999.999999999999"),
    ],
)
def test_number_of_the_form_is_exact(value: object, expected: str) -> None:
    assert decimal_parse(value) == Decimal(expected)


@given(st.text(max_size=40))
def test_any_text_is_exact_or_refused(text: str) -> None:
    try:
        number = decimal_parse(text)
    except NumberRefused:
        return
    assert text.isascii()
    assert number == Decimal(text)


@given(st.integers(-(10**38), 10**38), st.integers(0, 12))
def test_units_survive_the_way_out_and_back(units: int, scale: int) -> None:
    assert to_units(from_units(units, scale), scale) == units


@given(st.integers(-(10**17), 10**17), st.integers(0, 12))
def test_written_number_reads_back_as_itself(units: int, scale: int) -> None:
    number = from_units(units, scale)
    body = json_dumps({"n": number})
    assert b"E" not in body
    assert json.loads(body, parse_float=Decimal, parse_int=Decimal)["n"] == number


def test_too_many_places_are_refused_not_rounded() -> None:
    with pytest.raises(NumberRefused, match="more than 4 decimal places"):
        to_units(Decimal("1.00001"), 4, "amount")
    assert to_units(Decimal("1.00010"), 4, "amount") == 10001


@pytest.mark.parametrize("value", ["0", "0.00", "-1", "-0.01", 0, -5])
def test_amount_is_positive(value: object) -> None:
    with pytest.raises(NumberRefused, match="greater than 0"):
        amount_parse(value, 2)


def test_amount_in_units() -> None:
    assert amount_parse("123.45", 4) == 1_234_500


def test_json_numbers_keep_their_digits() -> None:
    value = json_loads(b'{"a": 3800.10, "b": 5, "c": "x"}')
    assert value == {"a": Decimal("3800.10"), "b": 5, "c": "x"}
    assert str(value["a"]) == "3800.10"


@pytest.mark.parametrize(
    "literal", [b"NaN", b"-Infinity", b"1e400", b"1E3", b"-0", b"1" * 30, b"0." + b"1" * 30]
)
def test_json_number_outside_the_form_is_refused_with_its_field(literal: bytes) -> None:
    value = json_loads(b'{"price": ' + literal + b"}")
    assert isinstance(value["price"], BadNumber)
    with pytest.raises(NumberRefused):
        decimal_parse(value["price"], "price")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "malformed"),
        (b"{", "malformed"),
        (b'{"a":01}', "malformed"),
        (b'{"a":+1}', "malformed"),
        (b"{'a':1}", "malformed"),
        (b'"\xff"', "malformed"),
        (b"\xff\xfe{\x00}\x00", "malformed"),
        (b'{"a":1,"a":2}', "duplicate"),
        (b'{"a":"\\u0000"}', "text"),
        (b'["\\ud800"]', "text"),
        (b"[" * 17 + b"]" * 17, "depth"),
        (b"[" * 100_000, "depth"),
        (b'"' + b"x" * (256 * 1024) + b'"', "size"),
    ],
)
def test_body_we_do_not_take(body: bytes, reason: str) -> None:
    with pytest.raises(JSONRefused) as caught:
        json_loads(body)
    assert caught.value.reason == reason


FULL = 256 * 1024


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 17 + b'"' + b'\\"' * (FULL // 2 - 9),
        b"[" * 17 + b'"' * (FULL - 17),
        b"[" * 17 + b"\\" * (FULL - 17),
        b"[" * 17 + b'"\\' * (FULL // 2 - 9),
        b"[" * FULL,
        b'{"a":' * (FULL // 5),
        b"1" * FULL,
        b"0." + b"1" * (FULL - 2),
        b'{"price":' + b"9" * (FULL - 10) + b"}",
        b'"' + b"\\ud800" * (FULL // 6 - 1) + b'"',
        b"[" + b"[]," * (FULL // 3 - 1) + b"1]",
        b" " * FULL,
    ],
    ids=lambda body: repr(body[:24]),
)
def test_the_worst_bodies_take_no_time(body: bytes) -> None:
    """They are read on the event loop, before anybody has logged in."""
    began = time.process_time()
    with contextlib.suppress(JSONRefused):
        json_loads(body)
    assert len(body) <= FULL
    assert time.process_time() - began < 1.0


def test_sixteen_levels_are_taken_and_brackets_in_texts_do_not_count() -> None:
    assert json_loads(b"[" * 16 + b"]" * 16)
    assert json_loads(b'{"a": "' + b"[{" * 50 + b'"}') == {"a": "[{" * 50}
    assert json_loads(b'["\\ud83d\\ude00"]') == ["\U0001f600"]


class Order(msgspec.Struct, forbid_unknown_fields=True):
    price: ExactNumber
    note: str = ""


@pytest.mark.parametrize("body", [b'{"price": 1.10}', b'{"price": "1.10"}'])
def test_struct_takes_number_or_string(body: bytes) -> None:
    order = struct_convert(json_loads(body), Order)
    assert str(order.price) == "1.10"
    assert json_dumps(order) == b'{"price":1.10,"note":""}'


@pytest.mark.parametrize(
    "body",
    [b'{"price": 1e400}', b'{"price": true}', b'{"price": 1, "x": 1}', b"{}", b'{"price": 1, "note": 5}'],
)
def test_struct_refuses(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        struct_convert(json_loads(body), Order)

"""A number is taken exactly or refused with its field, over REST and over /ws alike (S8).
Run by pytest in the app tier; the texts are Hypothesis'."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.throttles import RATES, Rate
from engine.border import json_loads
from engine.core.codes import Code
from engine.hub import hub
from tests.support.floor import Floor, floor_open
from tests.support.sockets import Socket
from tests.support.venue import Venue

FORM = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,12})?")
UNLIMITED = Rate(100_000, 1_000_000)
SEEN = settings(
    max_examples=120, deadline=None, database=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
DIGITS = st.text("0123456789", min_size=1, max_size=22)
NUMBERS = st.one_of(
    st.builds("{}{}.{}".format, st.sampled_from(["", "-", "+", " "]), DIGITS, DIGITS),
    st.builds("{}{}".format, st.sampled_from(["", "-", "--", "0x"]), DIGITS),
    st.builds("{}e{}".format, DIGITS, st.integers(-500, 500)),
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.integers(17_100, 20_900).map(lambda ticks: f"{Decimal(ticks) / 5:.1f}"),
    st.text("0123456789.-\uff10\uff15\u0663\u00bd,_ ", min_size=1, max_size=12),
)
ODD = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "-0",
    "-0.0",
    "\uff13\uff18\uff10\uff10",
    "0." + "1" * 30,
    "3800.0",
]


def takes(text: str, quoted: bool) -> bool:
    """The border's rule, written down a second time; bare it must be JSON too, without leading zeros."""
    if FORM.fullmatch(text) is None or (text[0] == "-" and Decimal(text) == 0):
        return False
    return quoted or re.match(r"-?0[0-9]", text) is None


@pytest.fixture
def floor(venue: Venue, transactional_db: None, settings: Any) -> Iterator[Floor]:
    """Nobody is throttled."""
    settings.OUTCRY_THROTTLES = dict.fromkeys(RATES, (UNLIMITED, UNLIMITED))
    with floor_open(venue) as floor:
        yield floor


def assert_judged(
    floor: Floor, field: str, text: str, taken: bool, answer: dict[str, Any], before: list[Any]
) -> None:
    """`answer`: code and field, or success. What was taken stands in the engine digit for digit."""
    if answer.get("success"):
        order = floor.engine.order_view(int(answer["order_id"])) if field == "price" else None
        assert taken
        assert order is None or Decimal(order.price) / 5 == Decimal(text)
        return
    assert floor.fingerprint() == before
    if taken:
        assert answer["code"] not in (Code.NUMBER_INVALID, Code.MALFORMED_JSON), answer
    else:
        assert answer["code"] in (Code.NUMBER_INVALID, Code.MALFORMED_JSON), answer
        assert answer["code"] == Code.MALFORMED_JSON or answer["field"] == field


def spoiled(floor: Floor, field: str, text: str, quoted: bool) -> str:
    """The body of an order with the text as it stands in one field, in quotes or bare."""
    literal = json.dumps(text) if quoted else text
    return json.dumps(floor.order() | {field: "HERE"}).replace('"HERE"', literal)


@pytest.mark.parametrize("field", ["price", "volume"])
def test_over_rest(floor: Floor, field: str) -> None:
    @SEEN
    @given(NUMBERS, st.booleans())
    def judged(text: str, quoted: bool) -> None:
        before = floor.fingerprint()
        body = spoiled(floor, field, text, quoted).encode()
        if not quoted and not is_one_literal(text):
            return
        answer = floor.alice.person.post("/api/order/submit", body).body
        said = {"success": True, **answer["data"]} if answer["success"] else answer["error"]
        assert_judged(floor, field, text, takes(text, quoted), said, before)

    for text in ODD:
        for quoted in (False, True):
            judged = example(text, quoted)(judged)
    judged()


@pytest.mark.parametrize("field", ["price", "volume"])
async def test_over_websocket(floor: Floor, field: str) -> None:
    texts: list[tuple[str, bool]] = [(text, quoted) for text in ODD for quoted in (False, True)]

    @SEEN
    @given(NUMBERS, st.booleans())
    def collect(text: str, quoted: bool) -> None:
        texts.append((text, quoted))

    collect()
    await asyncio.wait_for(hub().ready(), 10)
    socket = await Socket().open(floor.alice.person)
    for text, quoted in texts:
        if not quoted and not is_one_literal(text):
            continue
        before = floor.fingerprint()
        body = json_loads(spoiled(floor, field, "1", True).encode()) | {"type": "submit_order"}
        socket.send_raw(
            json.dumps({**body, field: "HERE"}).replace('"HERE"', json.dumps(text) if quoted else text)
        )
        assert_judged(floor, field, text, takes(text, quoted), await socket.next(), before)
    await socket.leave()
    await hub().close()


def is_one_literal(text: str) -> bool:
    """Bare in a body, a text with blanks or commas would be another body."""
    return not set(text) & set(" ,_")

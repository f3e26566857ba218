"""No body, however odd, breaks a route: a refusal in the envelope, never our own error (S7, S8).
Run by pytest in the app tier; the routes and who may use them are those of the access matrix."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from accounts.throttles import RATES, Rate
from engine.core.codes import Code
from tests.support import matrix
from tests.support.matrix import Row, World
from tests.support.people import Person
from tests.support.servers import RedisServer

ROWS = [row for row in matrix.rows() if row.method != "GET" and row.path.startswith("api/")]
QUERIES = [row for row in matrix.rows() if row.method == "GET" and row.path.startswith("api/")]
PARAMETERS = [
    "page",
    "page_size",
    "limit",
    "depth",
    "count",
    "period",
    "before",
    "instrument_id",
    "state",
    "status",
]
ODD_WORDS = [
    "",
    "0",
    "-1",
    "1e400",
    "NaN",
    "\uff11",
    "x" * 3_000,
    "%00",
    "1;drop",
    "9" * 30,
    "null",
    "IF2512",
    "\u5355",
]
ODD: list[Any] = [
    None, True, 0, -1, 10**30, 10**17, "", "x", "x" * 5_000, "\u5355\U0001f600", "1e400", "NaN", "-0", "\uff11",
    [], {}, [[]], [None], [{}], {"a": {"b": []}}, 1.5, "0.0000000000001", "../etc", "%00", "<b>",
]  # fmt: skip
TRIES = 40
UNLIMITED = Rate(100_000, 1_000_000)


@pytest.fixture
def world(transactional_db: None, redis_empty: RedisServer, settings: Any) -> World:
    """A victim, another trader, and whatever the routes need; nobody is throttled."""
    settings.OUTCRY_THROTTLES = dict.fromkeys(RATES, (UNLIMITED, UNLIMITED))
    return matrix.world_make()


def holder(row: Row, world: World) -> Person:
    """Somebody who may use the route."""
    if row.right is not None and not row.owner:
        assert row.holder_role is not None
        return world.with_roles(row.holder_role)
    return world.victim


def odd_bodies(row: Row, world: World, rng: random.Random) -> list[bytes]:
    """The right body with each field spoiled in turn, and bodies that are none."""
    right = row.body(world)
    bodies = [json.dumps({**right, name: value}).encode() for name in right for value in ODD]
    bodies += [json.dumps({k: v for k, v in right.items() if k != name}).encode() for name in right]
    bodies += [json.dumps(value).encode() for value in ODD]
    whole = json.dumps(right).encode()
    bodies += [
        whole[: rng.randrange(len(whole))],
        whole + whole,
        rng.randbytes(200),
        b"",
        b"\x00",
        b"[" * 20_000,
    ]
    return rng.sample(bodies, min(TRIES, len(bodies)))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(row.key))
def test_an_odd_body_is_refused_as_any_other(row: Row, world: World) -> None:
    who, rng = holder(row, world), random.Random(row.path)
    for body in odd_bodies(row, world, rng):
        answer = who.request(row.method, row.address(world), body)
        assert answer.body["success"] or answer.code != Code.INTERNAL, (body[:200], answer.body)
        assert set(answer.body) == {"success", "data", "error"}, body[:200]


@pytest.mark.parametrize("row", QUERIES, ids=lambda row: "-".join(row.key))
def test_an_odd_query_is_refused_as_any_other(row: Row, world: World) -> None:
    who, rng = holder(row, world), random.Random(row.path)
    for _ in range(TRIES // 2):
        query = {name: rng.choice(ODD_WORDS) for name in rng.sample(PARAMETERS, 3)}
        response = who.client.get(row.address(world), query, HTTP_AUTHORIZATION=f"Bearer {who.token}")
        assert response.status_code != 500, (query, response.content[:300])

"""The demo lives: funded users, quotes on both sides of everything, trades; through a roll and the loss of any process.
Run by pytest in the stack tier, on one stack with its makers."""

import asyncio
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any
from urllib.request import Request, urlopen

import pytest

from engine.core import terms
from engine.core.commands import InstrumentStateSet
from engine.door import Door
from exchange.demo.makers.agents import Credentials
from exchange.demo.makers.pacing import TokenBucket
from exchange.demo.makers.taker import Taker
from tests.support.stack import RunningStack, stack_running
from tests.support.waiting import wait_until

INSTRUMENTS = 8
HOUSE = {"house-maker-1", "house-maker-2", "house-taker-1"}


@pytest.fixture(scope="module")
def venue() -> Iterator[RunningStack]:
    """A stack with its makers; tests leave it trading."""
    with stack_running({"OUTCRY_DEMO_ORDERS_PER_S": "40"}, demo=True) as running:
        yield running


def call(venue: RunningStack, path: str, body: Any = None, token: str = "") -> Any:
    """GET, or POST with a body: the envelope's data."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(venue.web + path, data, headers), timeout=10) as response:
        return json.load(response)["data"]


def token_of(venue: RunningStack, username: str = "operator") -> str:
    user = venue.user(username)
    credentials = {"username": username, "password": user["password"]}
    return str(call(venue, "/api/auth/login", credentials)["token"])


def ticks(venue: RunningStack, token: str) -> dict[str, Any]:
    """Every instrument's day and best prices."""
    rows = call(venue, "/api/market/instruments", token=token)
    names = [f"{row['exchange_id']}.{row['instrument_id']}" for row in rows]
    return {name: call(venue, f"/api/market/tick/{name}", token=token) for name in names}


def is_quoted(tick: Any) -> bool:
    return bool(tick["bid_price"] and tick["ask_price"] and tick["bid_price"] < tick["ask_price"])


def wait_quoted(venue: RunningStack, token: str) -> dict[str, Any]:
    """Both sides of everything, prices that do not cross."""

    def quoted() -> dict[str, Any] | None:
        found = ticks(venue, token)
        return found if len(found) == INSTRUMENTS and all(map(is_quoted, found.values())) else None

    return wait_until(quoted, 60, "everything is quoted on both sides") or {}


def traded(venue: RunningStack, token: str) -> int:
    """The day's lots and coins, all instruments together, in thousandths."""
    return int(sum(tick["volume"] for tick in ticks(venue, token).values()) * 1_000)


def wait_trades(venue: RunningStack, token: str) -> None:
    before = traded(venue, token)
    wait_until(lambda: traded(venue, token) > before, 60, "somebody trades")


def test_run_file_names_an_operator_and_funded_traders(venue: RunningStack) -> None:
    users = {user["username"]: user for user in venue.run["users"]}
    assert HOUSE | {"operator", "alice", "bob"} == users.keys()
    assert (users["operator"]["role"], users["operator"]["account_ids"]) == ("operator", [])
    for name in ("alice", "bob"):
        token = token_of(venue, name)
        (account_id,) = users[name]["account_ids"]
        money = call(venue, f"/api/account/{account_id}", token=token)
        assert (money["balance"], money["available"]) == (10_000_000, 10_000_000)
        held = {wallet["asset"]: wallet["available"] for wallet in money["wallets"]}
        assert held == {"USDT": 200_000, "BTC": 1, "USDC": 50_000, "SOL": 300}


def test_everything_is_quoted_on_both_sides_and_trades(venue: RunningStack) -> None:
    token = token_of(venue)
    wait_quoted(venue, token)
    wait_trades(venue, token)


def test_seeding_again_changes_nothing(venue: RunningStack) -> None:
    path = venue.data / "secrets" / "demo.json"
    before, mode = path.read_bytes(), path.stat().st_mode & 0o777
    done = venue.manage("seed_demo")
    assert done.returncode == 0, done.stderr
    assert (path.read_bytes(), mode) == (before, 0o600)
    assert "instrument" not in done.stdout
    assert "trading day" not in done.stdout


def test_house_lives_through_a_roll(venue: RunningStack) -> None:
    token = token_of(venue)
    days = {tick["trading_day"] for tick in wait_quoted(venue, token).values()}
    waiting = venue.manage("day", "roll")
    assert "waits for these prices" in waiting.stdout, waiting.stderr
    done = venue.manage("day", "roll", "--confirm")
    assert done.returncode == 0, done.stderr

    found = wait_quoted(venue, token)

    (trading_day,) = {tick["trading_day"] for tick in found.values()}
    assert days != {trading_day}
    assert f"trading day {trading_day}, step open" in venue.manage("day", "status").stdout
    wait_trades(venue, token)


def test_house_asks_for_more_money_as_any_user_may(venue: RunningStack) -> None:
    user = venue.user("house-taker-1")
    who = Credentials(user["username"], user["password"])
    bucket = TokenBucket(1.0, 1, time.monotonic)
    taker = Taker(venue.web, who, {}, bucket, rng=Random(1), clock=time.monotonic)
    (taker.account_id,) = user["account_ids"]
    token = token_of(venue)

    def coins() -> int:
        money = call(venue, f"/api/account/{taker.account_id}", token=token)
        (sol,) = [w for w in money["wallets"] if w["asset"] == "SOL"]
        return int(sol["available"] + sol["locked"])

    before = coins()
    asyncio.run(taker.deposit("SOL", Decimal(5_000)))
    wait_until(lambda: coins() > before + 4_000, what="the coins are there")


def test_house_lives_through_a_suspension(venue: RunningStack) -> None:
    token = token_of(venue)
    name = next(name for name in wait_quoted(venue, token) if name.startswith("DCE.m"))
    door = Door(venue.run["redis"], venue.run["stack_id"])
    try:
        for state in (terms.SUSPENDED, terms.TRADING):
            reply = door.call_sync(
                InstrumentStateSet(terms.VENUE, terms.SCOPE_OPERATE, name, state), timeout=5
            )
            assert reply.ok
            wait_trades(venue, token)
    finally:
        door.close()
    wait_quoted(venue, token)


@pytest.mark.parametrize("name", ["makers", "web", "redis"])
def test_house_comes_back_after_the_loss_of(venue: RunningStack, name: str) -> None:
    token = token_of(venue)
    wait_quoted(venue, token)
    venue.wait_back(name, venue.kill(name))
    wait_until(lambda: _answers(venue), 30, "the web answers")
    wait_until(lambda: _has_live_state(venue, token), 30, "live state is back")
    wait_trades(venue, token)
    wait_quoted(venue, token)


def _answers(venue: RunningStack) -> bool:
    try:
        return venue.http_get("/health")[0] == 200
    except OSError:
        return False


def _has_live_state(venue: RunningStack, token: str) -> bool:
    try:
        return len(ticks(venue, token)) == INSTRUMENTS
    except OSError:
        return False

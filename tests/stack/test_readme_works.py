"""The README's commands do what it says: they are taken from the page and run beside a running venue.
Run by pytest, stack tier."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.core.house.test_docs import BASE_DIR, README, blocks
from tests.support.stack import RunningStack

Json = dict[str, Any]


@pytest.fixture
def place(stack: RunningStack, tmp_path: Path) -> Iterator[Path]:
    """A folder in which `data` is the running venue's, as in a checkout; orders made there are cancelled."""
    (tmp_path / "data").symlink_to(stack.data)
    before = live_orders(stack)
    yield tmp_path
    for order_id in live_orders(stack) - before:
        ask(stack, "/api/order/cancel", {"order_id": order_id})


def ask(stack: RunningStack, path: str, body: Json | None = None) -> Any:
    """What alice is answered."""
    head = {"Content-Type": "application/json"}
    if path != "/api/auth/login":
        who = {key: stack.user("alice")[key] for key in ("username", "password")}
        head["Authorization"] = f"Bearer {ask(stack, '/api/auth/login', who)['token']}"
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(stack.web + path, data, head), timeout=10) as answer:
        return json.load(answer)["data"]


def live_orders(stack: RunningStack) -> set[str]:
    """The ids of alice's live orders."""
    account = stack.user("alice")["account_ids"][0]
    return {row["order_id"] for row in ask(stack, f"/api/order/user/{account}?status=live&limit=500")["orders"]}


def run(command: list[str], place: Path) -> str:
    """What a command prints; it must succeed and complain of nothing."""
    plain = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    done = subprocess.run(
        command, cwd=place, env=plain, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
def test_the_order_by_curl_is_there(stack: RunningStack, place: Path) -> None:
    before = live_orders(stack)
    printed: Json = json.loads(run(["sh", "-eu", "-c", dict(blocks(README))["sh"]], place))["data"]
    assert live_orders(stack) - before == {printed["order_id"]}
    order = ask(stack, f"/api/order/{printed['order_id']}")
    assert (order["instrument_id"], order["direction"], order["status"]) == ("BTC_USDT", "BUY", "submitted")
    assert (order["price"], order["volume"], order["volume_left"]) == (50_000, 0.001, 0.001)


def test_the_order_by_ten_lines_of_python_is_there(stack: RunningStack, place: Path) -> None:
    before = live_orders(stack)
    printed: Json = dict_read(run([sys.executable, "-c", dict(blocks(README))["python"]], place))
    assert live_orders(stack) - before == {printed["order_id"]}
    order = ask(stack, f"/api/order/{printed['order_id']}")
    assert (order["exchange_id"], order["direction"], order["offset"]) == ("SHFE", "BUY", "OPEN")
    assert (order["status"], order["volume"], order["filled_volume"]) == ("submitted", 1, 0)


def test_the_order_book_is_followed(stack: RunningStack, place: Path) -> None:
    ask(stack, "/api/order/submit", {"account_id": stack.user("alice")["account_ids"][0], **BID})
    printed = run([sys.executable, str(BASE_DIR / "examples" / "follow_book.py"), "SOL_USDC", "1"], place)
    assert printed.startswith("orderbook.SPOT.SOL_USDC at ")
    assert ": 100.00 / " in printed


def test_two_strategies_trade_with_each_other(stack: RunningStack, place: Path) -> None:
    printed = run([sys.executable, str(BASE_DIR / "examples" / "two_strategies.py"), "3"], place).splitlines()
    bob = [line.removeprefix("bob ") for line in printed if line.startswith("bob ")]
    assert [line.partition(", trade ")[0] for line in bob] == [
        "SELL 0.100 at 140.00", "BUY 0.100 at 140.00", "SELL 0.100 at 140.00",
    ]  # fmt: skip
    alice = [line.removeprefix("alice ") for line in printed if line.startswith("alice ")]
    assert len(bob) + len(alice) == len(printed)
    trade_ids = [line.partition(", trade ")[2] for line in bob]
    # The last one may reach alice after the script has ended.
    assert [line.partition(", trade ")[2] for line in alice][:2] == trade_ids[:2]


BID: Json = {"instrument_id": "SOL_USDC", "direction": "BUY", "price": "100", "volume": "0.1"}


def dict_read(text: str) -> Json:
    """A dict as Python prints it."""
    found: Json = ast.literal_eval(text)
    return found

"""The demo's seed: everything once, through the real door, and nobody else's user is ever taken over.
Run by pytest in the app tier."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from accounts import services
from accounts.models import TradingAccount, User
from accounts.rights import RoleName
from engine.core import commands as c
from engine.core import terms
from exchange.demo import seed
from exchange.demo.people import PERSONAS, demo_file, demo_users, draft_file
from exchange.demo.seed import SeedFailed, contracts_seed, demo_seed
from exchange.stack.supervisor import seed_arguments
from settlement.models import CashRequest
from tests.support.people import PASSWORD
from tests.support.servers import RedisServer
from tests.support.venue import OPERATOR, Venue

SATURDAY = datetime(2025, 11, 22, 3, 0, tzinfo=UTC)
FUTURES = ["CFFEX.IF2512", "CFFEX.IH2512", "CZCE.SR601", "DCE.m2601", "SHFE.cu2512", "SHFE.rb2601"]


@pytest.fixture(autouse=True)
def venue(transactional_db: None, redis_empty: RedisServer, tmp_path: Path) -> Iterator[Venue]:
    """The real engine on an empty journal, answering at the real door."""
    venue = Venue(tmp_path / "venue", redis_empty.url, settings.OUTCRY_STACK_ID)
    try:
        with venue.serving():
            yield venue
    finally:
        venue.close()


def sow(data: Path) -> list[dict[str, Any]]:
    return demo_seed(data=data, now=SATURDAY, say=lambda line: None)


def test_an_empty_venue_gets_everything(venue: Venue, tmp_path: Path) -> None:
    users = {user["username"]: user for user in sow(tmp_path)}

    engine = venue.engine
    assert (engine.trading_day, engine.step) == (20251124, terms.STEP_OPEN)
    assert sorted(engine.instruments) == [*FUTURES, "SPOT.BTC_USDT", "SPOT.SOL_USDC"]
    assert {i.phase for i in engine.instruments.values()} == {terms.CONTINUOUS}
    assert len(users) == len(PERSONAS) == 6
    alice = engine.account_view(int(users["alice"]["account_ids"][0]))
    assert (alice.owner, alice.deposit) == (int(users["alice"]["user_id"]), 10_000_000 * 10**4)
    assert {w.asset: w.available for w in alice.wallets} == {
        "BTC": 10**8, "SOL": 300 * 10**9, "USDC": 50_000 * 10**6, "USDT": 200_000 * 10**6,
    }  # fmt: skip
    assert engine.check() == []


def test_users_can_log_in_with_what_the_private_file_says(tmp_path: Path) -> None:
    users = sow(tmp_path)
    path = demo_file(tmp_path)
    assert json.loads(path.read_text("utf-8")) == {"contracts_of": "2025-11-22", "users": users}
    assert path.stat().st_mode & 0o777 == 0o600
    assert not draft_file(tmp_path).exists()
    for entry in users:
        assert User.objects.get(pk=entry["user_id"]).check_password(entry["password"])
    operator = User.objects.get(username="operator")
    assert {row.role for row in operator.roles.all()} == {RoleName.ADMIN, RoleName.OPERATOR}
    assert len({entry["password"] for entry in users}) == 6


def test_each_house_user_owns_his_account_alone(venue: Venue, tmp_path: Path) -> None:
    users = sow(tmp_path)
    owners = [venue.engine.account_view(int(a)).owner for u in users for a in u["account_ids"]]
    assert len(owners) == len(set(owners)) == 5


def test_a_repeat_changes_nothing(venue: Venue, tmp_path: Path) -> None:
    users = sow(tmp_path)
    before, file = venue.engine.seq, demo_file(tmp_path).read_bytes()
    assert sow(tmp_path) == users
    assert venue.engine.seq == before
    assert demo_file(tmp_path).read_bytes() == file
    assert (User.objects.count(), TradingAccount.objects.count(), CashRequest.objects.count()) == (6, 5, 20)


def test_a_later_start_lists_new_contracts_and_touches_nothing_else(venue: Venue, tmp_path: Path) -> None:
    assert seed_arguments(tmp_path, SATURDAY) == ["seed_demo"]
    users = sow(tmp_path)
    assert seed_arguments(tmp_path, SATURDAY) is None
    alice = User.objects.get(username="alice")
    alice.set_password(PASSWORD)
    alice.save()
    venue.do(c.VenueSet(terms.VENUE, OPERATOR, "init_cash_max", 5))
    later = SATURDAY + timedelta(days=90)
    assert seed_arguments(tmp_path, later) == ["seed_demo", "--contracts"]

    contracts_seed(data=tmp_path, now=later, say=lambda line: None)

    new = ["CFFEX.IF2603", "CFFEX.IH2603", "CZCE.SR605", "DCE.m2605", "SHFE.cu2603", "SHFE.rb2605"]
    assert sorted(venue.engine.instruments) == sorted([*FUTURES, *new, "SPOT.BTC_USDT", "SPOT.SOL_USDC"])
    assert venue.engine.trading_day == 20251124
    assert venue.engine.state.settings["init_cash_max"] == 5
    assert seed_arguments(tmp_path, later) is None
    assert demo_users(tmp_path) == users


class Killed(BaseException):
    """As kill -9."""


@pytest.mark.parametrize("step", ["user_seed", "account_seed", "money_seed", "demo_write"])
def test_a_killed_seed_goes_on_with_the_same_passwords(
    venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    done = getattr(seed, step)
    calls = 0

    def dies(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        answer = done(*arguments) if step != "demo_write" else None
        if calls == 2 or step == "demo_write":
            raise Killed
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(seed, step, dies)
        with pytest.raises(Killed):
            sow(tmp_path)
    assert not demo_file(tmp_path).exists()
    assert draft_file(tmp_path).stat().st_mode & 0o777 == 0o600

    users = sow(tmp_path)

    assert all(User.objects.get(pk=u["user_id"]).check_password(u["password"]) for u in users)
    assert (User.objects.count(), TradingAccount.objects.count(), CashRequest.objects.count()) == (6, 5, 20)
    assert len(venue.engine.accounts) == 5


@pytest.mark.parametrize("username", ["alice", "operator"])
def test_somebody_elses_user_is_never_taken_over(tmp_path: Path, username: str) -> None:
    stranger = services.user_register(username=username, password=PASSWORD)
    with pytest.raises(SeedFailed, match=f"user {username} exists"):
        sow(tmp_path)
    stranger.refresh_from_db()
    assert stranger.check_password(PASSWORD)
    assert not stranger.is_superuser
    assert not demo_file(tmp_path).exists()


def test_the_command_says_what_it_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTCRY_DATA", str(tmp_path))
    call_command("seed_demo", verbosity=0)
    assert len(json.loads(demo_file(tmp_path).read_text("utf-8"))["users"]) == 6

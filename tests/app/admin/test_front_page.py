"""The front page says what is: day, leader, sequence, orders a second, accounts by risk, what waits.
Run by pytest in the app tier."""

from __future__ import annotations

import pytest
import redis
from django.conf import settings
from django.core.cache import cache

from accounts.rights import RoleName
from engine.core import commands as c
from engine.core import terms
from exchange.venue_admin import front
from tests.support.console import Console, staff
from tests.support.servers import RedisServer
from tests.support.venue import IF
from tests.support.waiting import wait_until


def test_the_figures_are_the_venues(console: Console) -> None:
    console.deposit()
    assert console.venue.door.call_sync(
        c.InstrumentStateSet(terms.VENUE, terms.SCOPE_OPERATE, IF.instrument, terms.SUSPENDED)
    ).ok
    shown = console.operator.get("/admin/").context["front"]
    assert shown.market["trading_day"] == "2025-11-17"
    assert shown.market["is_open"] is True
    assert shown.market["states"] == {"trading": 2, "suspended": 1, "delisted": 0}
    assert shown.market["suspended"] == [IF.instrument]
    assert (shown.engine["leader"], shown.engine["epoch"], shown.engine["is_full"]) == ("engine", 1, False)
    assert shown.engine["seq"] == console.engine.seq
    assert [(process["name"], process["role"]) for process in shown.engine["processes"]] == [
        ("engine", "leader")
    ]
    assert (shown.waiting["deposits"], shown.waiting["withdrawals"]) == (1, 0)
    assert shown.orders["open"] == 1
    assert shown.deeds is None  # an operator has no right to the audit log
    wait_until(lambda: console.operator.get("/admin/front/").context["front"].projector["behind"] == 0)


def test_accounts_are_counted_by_risk(console: Console) -> None:
    shown = console.operator.get("/admin/").context["front"].risk
    counts = [count for _, _, count in shown["levels"]]
    assert (shown["total"], counts) == (4, [2, 2, 0, 0, 0])
    assert {row["funds"].account_id for row in shown["top"]} == {console.alice.pk, console.bob.pk}


def test_orders_a_second_come_from_two_looks(redis_empty: RedisServer) -> None:
    cache.delete(front.SAMPLE_KEY)
    assert front._rate("engine-1", 100, 10.0) is None
    assert front._rate("engine-1", 150, 10.5) is None  # too soon to say
    assert front._rate("engine-1", 300, 12.0) == pytest.approx(100.0)
    assert front._rate("engine-1", 310, 12.5) == pytest.approx(84.0)  # since the look before the last
    assert front._rate("engine-2", 5, 13.0) is None  # another leader counts from nothing
    assert front._rate("engine-2", 9, 99.0) is None  # the look before is too long ago


def test_a_part_that_is_away_leaves_the_others(console: Console) -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter("live:*"):
            client.delete(key)
    page = console.operator.get("/admin/front/")
    assert page.status_code == 200
    assert page.context["front"].waiting is not None


def test_an_auditor_sees_the_last_deeds_and_no_buttons(console: Console) -> None:
    auditor = staff("aude", RoleName.AUDITOR)
    assert console.operator.get("/admin/trading/order/export.csv").status_code == 200
    shown = auditor.get("/admin/").context["front"]
    assert [(deed.action, deed.actor_name) for deed in shown.deeds] == [("order.export", "olga")]
    page = auditor.get(f"/admin/accounts/tradingaccount/{console.alice.pk}/change/")
    assert page.context["acts"] == []
    titles = [str(section["name"]) for section in page.context["available_apps"]]
    assert titles == ["Market", "Accounts", "Trading", "Clearing", "People"]

"""The front page's figures: market, engine, projector, orders a second, accounts by risk, what waits for somebody.
Called by exchange/admin.py; a part that does not answer says so and leaves the others alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError
from django.db.models import Count, F, FloatField, Sum
from django.db.models.functions import Cast, NullIf
from django.utils.translation import gettext as _

from accounts.adminkit.badges import RISK_BAD, RISK_WARN
from accounts.models import AccountState, AuditEntry, TradingAccount
from accounts.redis_clients import RedisAway, redis_client
from accounts.rights import Right
from engine.core import terms
from engine.live import LiveFunds, LiveRebuilding, live
from engine.process.figures import figures_read
from market.models import Progress
from market.wire import STATES
from settlement.models import CashRequest, SettlementRun
from settlement.selectors import cash_requests_waiting

# How many accounts the risk figures look at: those with most margin for their balance at the last settlement.
ACCOUNTS_LOOKED_AT: Final = 200
ACCOUNTS_SHOWN: Final = 5
DEEDS_SHOWN: Final = 8
SAMPLE_KEY: Final = "admin.front.orders"
SAMPLE_MIN_S: Final = 1.0
SAMPLE_MAX_S: Final = 10.0
RISK_LEVELS: Final = ((Decimal("0.50"), "good"), (RISK_WARN, "info"), (RISK_BAD, "warn"))
Away = (DatabaseError, LiveRebuilding, redis.RedisError, *RedisAway)


@dataclass(slots=True)
class Front:
    """What the template shows; a part that is None did not answer."""

    market: dict[str, Any] | None = None
    engine: dict[str, Any] | None = None
    projector: dict[str, Any] | None = None
    orders: dict[str, Any] | None = None
    risk: dict[str, Any] | None = None
    waiting: dict[str, Any] | None = None
    deeds: list[AuditEntry] | None = None
    rights: set[str] = field(default_factory=set)
    at: float = 0.0


def front(rights: frozenset[Right]) -> Front:
    """Every figure this person may see."""
    shown = Front(rights={right.value for right in rights}, at=time.time())
    shown.engine = _asked(_engine)
    shown.market = _asked(_market)
    shown.projector = _asked(_projector)
    shown.orders = _asked(_orders)
    if Right.ACCOUNTS_READ in rights:
        shown.risk = _asked(_risk)
        shown.waiting = _asked(_waiting)
    if Right.AUDIT_READ in rights:
        shown.deeds = _asked(_deeds)
    return shown


def _asked(question: Callable[[], Any]) -> Any:
    try:
        return question()
    except Away:
        return None


def _market() -> dict[str, Any]:
    found = live().market().value
    venue = found.venue
    states = [view.state for view in found.instruments]
    step = venue.get("step", 0)
    day = venue.get("trading_day", 0)
    return {
        "trading_day": f"{day // 10_000}-{day // 100 % 100:02d}-{day % 100:02d}" if day else "",
        "is_open": bool(day) and step == terms.STEP_OPEN,
        "step": SettlementRun.Step(step).label,
        "states": {name: states.count(state) for state, name in STATES.items()},
        "suspended": [view.spec.instrument for view in found.instruments if view.state == terms.SUSPENDED],
    }


def _engine() -> dict[str, Any]:
    found = figures_read(redis_client(), settings.OUTCRY_STACK_ID)
    leader = next((name for name, plain in found.items() if plain.get("role") == "leader"), "")
    head = live().head()
    return {
        "leader": leader,
        "epoch": head.epoch,
        "seq": head.seq,
        "queue": int(found[leader].get("queue_depth", 0)) if leader else 0,
        "is_full": any(int(plain.get("journal_full", 0)) for plain in found.values()),
        "processes": [_process(name, plain) for name, plain in sorted(found.items())],
    }


def _process(name: str, plain: Mapping[str, int | str]) -> dict[str, Any]:
    return {
        "name": name,
        "role": plain.get("role", ""),
        "seq": int(plain.get("seq", 0)),
        "is_projecting": bool(plain.get("projecting")),
        "snapshot_seq": int(plain.get("snapshot_seq", 0)),
    }


def _projector() -> dict[str, Any]:
    progress = Progress.objects.filter(partition=0).first()
    head = live().head().seq
    reached = progress.seq if progress is not None else 0
    behind = max(0, head - reached)
    age = max(0.0, time.time() - progress.time / 1e9) if progress is not None and behind else 0.0
    return {"seq": reached, "behind": behind, "age": age, "is_late": behind > 0 and age > 2}


def _orders() -> dict[str, Any]:
    """Orders a second between two looks at the leader's counter; open orders as far as history reaches."""
    found = figures_read(redis_client(), settings.OUTCRY_STACK_ID)
    leader = next((name for name, plain in found.items() if plain.get("role") == "leader"), "")
    count = int(found[leader].get("orders", 0)) if leader else 0
    open_orders = AccountState.objects.aggregate(found=Sum("open_orders"))["found"] or 0
    return {"rate": _rate(leader, count, time.time()), "open": open_orders}


def _rate(leader: str, count: int, now: float) -> float | None:
    """The counter's growth since the sample before, which is kept for whoever looks next; None for the first."""
    older, newer = cache.get(SAMPLE_KEY, (None, None))
    if newer is None or newer[0] != leader or now - newer[2] > SAMPLE_MAX_S or count < newer[1]:
        cache.set(SAMPLE_KEY, (None, (leader, count, now)), 60)
        return None
    if now - newer[2] >= SAMPLE_MIN_S:
        cache.set(SAMPLE_KEY, (newer, (leader, count, now)), 60)
        older = newer
    if older is None:
        return None
    seconds = now - older[2]
    return (count - older[1]) / seconds if seconds > 0 else None


def _risk() -> dict[str, Any]:
    """Accounts by their risk ratio now, and the riskiest of them."""
    static = Cast(F("pre_balance") + F("deposit") - F("withdraw"), FloatField())
    used = Cast(F("margin") + F("frozen_margin"), FloatField()) / NullIf(static, 0.0)
    held = AccountState.objects.exclude(margin=0, frozen_margin=0).annotate(used=used)
    looked_at = held.order_by(F("used").desc(nulls_first=True)).values_list("account_id", flat=True)
    funds = [found for pk in looked_at[:ACCOUNTS_LOOKED_AT] if (found := live().account_funds(pk))]
    counts = {"good": 0, "info": 0, "warn": 0, "bad": 0}
    for each in funds:
        counts[_level(each)] += 1
    total = AccountState.objects.count()
    funds.sort(key=lambda each: (each.risk_ratio is not None, -(each.risk_ratio or 0)))
    states = (
        (_("below 50 %"), "good", counts["good"]),
        (_("50 to 80 %"), "info", counts["info"]),
        (_("80 to 95 %"), "warn", counts["warn"]),
        (_("95 % and more"), "bad", counts["bad"]),
    )
    return {
        "levels": [(_("without positions"), "quiet", total - len(funds)), *states],
        "top": [{"funds": each, "kind": _level(each)} for each in funds[:ACCOUNTS_SHOWN] if each.margin],
        "total": total,
        "frozen": AccountState.objects.exclude(freeze=0).count(),
    }


def _level(funds: LiveFunds) -> str:
    if funds.risk_ratio is None:
        return "bad"
    return next((kind for limit, kind in RISK_LEVELS if funds.risk_ratio < limit), "bad")


def _waiting() -> dict[str, Any]:
    by_kind = cash_requests_waiting().order_by().values("kind").annotate(count=Count("id"))
    counts = {row["kind"]: row["count"] for row in by_kind}
    return {
        "deposits": counts.get(CashRequest.Kind.DEPOSIT, 0),
        "withdrawals": counts.get(CashRequest.Kind.WITHDRAWAL, 0),
        "accounts": TradingAccount.objects.filter(state=TradingAccount.State.REQUESTED).count(),
        "run": SettlementRun.objects.exclude(state=SettlementRun.State.DONE).first(),
    }


def _deeds() -> list[AuditEntry]:
    shown = AuditEntry.objects.exclude(outcome=AuditEntry.Outcome.ASKED).order_by("-id")
    return list(shown[:DEEDS_SHOWN])

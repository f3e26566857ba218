"""Freezing accounts, deciding about money, users and their roles from the console; each with its audit rows.
Run by pytest in the app tier."""

from __future__ import annotations

from django.urls import reverse
from django.utils import timezone

from accounts.models import AccountState, AuditEntry, User
from accounts.rights import RoleName
from engine.core import terms
from engine.core.codes import Code
from settlement import services as settlement_services
from settlement.models import CashRequest
from tests.support.console import Console, deeds, staff, stranger
from tests.support.people import PASSWORD, log_in
from tests.support.venue import order


def decide(console: Console, row: CashRequest, name: str) -> int:
    path = console.act("settlement_cashrequest", row.pk, name)
    return int(console.operator.post(path, {"reason": "seen"}).status_code)


def test_a_frozen_account_trades_no_more_until_it_is_unfrozen(console: Console) -> None:
    risk = staff("rita", RoleName.RISK_MANAGER)
    freeze, unfreeze = (
        console.act("accounts_tradingaccount", console.alice.pk, name) for name in ("freeze", "unfreeze")
    )
    assert risk.post(freeze, {"freeze": "1", "reason": "margin"}).status_code == 302
    assert console.engine.accounts[console.alice.pk].freeze == terms.FREEZE_TRADING
    assert AccountState.objects.get(pk=console.alice.pk).freeze == terms.FREEZE_TRADING
    sell = order(console.alice.pk, terms.SELL, 19_100, 1, "a2", owner=console.alice.user_id)
    assert console.venue.door.call_sync(sell).code == Code.ACCOUNT_FROZEN
    page = risk.get(reverse("admin:accounts_tradingaccount_change", args=[console.alice.pk]))
    assert [str(act["label"]) for act in page.context["acts"]] == ["Freeze", "Unfreeze"]
    assert b"frozen: trading" in page.content
    assert risk.post(unfreeze, {"reason": "paid"}).status_code == 302
    assert console.engine.accounts[console.alice.pk].freeze == 0
    done = AuditEntry.objects.filter(outcome="done").order_by("id")
    assert AuditEntry.objects.get(outcome="asked", action="tradingaccount.freeze").after == {"freeze": 1}
    assert [(row.before, row.after) for row in done] == [
        ({"freeze": "nothing"}, {"freeze": "trading"}),
        ({"freeze": "trading"}, {"freeze": "nothing"}),
    ]


def test_the_accounts_page_has_live_funds_positions_and_orders(console: Console) -> None:
    page = console.operator.get(reverse("admin:accounts_tradingaccount_change", args=[console.alice.pk]))
    figures = {str(name): str(value) for name, value in page.context["figures"]}
    assert figures["Margin"] == '<span class="num">136,800.00</span>'  # 1 lot short at 3800 × 300 × 12 %
    assert [(row["today"], row["history"]) for row in page.context["positions"]] == [
        ('<span class="num">1</span>', '<span class="num">0</span>')
    ]
    (live,) = page.context["orders"]
    assert (live["price"], live["left"]) == ('<span class="num">3,800.0</span>', '<span class="num">1</span>')


def test_an_approved_deposit_is_credited_once(console: Console) -> None:
    row = console.deposit("20000000")
    balance = console.engine.account_view(console.alice.pk).deposit
    assert decide(console, row, "approve") == 302
    assert console.engine.account_view(console.alice.pk).deposit - balance == 20_000_000 * 10**4
    assert decide(console, row, "approve") == 422  # decided already
    assert console.engine.account_view(console.alice.pk).deposit - balance == 20_000_000 * 10**4
    row.refresh_from_db()
    assert (row.state, row.decision, row.approved_by_id) == ("done", "approved", console.operator.user.pk)  # type: ignore[union-attr]
    assert [(outcome, code) for _, _, outcome, code in deeds("cashrequest.approve")] == [
        ("asked", None), ("done", None), ("asked", None), ("refused", Code.STATE_CONFLICT),
    ]  # fmt: skip


def test_a_refused_deposit_credits_nothing(console: Console) -> None:
    row, before = console.deposit(), console.state()
    assert decide(console, row, "refuse") == 302
    row.refresh_from_db()
    assert (row.state, row.decision) == ("refused", "refused")
    assert console.state() == before


def test_nobody_decides_about_his_own_request(console: Console) -> None:
    row, before = console.deposit(by=console.operator.user), console.state()
    assert decide(console, row, "approve") == 422
    row.refresh_from_db()
    assert (row.state, row.decision) == ("requested", "open")
    assert console.state() == before


def test_a_withdrawal_is_paid_or_goes_back(console: Console) -> None:
    from decimal import Decimal

    pending = []
    for number in (1, 2):
        row = settlement_services.cash_request(
            kind=CashRequest.Kind.WITHDRAWAL, account_id=console.bob.pk, currency="CNY",
            amount=Decimal(number * 100), requested_by=console.bob.user_id, idempotency_key=f"w{number}",
            now=timezone.now(),
        )  # fmt: skip
        # Above the venue's limit an operator decides; the test's are small, so it is opened by hand.
        CashRequest.objects.filter(pk=row.pk).update(decision="open", decided_at=None)
        settlement_services.cash_request_send(request_id=row.request_id, now=timezone.now())
        pending.append(row)
    assert decide(console, pending[0], "approve") == 302
    assert decide(console, pending[1], "refuse") == 302
    assert [CashRequest.objects.get(pk=row.pk).state for row in pending] == ["done", "refused"]
    assert console.engine.account_view(console.bob.pk).withdraw == 100 * 10**4


def test_what_waits_is_found_by_its_filter(console: Console) -> None:
    waiting, decided = console.deposit(), console.deposit()
    assert decide(console, decided, "refuse") == 302
    page = console.operator.get("/admin/settlement/cashrequest/?waiting=yes")
    assert [row.pk for row in page.context["cl"].result_list] == [waiting.pk]


# ---- people ------------------------------------------------------------------------------------------


def test_roles_are_set_and_open_sessions_follow(console: Console) -> None:
    from accounts import sessions

    chief = staff("ada", RoleName.ADMIN)
    login = log_in(console.bob.user)
    path = console.act("accounts_user", console.bob.user_id, "roles")
    assert chief.post(path, {"roles": ["trader", "auditor"], "reason": "audits"}).status_code == 302
    record = sessions.session_read(login.session_id)
    assert record is not None
    assert record.roles == ["auditor", "trader"]
    row = AuditEntry.objects.get(action="user.roles", outcome="done")
    assert (row.before, row.after) == ({"roles": ["trader"]}, {"roles": ["auditor", "trader"]})


def test_nobody_changes_his_own_roles_or_shuts_himself_out(console: Console) -> None:
    chief = staff("ada", RoleName.ADMIN)
    assert chief.user is not None
    roles = chief.post(
        console.act("accounts_user", chief.user.pk, "roles"), {"roles": ["trader"], "reason": "x"}
    )
    more = chief.post(
        console.act("accounts_user", chief.user.pk, "roles"), {"roles": ["admin", "operator"], "reason": "x"}
    )
    freeze = chief.post(console.act("accounts_user", chief.user.pk, "freeze"), {"reason": "x"})
    assert (roles.status_code, more.status_code, freeze.status_code) == (422, 422, 422)
    assert [role.role for role in chief.user.roles.all()] == ["admin"]
    assert chief.get("/admin/accounts/user/").status_code == 200


def test_a_locked_out_user_is_out_at_once(console: Console) -> None:
    chief = staff("ada", RoleName.ADMIN)
    assert console.operator.user is not None
    login = log_in(console.operator.user)
    path = console.act("accounts_user", console.operator.user.pk, "freeze")
    assert chief.post(path, {"reason": "left the house"}).status_code == 302
    assert console.operator.get("/admin/").status_code == 302
    from accounts import sessions

    assert sessions.session_read(login.session_id) is None
    again = stranger().post("/admin/login/", {"username": "olga", "password": PASSWORD})
    assert again.status_code == 200  # the form again, with its refusal
    assert (
        chief.post(
            console.act("accounts_user", console.operator.user.pk, "unfreeze"), {"reason": "back"}
        ).status_code
        == 302
    )
    assert User.objects.get(username="olga").is_active


def test_a_user_is_registered_with_roles_or_refused_on_the_field(console: Console) -> None:
    chief = staff("ada", RoleName.ADMIN)
    fields = {"username": "rolf", "password": "12345678", "roles": ["risk_manager"]}
    weak = chief.post("/admin/accounts/user/add/", fields)
    assert (weak.status_code, list(weak.context["form"].errors)) == (422, ["password"])
    assert not User.objects.filter(username="rolf").exists()
    done = chief.post("/admin/accounts/user/add/", {**fields, "password": PASSWORD})
    assert done.status_code == 302
    rolf = User.objects.get(username="rolf")
    assert [role.role for role in rolf.roles.all()] == ["risk_manager"]
    assert not rolf.is_staff
    assert [(target, outcome) for _, target, outcome, _ in deeds("user.add")] == [
        ("rolf", "asked"), ("rolf", "refused"), ("rolf", "asked"), (str(rolf.pk), "done"),
    ]  # fmt: skip
    assert PASSWORD not in str(list(AuditEntry.objects.values_list()))


def test_a_changed_password_ends_the_other_sessions(console: Console) -> None:
    from accounts import sessions

    assert console.operator.user is not None
    login = log_in(console.operator.user)
    fields = {
        "old_password": PASSWORD,
        "new_password1": "another good one",
        "new_password2": "another good one",
    }
    wrong = console.operator.post("/admin/password_change/", {**fields, "old_password": "wrong"})
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["old_password"])
    assert console.operator.post("/admin/password_change/", fields).status_code == 302
    assert sessions.session_read(login.session_id) is None
    assert console.operator.get("/admin/").status_code == 200  # this one goes on

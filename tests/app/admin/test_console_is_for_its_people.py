"""No one sees or does anything in the console without the right (promise S1): every page and act × four people.
Run by pytest in the app tier. The rows come from the admin's own registry, so a new page is in it by itself; a
page that none of the kinds below explains fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from accounts.adminkit.acts import ActsAdmin
from accounts.adminkit.rights import STAFF_RIGHTS, RightsAdmin
from accounts.models import AuditEntry, TradingAccount, User
from accounts.rights import ROLE_RIGHTS, Right, RoleName
from market.models import Instrument
from settlement.models import CashRequest, SettlementRun
from tests.support.console import Console, Staff, session_begin, staff, stranger
from tests.support.venue import IF
from trading.models import Order, Trade

OWN_PAGES = {"index", "front", "password_change", "password_change_done"}  # for all of the staff
OPEN_PAGES = {"login", "logout", "app_list"}
APPS = ("accounts", "market", "settlement", "trading")


@dataclass(frozen=True)
class Page:
    """One address and the right it asks for (None: any of the staff's)."""

    path: str
    right: Right | None
    is_act: bool = False


def admins() -> list[RightsAdmin[Any]]:
    return [each for each in admin.site._registry.values() if isinstance(each, RightsAdmin)]


def pages(objects: dict[type[Any], Any]) -> list[Page]:
    """Every page of every model, and the site's own."""
    found = [Page(reverse(f"admin:{name}"), None) for name in sorted(OWN_PAGES)]
    for each in admins():
        name = f"admin:{each.opts.app_label}_{each.opts.model_name}"
        pk = objects.get(each.model)
        kinds: Any = (("changelist", [], each.right_view), ("export", [], each.right_view))
        for kind, arguments, right in (
            *kinds,
            ("add", [], each.right_add),
            ("change", [pk], each.right_view),
        ):
            try:
                found.append(Page(reverse(f"{name}_{kind}", args=arguments), right))
            except NoReverseMatch:
                continue  # the model has no such page
        if isinstance(each, ActsAdmin):
            found += [Page(reverse(f"{name}_act", args=[pk, act.name]), act.right, True) for act in each.acts]
    return found


def objects_of(console: Console) -> dict[type[Any], Any]:
    """One object of every model that has pages of single ones."""
    run = SettlementRun.objects.create(
        trading_day=20251117, next_trading_day=20251118, run_id=1, started_at=timezone.now()
    )
    entry = AuditEntry.objects.order_by("id").first() or console.operator.get(
        "/admin/market/instrument/export.csv"
    )
    entry = AuditEntry.objects.order_by("id").first()
    order, trade = Order.objects.first(), Trade.objects.first()
    assert order is not None
    assert trade is not None
    assert entry is not None
    return {
        User: console.alice.user_id,
        TradingAccount: console.alice.pk,
        AuditEntry: entry.pk,
        Instrument: IF.instrument,
        Order: order.pk,
        Trade: trade.pk,
        CashRequest: console.deposit().pk,
        SettlementRun: run.pk,
    }


def fingerprint(console: Console) -> list[Any]:
    """Every row of every table of ours, and the engine."""
    rows = {
        model._meta.label: sorted(model._default_manager.values_list(), key=repr)
        for name in APPS
        for model in apps.get_app_config(name).get_models()
        if model._meta.model_name != "progress"
    }
    return [rows, console.state(), console.engine.seq]


def asked(who: Staff, page: Page) -> list[Any]:
    """Looked at, and sent."""
    answers = [who.get(page.path)]
    if page.is_act:
        answers.append(who.post(page.path, {"reason": "because", "freeze": "1", "roles": ["admin"]}))
    return answers


def roles_without(right: Right) -> list[RoleName]:
    """Every role of the staff without the right, all on one person: as much as staff can have without it."""
    return [role for role, rights in ROLE_RIGHTS.items() if right not in rights and rights & STAFF_RIGHTS]


def role_with(right: Right) -> RoleName:
    """A role that holds the right."""
    return next(role for role, rights in ROLE_RIGHTS.items() if {right, Right.ACCOUNTS_READ} <= rights)


def test_every_page_of_the_admin_is_of_a_kind_that_is_tested() -> None:
    def names(patterns: list[Any]) -> set[str | None]:
        found: set[str | None] = set()
        for pattern in patterns:
            inner = getattr(pattern, "url_patterns", None)
            found |= names(inner) if inner is not None else {pattern.name}
        return found

    kinds = ("changelist", "export", "add", "change", "act")
    models = {f"{each.opts.app_label}_{each.opts.model_name}_{kind}" for each in admins() for kind in kinds}
    strangers = names(list(admin.site.get_urls())) - models - OWN_PAGES - OPEN_PAGES
    assert strangers == {None}  # Django's catch-all, which answers 404 or leads to the login
    assert len(admins()) == len(admin.site._registry)


def test_strangers_and_traders_are_led_to_the_login_and_change_nothing(console: Console) -> None:
    everything = pages(objects_of(console))
    trader = staff("trader", RoleName.TRADER, RoleName.ANALYST, RoleName.READONLY)
    superuser = User.objects.create_user("root", password="x", is_staff=True, is_superuser=True)
    flagged = Staff(superuser)
    session_begin(flagged)
    before = fingerprint(console)
    for who in (stranger(), trader, flagged):
        for page in everything:
            for answer in asked(who, page):
                assert answer.status_code == 302, page
                assert answer["Location"].startswith("/admin/login/"), page
    assert fingerprint(console) == before


def test_staff_without_the_right_sees_and_changes_nothing(console: Console) -> None:
    everything = [page for page in pages(objects_of(console)) if page.right is not None]
    rights = {page.right for page in everything if page.right}
    people = {right: staff(f"without-{right}", *roles_without(right)) for right in rights}
    before = fingerprint(console)
    tried = 0
    for page in everything:
        assert page.right is not None
        if not roles_without(page.right):
            continue  # every role of the staff may read accounts: nobody is without it
        for answer in asked(people[page.right], page):
            assert answer.status_code == 403, page
            tried += 1
    assert tried >= 20
    assert fingerprint(console) == before


def test_the_rights_holder_is_let_in(console: Console) -> None:
    everything = pages(objects_of(console))
    rights = {page.right for page in everything if page.right}
    holders = {right: staff(f"with-{right}", role_with(right)) for right in rights}
    for page in everything:
        who = holders[page.right] if page.right else console.operator
        answer = who.get(page.path)
        assert answer.status_code == 200, page
        assert page.path.endswith(".csv") or b"<h" in answer.content, page


def test_a_role_taken_away_closes_the_console_at_the_next_request(console: Console) -> None:
    from accounts import services

    assert console.operator.get("/admin/").status_code == 200
    assert console.operator.user is not None
    services.user_roles_set(user_id=console.operator.user.pk, roles=[], granted_by=None, now=timezone.now())
    assert console.operator.get("/admin/").status_code == 302


def test_a_traders_right_password_says_what_a_wrong_one_says(console: Console) -> None:
    from tests.support.people import PASSWORD

    texts = []
    for username, password in (("alice", PASSWORD), ("alice", "wrong one"), ("nobody", PASSWORD)):
        answer = stranger().post("/admin/login/", {"username": username, "password": password})
        assert answer.status_code == 200
        texts.append(answer.context["form"].non_field_errors()[0])
    assert len(set(texts)) == 1

"""The audit log cannot be changed unseen: append-only, sealed row by row; every deed has its rows.
Run by pytest in the app tier."""

from __future__ import annotations

import threading
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory
from django.utils import timezone

from accounts.adminkit.deeds import Done, deed_do
from accounts.audit import Deed, audit_check, audit_write
from accounts.models import AuditEntry, User
from tests.support.console import Console, deeds, stranger
from tests.support.people import PASSWORD
from tests.support.servers import RedisServer

pytestmark = pytest.mark.usefixtures("redis_empty")


def write(number: int) -> AuditEntry:
    deed = Deed(
        actor_id=7, actor_name="olga", address="10.0.0.1", action="test.deed", target=str(number),
        outcome=AuditEntry.Outcome.DONE, before={"b": 1, "a": [2, "x"]}, after={"state": "沪铜"},
    )  # fmt: skip
    return audit_write(deed=deed, now=timezone.now())


def tamper(statement: str) -> None:
    """As somebody would who owns the database."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditentry DISABLE TRIGGER accounts_auditentry_keep")
        cursor.execute(statement)
        cursor.execute("ALTER TABLE accounts_auditentry ENABLE TRIGGER accounts_auditentry_keep")


@pytest.mark.django_db(transaction=True)
def test_rows_follow_each_other_sealed() -> None:
    rows = [write(number) for number in range(5)]
    assert [row.hash_before for row in rows] == ["0" * 64, *(row.hash for row in rows[:-1])]
    assert audit_check() == (5, None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_auditentry SET actor_name = 'nobody' WHERE target = '2'",
        "UPDATE accounts_auditentry SET after = '{}' WHERE target = '2'",
        "UPDATE accounts_auditentry SET at = at + interval '1 second' WHERE target = '2'",
        "DELETE FROM accounts_auditentry WHERE target = '1'",
    ],
)
def test_a_tampered_row_is_found(statement: str) -> None:
    rows = [write(number) for number in range(4)]
    tamper(statement)
    assert audit_check() == ({"U": 2, "D": 1}[statement[0]], rows[2].pk)


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_to_change_or_delete_a_row() -> None:
    entry = write(1)
    for change in (
        lambda: AuditEntry.objects.filter(pk=entry.pk).update(target="2"),
        lambda: AuditEntry.objects.filter(pk=entry.pk).delete(),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
    with pytest.raises(TypeError):
        entry.save()
    with pytest.raises(TypeError):
        entry.delete()
    assert audit_check() == (1, None)


@pytest.mark.django_db(transaction=True)
def test_rows_written_at_once_make_one_chain() -> None:
    def burst(first: int) -> None:
        try:
            for number in range(first, first + 10):
                write(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=burst, args=(10 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert audit_check() == (40, None)


@pytest.mark.django_db(transaction=True)
def test_a_deed_that_breaks_leaves_that_it_was_asked_and_that_its_outcome_is_unknown(
    rf: RequestFactory,
) -> None:
    request = rf.post("/")
    request.user = User.objects.create_user("olga", password=PASSWORD)

    def broken() -> Done:
        raise RuntimeError("the process is broken")

    with pytest.raises(RuntimeError):
        deed_do(request, action="test.deed", target="x", perform=broken)
    assert [row[2] for row in deeds()] == ["asked", "unknown"]
    asked, answer = AuditEntry.objects.order_by("id")
    assert answer.asked == asked.pk


def test_a_login_and_an_export_are_in_the_log(console: Console) -> None:
    someone = stranger()
    assert someone.post("/admin/login/", {"username": "olga", "password": PASSWORD}).status_code == 302
    assert int(someone.client.cookies["sessionid"]["max-age"]) == 8 * 3600
    assert someone.get("/admin/trading/order/export.csv?side__exact=1").status_code == 200
    assert deeds() == [("admin.login", "olga", "done", None), ("order.export", "trading.order", "done", None)]
    assert AuditEntry.objects.get(action="order.export").after == {"query": "side__exact=1"}


def test_the_list_shows_an_asked_row_only_while_it_has_no_answer(
    console: Console, redis: RedisServer
) -> None:
    from accounts.rights import RoleName
    from tests.support.console import staff

    auditor = staff("aude", RoleName.AUDITOR)
    path = console.act("accounts_tradingaccount", console.alice.pk, "freeze")
    assert console.operator.post(path, {"freeze": "1", "reason": "x"}).status_code == 302
    lonely = audit_write(
        deed=Deed(1, "olga", "10.0.0.1", "instrument.suspend", "CFFEX.IF2512", AuditEntry.Outcome.ASKED),
        now=timezone.now(),
    )

    def shown(query: str) -> list[Any]:
        page = auditor.get(f"/admin/accounts/auditentry/{query}")
        return [(row.pk, row.outcome) for row in page.context["cl"].result_list]

    assert [outcome for _, outcome in shown("")] == ["asked", "done"]
    assert shown("")[0][0] == lonely.pk
    assert len(shown("?outcome=all")) == 3


@pytest.mark.django_db(transaction=True)
def test_the_command_names_the_first_row_that_does_not_hold_and_a_seal_that_is_gone() -> None:
    rows = [write(number) for number in range(3)]
    said = StringIO()
    call_command("audit", "check", stdout=said)
    assert said.getvalue() == f"3 rows hold; the newest seal is {rows[2].hash}\n"
    tamper("DELETE FROM accounts_auditentry WHERE target = '2'")
    call_command("audit", "check", stdout=StringIO())  # a cut at the end shows only by a seal kept elsewhere
    with pytest.raises(CommandError, match="cut off"):
        call_command("audit", "check", "--seal", rows[2].hash)
    tamper("UPDATE accounts_auditentry SET address = '10.0.0.2' WHERE target = '1'")
    with pytest.raises(CommandError, match=f"1 rows hold, row {rows[1].pk} does not"):
        call_command("audit", "check")

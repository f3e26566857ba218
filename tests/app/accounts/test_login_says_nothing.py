"""A failed login does not say what was wrong; repeated ones are locked out and slowed down.
Run by pytest in the app tier."""

from typing import Any

from django.utils import timezone

from accounts import services
from accounts.models import Session
from accounts.throttles import Rate
from engine.core.codes import Code
from tests.support.people import PASSWORD, Person, anonymous, person


def log_in(someone: Person, username: str, password: str) -> Any:
    return someone.post("/api/auth/login", {"username": username, "password": password})


def test_register_then_login_gives_tokens_roles_and_the_user() -> None:
    body = {"username": "ann", "password": PASSWORD, "phone": "138", "email": "a@b.cn"}
    registered = anonymous().post("/api/auth/register", body)
    assert registered.status == 201
    login = log_in(anonymous(), "ann", PASSWORD)
    assert login.status == 200
    assert login.data["user_id"] == registered.data["user_id"]
    assert login.data["roles"] == ["trader"]
    assert login.data["is_admin"] is False
    assert login.data["permissions"] == ["account_open", "read_own", "trade", "transfer"]
    assert login.data["expires_in"] == 300
    user_id = login.data["user_id"]
    me = Person().get(f"/api/auth/user/{user_id}", HTTP_AUTHORIZATION=f"Bearer {login.data['token']}")
    assert (me.data["username"], me.data["phone"], me.data["email"]) == ("ann", "138", "a@b.cn")
    assert "id_card" not in me.data
    assert "password" not in str(me.body)


def test_unknown_user_and_wrong_password_answer_alike() -> None:
    person("bob")
    unknown = log_in(anonymous(), "nobody", PASSWORD)
    wrong = log_in(anonymous(), "bob", "wrong password 1")
    assert unknown.status == wrong.status == 401
    assert unknown.body == wrong.body
    assert unknown.code == Code.LOGIN_FAILED


def test_frozen_user_answers_as_a_wrong_password_does() -> None:
    bob = person("bob")
    services.user_activate(user_id=bob.user_id, active=False, now=timezone.now())
    assert log_in(anonymous(), "bob", PASSWORD).code == Code.LOGIN_FAILED
    assert bob.get(f"/api/auth/user/{bob.user_id}").code == Code.SESSION_ENDED


def test_five_failures_lock_the_name_from_that_address_only() -> None:
    person("bob")
    codes = [log_in(anonymous(), "bob", "wrong password 1").code for _ in range(5)]
    assert codes[:4] == [Code.LOGIN_FAILED] * 4
    locked = log_in(anonymous(), "bob", PASSWORD)
    assert (locked.status, locked.code) == (429, Code.LOGIN_LOCKED)
    assert int(locked.headers["Retry-After"]) == 900
    assert Session.objects.filter(user__username="bob").count() == 1  # only the fixture's own
    elsewhere = Person(address="10.0.0.9")
    assert log_in(elsewhere, "bob", PASSWORD).status == 200


def test_guessing_from_many_addresses_is_slowed_per_name(settings: Any) -> None:
    settings.OUTCRY_THROTTLES = {"login": (Rate(0.01, 10), Rate(100, 1_000))}
    person("bob")
    answers = [log_in(Person(address=f"10.0.1.{i}"), "bob", "wrong password 1") for i in range(12)]
    assert [answer.code for answer in answers[:10]] == [Code.LOGIN_FAILED] * 10
    assert answers[-1].code == Code.THROTTLED
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert log_in(Person(address="10.0.2.1"), "carol", "wrong password 1").code == Code.LOGIN_FAILED


def test_weak_password_and_taken_name_are_refused_and_change_nothing() -> None:
    person("bob")
    from accounts.models import User

    before = User.objects.count()
    weak = anonymous().post("/api/auth/register", {"username": "dora", "password": "123"})
    assert (weak.status, weak.code, weak.field) == (422, Code.PASSWORD_WEAK, "password")
    taken = anonymous().post("/api/auth/register", {"username": "BOB", "password": PASSWORD})
    assert (taken.status, taken.code) == (409, Code.USERNAME_TAKEN)
    odd = anonymous().post("/api/auth/register", {"username": "a b", "password": PASSWORD})
    assert (odd.status, odd.code, odd.field) == (422, Code.FIELD_INVALID, "username")
    assert User.objects.count() == before


def test_being_first_makes_nobody_an_operator_but_createsuperuser_does() -> None:
    from accounts.models import User
    from accounts.selectors import user_roles

    first = person("first")
    assert user_roles(user_id=first.user_id) == ["trader"]
    root = User.objects.create_superuser("root", password=PASSWORD)
    assert user_roles(user_id=root.pk) == ["admin", "operator"]

"""The pages show and change nothing but the visitor's own (promise S1), whoever forges what.
Run by pytest in the app tier; the visitor is known by a signed cookie."""

from typing import Any

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.http.pages import COOKIE, SALT
from accounts.models import TradingAccount, User
from accounts.principals import principal_from_token
from engine.core.codes import Code
from settlement.models import CashRequest
from tests.support.people import PASSWORD, Person, account_row, person
from tests.support.servers import RedisServer

HTMX = {"HX-Request": "true"}
PAGES = ["/", "/pages/accounts"]


@pytest.fixture
def alice(transactional_db: None, redis_empty: RedisServer) -> Person:
    """A trader with an open account."""
    someone = person("alice_page")
    account_row(someone, name="alice's")
    return someone


@pytest.fixture
def bob(alice: Person) -> Person:
    """Another one."""
    someone = person("bob_page")
    account_row(someone, name="bob's")
    return someone


def browser(someone: Person | None, **options: Any) -> Client:
    """A browser with the person's session cookie."""
    client = Client(**options)
    if someone is not None:
        assert someone.login is not None
        client.cookies[COOKIE] = signing.dumps(someone.login.session_id, salt=SALT)
    return client


def account_of(someone: Person) -> int:
    account = TradingAccount.objects.get(user_id=someone.user_id)
    return account.pk


def test_login_sets_a_cookie_no_script_can_read_and_the_page_opens(alice: Person) -> None:
    client = Client()
    answer = client.post("/login", {"username": "alice_page", "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    cookie = client.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    page = client.get("/")
    assert page.status_code == 200
    assert "alice_page" in page.content.decode()
    assert "unsafe" not in page["Content-Security-Policy"]


def test_a_wrong_password_says_nothing_of_the_name(alice: Person) -> None:
    wrong = Client().post("/login", {"username": "alice_page", "password": "not this one"}, headers=HTMX)
    unknown = Client().post("/login", {"username": "nobody_page", "password": "not this one"}, headers=HTMX)
    assert COOKIE not in wrong.cookies
    bodies = [answer.content.decode().split("<h2")[1].split("<div")[0] for answer in (wrong, unknown)]
    assert bodies[0] == bodies[1]
    assert 'role="alert"' in bodies[0]


@pytest.mark.parametrize("path", PAGES)
def test_visitors_without_a_session_are_sent_to_log_in(path: str, alice: Person) -> None:
    answer = Client().get(path)
    assert (answer.status_code, answer["Location"]) == (302, "/login")
    fragment = Client().get(path, headers=HTMX)
    assert (fragment["HX-Redirect"], fragment.content) == ("/login", b"")


def test_a_forged_cookie_is_no_session(alice: Person) -> None:
    assert alice.login is not None
    client = Client()
    for forged in (
        alice.login.session_id,
        signing.dumps(alice.login.session_id, salt="another"),
        "x:y:z",
        "\x00",
    ):
        client.cookies[COOKIE] = forged
        assert client.get("/").status_code == 302
        assert client.post("/session/token").status_code == 401


def test_the_token_is_the_sessions_own_and_ends_with_it(alice: Person) -> None:
    client = browser(alice)
    answer = client.post("/session/token")
    body = answer.json()
    assert (body["user_id"], body["account_ids"]) == (str(alice.user_id), [str(account_of(alice))])
    assert principal_from_token(body["token"]).user_id == alice.user_id
    assert client.post("/logout").status_code == 302
    assert client.post("/session/token").status_code == 401
    assert alice.get(f"/api/user/{alice.user_id}/accounts").status == 401


def test_a_frozen_user_is_out_at_once(alice: Person) -> None:
    client = browser(alice)
    assert client.get("/").status_code == 200
    services.user_activate(user_id=alice.user_id, active=False, now=timezone.now())
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("path", ["/login", "/register", "/logout", "/session/token", "/pages/accounts"])
def test_another_sites_form_is_refused(path: str, alice: Person) -> None:
    client = browser(alice, enforce_csrf_checks=True)
    assert client.post(path, {"username": "mallory", "password": PASSWORD}).status_code == 403
    assert not User.objects.filter(username="mallory").exists()


def test_accounts_are_only_ones_own(alice: Person, bob: Person) -> None:
    page = browser(alice).get("/pages/accounts").content.decode()
    assert str(account_of(alice)) in page
    assert str(account_of(bob)) not in page


@pytest.mark.parametrize("kind", ["deposit", "withdrawal"])
def test_money_of_another_is_neither_seen_nor_moved(kind: str, alice: Person, bob: Person) -> None:
    theirs = f"/pages/cash/{account_of(bob)}"
    client = browser(alice)
    form = {"kind": kind, "amount": "100", "currency": "CNY", "key": "k1"}
    unknown = client.get("/pages/cash/99999999")
    for answer in (client.get(theirs), client.post(theirs, form)):
        assert answer.status_code == 404
        assert answer.content == unknown.content
    assert not CashRequest.objects.exists()


def test_a_form_sent_twice_asks_once(alice: Person) -> None:
    client = browser(alice)
    form = {"kind": "deposit", "amount": "1,000.50", "currency": "CNY", "key": "same"}
    for _ in range(2):
        assert client.post(f"/pages/cash/{account_of(alice)}", form).status_code == 200
    request = CashRequest.objects.get()
    assert (request.units, request.requested_by_id) == (10_005_000, alice.user_id)


def test_every_panel_brings_a_key_of_its_own(alice: Person) -> None:
    client = browser(alice)
    panels = [client.get(f"/pages/cash/{account_of(alice)}").content.decode() for _ in range(2)]
    keys = {panel.split('name="key" value="')[1].split('"')[0] for panel in panels}
    assert len(keys) == 2
    assert "hx-preserve" not in panels[0]


@pytest.mark.parametrize("amount", ["", "abc", "-5", "0", "1.005", "1e99", "NaN", "9" * 39])
def test_a_bad_amount_asks_nothing_and_says_why(amount: str, alice: Person) -> None:
    form = {"kind": "deposit", "amount": amount, "currency": "CNY", "key": "k"}
    page = browser(alice).post(f"/pages/cash/{account_of(alice)}", form).content.decode()
    assert 'role="alert"' in page
    assert not CashRequest.objects.exists()


def test_the_styleguide_is_for_those_who_work_on_pages(client: Client, settings: Any) -> None:
    assert client.get("/styleguide").status_code == 404
    settings.OUTCRY_STYLEGUIDE = True
    assert client.get("/styleguide").status_code == 200


def test_the_instruments_are_for_visitors_with_a_session(alice: Person) -> None:
    asked = {"Accept": "application/json"}
    assert Client().get("/pages/instruments", headers=asked).status_code == 401
    answer = browser(alice).get("/pages/instruments", headers=asked)
    # There is no live state in this tier: the page is told so, and never that there are no instruments.
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, Code.LIVE_REBUILDING)
    assert answer["Retry-After"] == "1"

"""Every page of the venue is under a Content-Security-Policy without unsafe-*, and needs none (promise S4).
Run by pytest in the app tier; tests/stack/pages fails on anything Chromium has to say about it."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.app.test_pages_show_only_ones_own import browser
from tests.support.people import Person, account_row, person
from tests.support.servers import RedisServer

BASE = Path(__file__).resolve().parents[2]
PAGES = ["/", "/login", "/register", "/styleguide", "/pages/accounts", "/admin/login/", "/api/docs"]
INLINE = re.compile(
    r"<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:|<script(?![^>]*(?:\ssrc=|application/json))",
    re.IGNORECASE,
)


@pytest.fixture
def trader(transactional_db: None, redis_empty: RedisServer) -> Person:
    """Somebody with an account."""
    someone = person("strict_page")
    account_row(someone)
    return someone


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_strict_and_has_nothing_inline(path: str, trader: Person, settings: Any) -> None:
    settings.OUTCRY_STYLEGUIDE = True
    answer = browser(None if path == "/login" else trader).get(path)
    assert answer.status_code == 200
    policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
    for name in ("default-src", "script-src", "style-src", "connect-src", "form-action"):
        assert policy[name] == "'self'"
    assert (policy["object-src"], policy["base-uri"], policy["frame-ancestors"]) == ("'none'",) * 3
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert INLINE.findall(answer.content.decode()) == []


def test_the_session_cookie_is_secure_where_the_venue_says_so(trader: Person, settings: Any) -> None:
    form = {"username": "strict_page", "password": "correct horse battery"}
    assert not _cookie(Client(), form)["secure"]
    settings.SESSION_COOKIE_SECURE = True
    assert _cookie(Client(), form)["secure"]


def _cookie(client: Client, form: dict[str, str]) -> Any:
    assert client.post("/login", form).status_code == 302
    return client.cookies["outcry_session"]


def test_scripts_keep_tokens_in_memory_and_write_no_html() -> None:
    for path in (BASE / "static/outcry/js").glob("*.js"):
        script = path.read_text("utf-8")
        assert not re.search(
            r"\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script
        ), path
        stored = re.findall(r'(?:local|session)Storage\.setItem\("([^"]+)"', script)
        assert set(stored) <= {"outcry.instrument", "outcry.account"}, path

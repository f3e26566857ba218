"""While PostgreSQL is away the console says so with 503 (DESIGN.md §8), and opens again by itself.
Run by pytest in the app tier."""

from __future__ import annotations

from django.db import connection
from django.test import Client

from tests.support.console import Console


def test_the_console_answers_503_without_postgres_and_comes_back(console: Console) -> None:
    someone = Client(raise_request_exception=False)
    someone.cookies = console.operator.client.cookies
    assert someone.get("/admin/trading/order/").status_code == 200
    port = connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict["PORT"] = 1  # nobody answers there
    try:
        away = someone.get("/admin/trading/order/")
    finally:
        connection.close()
        connection.settings_dict["PORT"] = port
    assert away.status_code == 503
    assert b"Trading goes on" in away.content
    assert away["Retry-After"] == "5"
    assert "Content-Security-Policy" in away
    assert someone.get("/admin/trading/order/").status_code == 200

"""Exports: what the list shows, exact, limited, streamed, and no formula for a spreadsheet.
Run by pytest in the app tier."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import pytest

from accounts.adminkit import exports
from accounts.adminkit.exports import cell
from accounts.models import TradingAccount
from tests.support.console import Console


def rows(console: Console, path: str) -> list[dict[str, str]]:
    answer = console.operator.get(path)
    assert answer.status_code == 200
    assert answer.streaming
    assert answer["Content-Disposition"].startswith("attachment;")
    assert "no-store" in answer["Cache-Control"]
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_orders_and_trades_come_in_the_markets_own_numbers(console: Console) -> None:
    orders = rows(console, "/admin/trading/order/export.csv")
    assert [(row["account"], row["side"], row["price"], row["volume"], row["filled"]) for row in orders] == [
        (str(console.bob.pk), "buy", "3800.0", "1", "1"),
        (str(console.alice.pk), "sell", "3800.0", "2", "1"),
    ]
    trades = rows(console, "/admin/trading/trade/export.csv")
    assert [(row["account"], row["price"], row["notional"], row["fee"]) for row in trades] == [
        (str(console.alice.pk), "3800.0", "1140000.0000", "26.2200"),
        (str(console.bob.pk), "3800.0", "1140000.0000", "26.2200"),
    ]


def test_the_ledger_sums_to_zero_per_currency(console: Console) -> None:
    sums: dict[str, Decimal] = {}
    for row in rows(console, "/admin/settlement/ledgerentry/export.csv"):
        sums[row["currency"]] = sums.get(row["currency"], Decimal(0)) + Decimal(row["amount"])
    assert sums == {"CNY": 0, "BTC": 0, "USDT": 0}


def test_the_export_has_the_lists_filter_and_search(console: Console) -> None:
    for query, accounts in (
        ("?side__exact=-1", [console.alice.pk]),
        (f"?q={console.bob.pk}", [console.bob.pk]),
        ("?q=no-such-thing", []),
    ):
        found = rows(console, f"/admin/trading/order/export.csv{query}")
        assert [int(row["account"]) for row in found] == accounts
        page = console.operator.get(f"/admin/trading/order/{query}")
        assert [row.account_id for row in page.context["cl"].result_list] == accounts


def test_an_unknown_filter_exports_nothing(console: Console) -> None:
    assert console.operator.get("/admin/trading/order/export.csv?nonsense=1").status_code == 404
    assert console.operator.get("/admin/trading/order/export.csv?status__exact=x").status_code == 404


def test_no_more_than_the_limit(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "ROWS_MAX", 1)
    assert len(rows(console, "/admin/trading/order/export.csv")) == 1


def test_a_name_that_is_a_formula_is_text(console: Console) -> None:
    TradingAccount.objects.filter(pk=console.alice.pk).update(name='=HYPERLINK("http://x.invalid")')
    found = rows(console, f"/admin/accounts/tradingaccount/export.csv?q={console.alice.pk}")
    assert [row["name"] for row in found] == ['\'=HYPERLINK("http://x.invalid")']


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"),
        (" =1", "' =1"), ("plain", "plain"), ("", ""), (None, ""), (-5, "-5"), (Decimal("-1E-7"), "-0.0000001"),
        (True, "yes"),
    ],
)  # fmt: skip
def test_cells(value: Any, text: str) -> None:
    assert cell(value) == text

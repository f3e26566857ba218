"""The ledger's rows against the engine's own books: totals, every client's money, and that each entry balances.
Called by exchange/reconcile/run.py; always over the whole ledger, however far the replay went back."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from psycopg import Cursor

from accounts.projections import CURRENCY
from engine.core.engine import Engine
from engine.core.ledger import CLIENT
from exchange.reconcile.findings import SHOWN_MAX, Difference, Finding


def ledger_compare(cursor: Cursor[Any], engine: Engine) -> list[Finding]:
    """The engine stands at the sequence of the snapshot transaction."""
    return [_totals(cursor, engine), _clients(cursor, engine), _entries(cursor)]


def _totals(cursor: Cursor[Any], engine: Engine) -> Finding:
    cursor.execute("SELECT currency, account, sum(amount) FROM public.settlement_ledgerentry GROUP BY 1, 2")
    rows = {(currency, account): int(total) for currency, account, total in cursor.fetchall()}
    books = engine.ledger_balances()
    finding = Finding("ledger totals")
    for key in sorted(rows.keys() | books.keys()):
        finding.check(" ".join(key), "total", rows.get(key, 0), books.get(key, 0))
    return finding


def _clients(cursor: Cursor[Any], engine: Engine) -> Finding:
    """What the venue owes each client: his cash (the open positions' profit is not posted) and his wallets."""
    cursor.execute(
        "SELECT account_id, currency, -sum(amount) FROM public.settlement_ledgerentry"
        " WHERE account = %s GROUP BY 1, 2",
        (CLIENT,),
    )
    rows = {(account_id, currency): int(owed) for account_id, currency, owed in cursor.fetchall()}
    books: dict[tuple[int, str], int] = defaultdict(int)
    for account_id in engine.accounts:
        view = engine.account_view(account_id)
        cash = view.pre_balance + view.deposit - view.withdraw + view.close_profit - view.commission
        books[account_id, CURRENCY] += cash
        for wallet in view.wallets:
            books[account_id, wallet.asset] += wallet.available + wallet.locked
    finding = Finding("ledger per account")
    for key in sorted(rows.keys() | books.keys()):
        finding.check(f"account_id={key[0]} {key[1]}", "owed", rows.get(key, 0), books.get(key, 0))
    return finding


def _entries(cursor: Cursor[Any]) -> Finding:
    finding = Finding("ledger entries balance")
    cursor.execute("SELECT count(DISTINCT (seq, currency)) FROM public.settlement_ledgerentry")
    (finding.compared,) = cursor.fetchone() or (0,)
    cursor.execute(
        "SELECT count(*) OVER (), seq, currency, sum(amount) FROM public.settlement_ledgerentry"
        " GROUP BY seq, currency HAVING sum(amount) <> 0 ORDER BY seq, currency LIMIT %s",
        (SHOWN_MAX,),
    )
    for count, seq, currency, total in cursor.fetchall():
        finding.first.append(Difference(f"seq={seq} {currency}", "sum", str(total), "0"))
        finding.differing = count
    return finding

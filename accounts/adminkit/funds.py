"""An account's live state for the admin: funds, wallets, positions, open orders, all at one head.
Called by accounts/admin.py; a venue that is rebuilding its live state gives words instead of numbers."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from accounts.adminkit.badges import money, number, risk_badge
from accounts.models import TradingAccount
from engine.core import terms
from engine.live import LiveFunds, LivePrivate, LiveRebuilding, live

# What other apps show of an account, by name; filled by their admin modules (trading: positions and orders).
DETAILS: list[Callable[[LivePrivate], dict[str, Any]]] = []


def freeze_text(freeze: int) -> str:
    """The freeze bits in words: "trading, withdrawals", "none"."""
    named = ((terms.FREEZE_TRADING, _("trading")), (terms.FREEZE_WITHDRAW, _("withdrawals")))
    return ", ".join(str(name) for bit, name in named if freeze & bit) or _("nothing")


def live_funds(account: TradingAccount) -> LiveFunds | None:
    """The account's funds now; None while live state is away or the account is not open. Read once a row."""
    if not hasattr(account, "_live_funds"):
        funds = None
        if account.state == TradingAccount.State.OPEN:
            try:
                funds = live().account_funds(account.pk)
            except LiveRebuilding:
                funds = None
        account._live_funds = funds  # type: ignore[attr-defined]
    return account._live_funds  # type: ignore[attr-defined, no-any-return]


def funds_rows(object_id: str) -> dict[str, Any]:
    """The context of the account's page: `live_error`, or figures, wallets, and what DETAILS add, at one head."""
    if not object_id.isascii() or not object_id.isdigit() or len(object_id) > 18:
        return {}
    try:
        found = live().private(int(object_id))
        if found.value is None:
            return {}
        private = found.value
        context: dict[str, Any] = {
            "live_seq": found.seq,
            "figures": _figures(private.funds),
            "wallets": [
                (wallet.asset, number(wallet.available), number(wallet.locked))
                for wallet in private.funds.wallets
            ],
        }
        for details in DETAILS:
            context |= details(private)
    except LiveRebuilding:
        return {"live_error": _("Live data is being rebuilt; the figures will be back in a moment.")}
    return context


def _figures(funds: LiveFunds) -> list[tuple[str, str]]:
    shown: list[tuple[str, Decimal]] = [
        (_("Balance"), funds.balance),
        (_("Available"), funds.available),
        (_("Margin"), funds.margin),
        (_("Frozen"), funds.frozen_margin + funds.frozen_commission),
        (_("Position profit"), funds.position_profit),
        (_("Close profit"), funds.close_profit),
        (_("Fees today"), funds.commission),
        (_("Deposits today"), funds.deposit),
        (_("Withdrawals today"), funds.withdraw),
        (_("May be withdrawn"), funds.withdraw_quota),
    ]
    return [(_("Risk ratio"), risk_badge(funds.risk_ratio)), *((name, money(value)) for name, value in shown)]

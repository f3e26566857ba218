"""The double-entry ledger and every account's closed days, projected from the journal.
Written by settlement/projections.py; read by settlement/selectors.py, statements and reconcile."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.projected import ProjectedModel
from market.models import UnitsField, time_of


class LedgerEntry(ProjectedModel):
    """One posting (trading-rules.md §6); those of a `seq` sum to 0 per currency. Partitioned by trading day.

    `amount` in units of the currency, debit positive: what the venue owes its clients is negative."""

    pk = models.CompositePrimaryKey("trading_day", "seq", "line")
    trading_day = models.IntegerField(_("trading day"))
    line = models.IntegerField()  # from 0 within its seq
    currency = models.CharField(_("currency"), max_length=16)
    account = models.CharField(
        _("ledger account"), max_length=80
    )  # "client", "fees", "clearing:<instrument>", …
    account_id = models.BigIntegerField(_("account"))  # the client's; 0: the venue's own side
    amount = models.BigIntegerField(_("amount"))
    reason = models.CharField(_("reason"), max_length=32)
    time = models.BigIntegerField()  # ns UTC

    class Meta:
        base_manager_name = "objects"
        verbose_name_plural = "ledger entries"
        indexes = [
            models.Index(fields=["account_id", "-seq", "-line"], name="ledger_by_account"),
        ]
        constraints = [models.CheckConstraint(condition=~Q(amount=0), name="ledger_amount_not_zero")]

    def __str__(self) -> str:
        return f"{self.seq}.{self.line} {self.account} {self.amount} {self.currency}"

    @property
    def at(self) -> datetime:
        return time_of(self.time)


class DailyAccount(ProjectedModel):
    """An account's day as settled 日结: `balance` became the next day's pre_balance. CNY units."""

    pk = models.CompositePrimaryKey("account_id", "trading_day")
    account_id = models.BigIntegerField(_("account"))
    trading_day = models.IntegerField(_("trading day"))
    pre_balance = UnitsField()
    deposit = UnitsField()
    withdraw = UnitsField()
    close_profit = UnitsField()
    position_profit = UnitsField()
    commission = UnitsField()
    balance = UnitsField()
    margin = UnitsField()
    settled_at = models.BigIntegerField()  # ns UTC

    class Meta:
        base_manager_name = "objects"
        indexes = [models.Index(fields=["trading_day"], name="daily_account_by_day")]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    balance=F("pre_balance")
                    + F("deposit")
                    - F("withdraw")
                    + F("close_profit")
                    + F("position_profit")
                    - F("commission")
                ),
                name="daily_account_adds_up",
            )
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.trading_day}"

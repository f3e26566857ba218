"""The admin's pages of money: requests to decide, the ledger, closed days, runs of the day.
Called by Django's admin; decisions go through settlement/services.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.adminkit.acts import Act, ActsAdmin
from accounts.adminkit.badges import badge, moment_text, money, number, state_badge
from accounts.adminkit.deeds import Done
from accounts.adminkit.exports import ListAdmin, PlainListAdmin
from accounts.adminkit.refusals import code_text
from accounts.adminkit.rights import request_user_id
from accounts.rights import Right
from market.calculations import money_of
from market.shown import DayFilter, account_link
from settlement import services
from settlement.models import CashRequest, DailyAccount, LedgerEntry, SettlementRun
from settlement.selectors import cash_requests_waiting

State = CashRequest.State


# ---- requests ----------------------------------------------------------------------------------------


def _decide(approve: bool) -> Any:
    def perform(request: HttpRequest, row: CashRequest, fields: Mapping[str, Any]) -> Done:
        services.cash_request_decide(
            request_id=row.request_id,
            approve=approve,
            decided_by=request_user_id(request),
            now=timezone.now(),
        )
        sent = services.cash_request_send(request_id=row.request_id, now=timezone.now())
        waiting = ""
        if sent.is_due:
            waiting = _("The engine has not answered yet; the command is sent again until it does.")
        elif approve and sent.state == State.REFUSED:
            waiting = _("But the engine refused it: %(why)s") % {"why": code_text(sent.code)}
        return Done(after=_state(sent), seq=sent.seq, waiting=waiting)

    return perform


def _state(row: CashRequest) -> dict[str, Any]:
    return {"decision": str(row.decision), "state": str(row.state)}


def _is_waiting(row: CashRequest) -> bool:
    return row.decision == CashRequest.Decision.OPEN and row.state not in (State.DONE, State.REFUSED)


def _amount(row: CashRequest) -> str:
    return f"{money_of(row.currency, row.units):,f} {row.currency}"


def _says_approve(row: CashRequest) -> list[str]:
    values = {"amount": _amount(row), "account": row.account_id}
    if row.kind == CashRequest.Kind.DEPOSIT:
        return [
            _("%(amount)s are credited to account %(account)s at once, and booked in the ledger.") % values,
            _("Make sure that the money is there: a credit is not taken back.") % values,
        ]
    return [
        _("%(amount)s left account %(account)s when it was asked for; now they are booked as paid out.")
        % values,
        _("Pay them out: this page only keeps the books."),
    ]


def _says_refuse(row: CashRequest) -> list[str]:
    values = {"amount": _amount(row), "account": row.account_id}
    if row.kind == CashRequest.Kind.DEPOSIT:
        return [_("Nothing is credited to account %(account)s.") % values]
    return [_("%(amount)s go back to account %(account)s at once.") % values]


class WaitingFilter(admin.SimpleListFilter):
    """Those somebody must decide."""

    title = gettext_lazy("waiting")
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """Only those."""
        return [("yes", gettext_lazy("for a decision"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Not yet decided."""
        return queryset.filter(pk__in=cash_requests_waiting()) if self.value() == "yes" else queryset


@admin.register(CashRequest)
class CashRequestAdmin(ListAdmin, ActsAdmin):
    """Deposits and withdrawals."""

    right_view = Right.ACCOUNTS_READ
    list_title = gettext_lazy("Deposits and withdrawals")
    search_hint = gettext_lazy("Request, account, user, remark")
    list_display = (
        "request_id", "created_at", "kind_shown", "account_shown", "amount_shown", "decision_shown", "state_shown",
        "requested_by",
    )  # fmt: skip
    export_columns = (
        "request_id", "created_at", "kind", "account_shown", "currency", "amount_shown", "decision", "state", "code",
        "requested_by", "approved_by", "decided_at", "method", "remark", "seq",
    )  # fmt: skip
    list_filter = (WaitingFilter, "kind", "state", "currency")
    list_select_related = ("requested_by", "approved_by")
    search_fields = ("request_id", "=account__id", "requested_by__username", "remark")
    ordering = ("-id",)
    fields = (
        "request_id", "kind_shown", "account_shown", "amount_shown", "decision_shown", "state_shown", "why",
        "requested_by", "approved_by", "method", "remark", "created_at", "decided_at", "seq",
    )  # fmt: skip
    acts = (
        Act(
            "approve", gettext_lazy("Approve"), Right.CASH_APPROVE, _decide(True), state=_state,
            is_open=_is_waiting, says=_says_approve, is_danger=True,
        ),
        Act(
            "refuse", gettext_lazy("Refuse"), Right.CASH_APPROVE, _decide(False), state=_state,
            is_open=_is_waiting, says=_says_refuse,
        ),
    )  # fmt: skip

    @admin.display(description=gettext_lazy("Kind"), ordering="kind")
    def kind_shown(self, row: CashRequest) -> str:
        """A word."""
        return _(str(row.kind))

    @admin.display(description=gettext_lazy("Account"), ordering="account")
    def account_shown(self, row: CashRequest) -> str:
        """A link."""
        return account_link(row.account_id)

    def export_account_shown(self, row: CashRequest) -> int:
        """The number."""
        return row.account_id

    @admin.display(description=gettext_lazy("Amount"), ordering="units")
    def amount_shown(self, row: CashRequest) -> str:
        """With its currency."""
        return badge(_amount(row), "plain")

    def export_amount_shown(self, row: CashRequest) -> Any:
        """The plain number."""
        return money_of(row.currency, row.units)

    @admin.display(description=gettext_lazy("Decision"), ordering="decision")
    def decision_shown(self, row: CashRequest) -> str:
        """A badge; what waits for somebody stands out."""
        return badge(_("to decide"), "warn") if _is_waiting(row) else state_badge(row.decision)

    @admin.display(description=gettext_lazy("State"), ordering="state")
    def state_shown(self, row: CashRequest) -> str:
        """A badge."""
        return state_badge(row.state)

    @admin.display(description=gettext_lazy("Refused because"))
    def why(self, row: CashRequest) -> str:
        """The code in words."""
        limit = f" {row.refusal_limit}" if row.refusal_limit else ""
        return f"{code_text(row.code)}{limit}" if row.code else "–"


# ---- the ledger --------------------------------------------------------------------------------------


class LedgerAccountFilter(admin.SimpleListFilter):
    """By ledger account; every instrument's clearing account under one name."""

    title = gettext_lazy("ledger account")
    parameter_name = "ledger"
    NAMES = ("client", "withdrawal_pending", "fees", "insurance", "clearing", "in_transit", "external")

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """The names of trading-rules §6."""
        return [(name, name) for name in self.NAMES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Postings of it."""
        chosen = self.value()
        if chosen not in self.NAMES:
            return queryset
        return (
            queryset.filter(account__startswith="clearing:")
            if chosen == "clearing"
            else queryset.filter(account=chosen)
        )


@admin.register(LedgerEntry)
class LedgerEntryAdmin(PlainListAdmin):
    """The double-entry ledger. Debit is positive: what the venue owes its clients is negative."""

    right_view = Right.ACCOUNTS_READ
    list_title = gettext_lazy("Ledger")
    search_hint = gettext_lazy("Account, sequence, ledger account")
    list_display = ("seq", "line", "at_shown", "account", "client", "reason", "amount_shown", "currency")
    export_columns = (
        "trading_day", "seq", "line", "at_shown", "account", "client", "reason", "amount_shown", "currency",
    )  # fmt: skip
    list_filter = (DayFilter, LedgerAccountFilter, "currency", "reason")
    search_fields = ("=account_id", "=seq", "=account")
    ordering = ("-trading_day", "-seq", "line")

    @admin.display(description=gettext_lazy("Time"))
    def at_shown(self, row: LedgerEntry) -> Any:
        """UTC."""
        return moment_text(row.at)

    def export_at_shown(self, row: LedgerEntry) -> Any:
        """UTC."""
        return row.at

    @admin.display(description=gettext_lazy("Client"), ordering="account_id")
    def client(self, row: LedgerEntry) -> str:
        """A link to the account."""
        return account_link(row.account_id)

    def export_client(self, row: LedgerEntry) -> int:
        """The number."""
        return row.account_id

    @admin.display(description=gettext_lazy("Amount"), ordering="amount")
    def amount_shown(self, row: LedgerEntry) -> str:
        """Exact."""
        return number(money_of(row.currency, row.amount))

    def export_amount_shown(self, row: LedgerEntry) -> Any:
        """Exact."""
        return money_of(row.currency, row.amount)


def _cny(name: str, label: Any) -> Any:
    @admin.display(description=label, ordering=name)
    def shown(row: DailyAccount) -> str:
        return money(money_of("CNY", getattr(row, name)))

    return shown


@admin.register(DailyAccount)
class DailyAccountAdmin(PlainListAdmin):
    """Accounts' days as they were settled."""

    right_view = Right.ACCOUNTS_READ
    list_title = gettext_lazy("Settled days")
    search_hint = gettext_lazy("Account")
    list_display = (
        "trading_day", "account",
        _cny("pre_balance", gettext_lazy("Before")), _cny("deposit", gettext_lazy("Deposits")),
        _cny("withdraw", gettext_lazy("Withdrawals")), _cny("close_profit", gettext_lazy("Close profit")),
        _cny("position_profit", gettext_lazy("Position profit")), _cny("commission", gettext_lazy("Fees")),
        _cny("balance", gettext_lazy("Balance")), _cny("margin", gettext_lazy("Margin")),
    )  # fmt: skip
    export_columns = (
        "trading_day", "account", "pre_balance", "deposit", "withdraw", "close_profit", "position_profit",
        "commission", "balance", "margin",
    )  # fmt: skip
    list_filter = (DayFilter,)
    search_fields = ("=account_id",)
    ordering = ("-trading_day", "account_id")

    @admin.display(description=gettext_lazy("Account"), ordering="account_id")
    def account(self, row: DailyAccount) -> str:
        """A link."""
        return account_link(row.account_id)

    def export_account(self, row: DailyAccount) -> int:
        """The number."""
        return row.account_id

    def _value(self, name: str, row: Any) -> Any:
        """Money in yuan, not in units."""
        if name in ("trading_day", "account"):
            return super()._value(name, row)
        return money_of("CNY", getattr(row, name))


@admin.register(SettlementRun)
class SettlementRunAdmin(ListAdmin, ActsAdmin):
    """Ends of days, done and under way."""

    right_view = Right.ACCOUNTS_READ
    list_title = gettext_lazy("Runs of the day")
    list_display = (
        "trading_day",
        "next_trading_day",
        "state_shown",
        "step",
        "started_at",
        "finished_at",
        "started_by",
    )
    export_columns = (
        "trading_day", "next_trading_day", "state", "step", "code", "refusal", "started_at", "finished_at",
        "started_by",
    )  # fmt: skip
    list_filter = ("state",)
    list_select_related = ("started_by",)
    ordering = ("-trading_day",)
    fields = (
        "trading_day", "next_trading_day", "run_id", "state_shown", "step", "cursor", "refusal", "seq", "started_by",
        "started_at", "finished_at",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("State"), ordering="state")
    def state_shown(self, row: SettlementRun) -> str:
        """A badge."""
        return state_badge(row.state)

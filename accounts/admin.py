"""The admin's pages of people: users and their roles, trading accounts, the audit log.
Called by Django's admin; who may do what is decided by accounts/rights.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import services
from accounts.adminkit.acts import Act, ActsAdmin, ReasonForm, deed_tell, soon
from accounts.adminkit.badges import badge, figure_shown, state_badge
from accounts.adminkit.deeds import Done, deed_do, plain_values
from accounts.adminkit.exports import ListAdmin
from accounts.adminkit.funds import freeze_text, funds_rows, live_funds
from accounts.adminkit.refusals import code_text, refusal_put
from accounts.adminkit.rights import request_require, request_user_id
from accounts.adminkit.waiting import row_wait
from accounts.errors import user_not_found
from accounts.http.envelope import ApiError
from accounts.models import AccountState, AuditEntry, TradingAccount, User
from accounts.rights import Right, RoleName
from engine.core import terms
from engine.core.codes import Code

ROLE_LABELS = {
    RoleName.TRADER: gettext_lazy("Trader: trades and moves money of his own accounts"),
    RoleName.ANALYST: gettext_lazy("Analyst: reads his own accounts"),
    RoleName.READONLY: gettext_lazy("Read-only: reads his own accounts"),
    RoleName.RISK_MANAGER: gettext_lazy("Risk: reads every account, freezes and unfreezes"),
    RoleName.SETTLEMENT: gettext_lazy("Settlement: reads every account, runs the end of day"),
    RoleName.OPERATOR: gettext_lazy("Operator: instruments, money requests, the day, freezing"),
    RoleName.AUDITOR: gettext_lazy("Auditor: reads every account and the audit log"),
    RoleName.ADMIN: gettext_lazy("Admin: users and roles, the audit log"),
}


# ---- users -------------------------------------------------------------------------------------------


class RolesForm(ReasonForm):
    """Exactly these roles."""

    roles = forms.MultipleChoiceField(
        label=gettext_lazy("Roles"),
        choices=list(ROLE_LABELS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    field_order = ("roles", "reason")


class UserAddForm(forms.Form):
    """A new user; roles come with it."""

    username = forms.CharField(label=gettext_lazy("User name"), max_length=150)
    password = forms.CharField(
        label=gettext_lazy("First password"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy(
            "8 characters or more, not only digits, none of the common ones. Tell it by a safe way; the user can"
            " change it."
        ),
    )
    real_name = forms.CharField(label=gettext_lazy("Real name"), max_length=64, required=False)
    email = forms.EmailField(label=gettext_lazy("E-mail"), required=False)
    roles = forms.MultipleChoiceField(
        label=gettext_lazy("Roles"), choices=list(ROLE_LABELS.items()), widget=forms.CheckboxSelectMultiple
    )


def roles_of(user: User) -> list[str]:
    """The user's roles, sorted; uses what the list has prefetched."""
    return sorted(role.role for role in user.roles.all())


def _roles_set(request: HttpRequest, user: User, fields: Mapping[str, Any]) -> Done:
    roles = [RoleName(name) for name in fields["roles"]]
    if user.pk == request.user.pk:
        raise ApiError(Code.FORBIDDEN, field="roles", limit="a second person")
    held = services.user_roles_set(
        user_id=user.pk, roles=roles, granted_by=request_user_id(request), now=timezone.now()
    )
    return Done(after={"roles": held})


def _activate(active: bool) -> Any:
    def perform(request: HttpRequest, user: User, fields: Mapping[str, Any]) -> Done:
        if user.pk == request.user.pk:
            raise ApiError(Code.FORBIDDEN, limit="a second person")
        try:
            services.user_activate(user_id=user.pk, active=active, now=timezone.now())
        except User.DoesNotExist:
            raise user_not_found() from None
        return Done(after={"is_active": active})

    return perform


@admin.register(User)
class UserAdmin(ListAdmin, ActsAdmin):
    """Users and roles."""

    right_view = Right.USERS_ADMIN
    right_add = Right.USERS_ADMIN
    list_title = gettext_lazy("Users")
    search_hint = gettext_lazy("Name, e-mail, phone, id")
    add_label = gettext_lazy("New user")
    list_display = ("username", "roles_shown", "accounts_shown", "active_shown", "date_joined", "last_login")
    export_columns = ("id", "username", "roles_shown", "is_active", "date_joined", "last_login")
    list_filter = ("is_active", "roles__role")
    search_fields = ("username", "email", "phone", "=id")
    ordering = ("id",)
    fields = (
        "username", "id", "roles_shown", "active_shown", "accounts_shown", "real_name", "email", "phone",
        "date_joined", "last_login",
    )  # fmt: skip
    acts = (
        Act(
            "roles", gettext_lazy("Change roles"), Right.USERS_ADMIN, _roles_set, form=RolesForm,
            state=lambda user: {"roles": roles_of(user)},
            says=lambda user: [
                _("%(user)s will have exactly the roles ticked below.") % {"user": user},
                _("Sessions that are open follow at once."),
                _("Nobody changes his own roles."),
            ],
        ),
        Act(
            "freeze", gettext_lazy("Lock out"), Right.USERS_ADMIN, _activate(False), is_danger=True,
            state=lambda user: {"is_active": user.is_active},
            is_open=lambda user: user.is_active,
            says=lambda user: [
                _("Every session of %(user)s ends now, sockets too; he cannot log in.") % {"user": user},
                _("His orders stay in the book and his positions stay open: freeze his accounts to stop trading."),
            ],
        ),
        Act(
            "unfreeze", gettext_lazy("Let in again"), Right.USERS_ADMIN, _activate(True),
            state=lambda user: {"is_active": user.is_active},
            is_open=lambda user: not user.is_active,
            says=lambda user: [_("%(user)s can log in again with his password.") % {"user": user}],
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Roles and accounts with each user."""
        return super().get_queryset(request).prefetch_related("roles", "trading_accounts")

    def act_form(self, act: Act, obj: Any, data: Any) -> forms.Form:
        """Begins with the roles held now."""
        return act.form(data, initial={"roles": roles_of(obj)})

    @admin.display(description=gettext_lazy("Roles"))
    def roles_shown(self, user: User) -> str:
        """The roles' names."""
        return ", ".join(roles_of(user)) or "–"

    @admin.display(description=gettext_lazy("Active"), ordering="is_active")
    def active_shown(self, user: User) -> str:
        """A badge."""
        return badge(_("active"), "good") if user.is_active else badge(_("locked out"), "bad")

    @admin.display(description=gettext_lazy("Accounts"))
    def accounts_shown(self, user: User) -> str:
        """Links to the user's accounts."""
        links = ((_account_url(row.pk), row.pk) for row in user.trading_accounts.all())
        return format_html_join(", ", '<a href="{}">{}</a>', links) or "–"

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Register somebody: by the service everybody is registered by."""
        request_require(request, Right.USERS_ADMIN)
        form = UserAddForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            done = self._add(request, form)
            if done is not None:
                deed_tell(request, _("User %(name)s") % {"name": form.cleaned_data["username"]}, done)
                return HttpResponseRedirect(reverse("admin:accounts_user_change", args=[done.target]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("New user"),
            "form": form,
            "list_url": self.list_url(),
            "submit": _("Register"),
        }
        return TemplateResponse(request, "admin/plain_form.html", context, status=422 if form.errors else 200)

    def _add(self, request: HttpRequest, form: UserAddForm) -> Done | None:
        given = dict(form.cleaned_data)
        roles = tuple(RoleName(name) for name in given.pop("roles"))

        def perform() -> Done:
            user = services.user_register(**given, roles=roles)
            return Done(after={"username": user.username, "roles": list(roles)}, target=str(user.pk))

        try:
            return deed_do(
                request,
                action="user.add",
                target=given["username"],
                wanted=plain_values(form.cleaned_data),
                perform=perform,
            )
        except ApiError as error:
            refusal_put(form, error)
            return None


# ---- trading accounts --------------------------------------------------------------------------------


def _account_url(account_id: int) -> str:
    return reverse("admin:accounts_tradingaccount_change", args=[account_id])


class FreezeForm(ReasonForm):
    """What is to be stopped."""

    freeze = forms.TypedChoiceField(
        label=gettext_lazy("Freeze"),
        coerce=int,
        choices=[
            (terms.FREEZE_TRADING, gettext_lazy("trading: no new orders; cancelling stays possible")),
            (terms.FREEZE_WITHDRAW, gettext_lazy("withdrawals")),
            (terms.FREEZE_TRADING | terms.FREEZE_WITHDRAW, gettext_lazy("trading and withdrawals")),
        ],
        initial=terms.FREEZE_TRADING,
        widget=forms.RadioSelect,
    )
    field_order = ("freeze", "reason")


def _freeze(request: HttpRequest, account: TradingAccount, fields: Mapping[str, Any]) -> Done:
    freeze = int(fields.get("freeze", 0))
    seq = services.account_freeze_set(account_id=account.pk, freeze=freeze, actor=request_user_id(request))
    seen = row_wait(AccountState, account.pk, seq)
    return Done(after={"freeze": freeze_text(freeze)}, seq=seq, waiting="" if seen else soon())


def _frozen(account: TradingAccount) -> int:
    held = AccountState.objects.filter(pk=account.pk).values_list("freeze", flat=True).first()
    return int(held or 0)


def _is_open(account: TradingAccount) -> bool:
    return bool(account.state == TradingAccount.State.OPEN)


@admin.register(TradingAccount)
class TradingAccountAdmin(ListAdmin, ActsAdmin):
    """Accounts with their funds as they are now."""

    right_view = Right.ACCOUNTS_READ
    list_title = gettext_lazy("Accounts")
    search_hint = gettext_lazy("Account, name, user")
    list_display = (
        "id", "name", "user", "type_shown", "state_shown", "balance", "available", "margin", "risk",
        "open_orders",
    )  # fmt: skip
    export_columns = (
        "id", "name", "user", "account_type", "state", "freeze", "balance", "available", "margin", "risk",
        "open_orders", "created_at",
    )  # fmt: skip
    list_filter = ("state", "account_type")
    list_select_related = ("user",)
    search_fields = ("=id", "name", "user__username")
    ordering = ("id",)
    fields = ("id", "name", "user", "type_shown", "state_shown", "refusal", "created_at")
    change_form_template = "admin/account.html"
    acts = (
        Act(
            "freeze", gettext_lazy("Freeze"), Right.RISK_CONTROL, _freeze, form=FreezeForm, is_danger=True,
            state=lambda account: {"freeze": freeze_text(_frozen(account))},
            is_open=lambda account: _is_open(account) and _frozen(account) != 3,
            says=lambda account: [
                _("The engine refuses what is frozen from the next command on, whoever sends it."),
                _("Orders already in the book stay there; they can be cancelled."),
                _("Positions stay open and are settled every day."),
            ],
        ),
        Act(
            "unfreeze", gettext_lazy("Unfreeze"), Right.RISK_CONTROL, _freeze,
            state=lambda account: {"freeze": freeze_text(_frozen(account))},
            is_open=lambda account: _is_open(account) and _frozen(account) != 0,
            says=lambda account: [_("The account trades and withdraws again, as far as its funds allow.")],
        ),
    )  # fmt: skip

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The account with funds, positions, wallets and orders at one head of live state."""
        request_require(request, self.right_view)
        context = {**funds_rows(object_id), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    @admin.display(description=gettext_lazy("Type"), ordering="account_type")
    def type_shown(self, account: TradingAccount) -> str:
        """Words for the type."""
        return _(str(account.account_type).replace("_", " "))

    @admin.display(description=gettext_lazy("State"), ordering="state")
    def state_shown(self, account: TradingAccount) -> str:
        """A badge; frozen accounts say so."""
        funds = live_funds(account)
        if funds is not None and funds.freeze:
            return badge(_("frozen: %(what)s") % {"what": freeze_text(funds.freeze)}, "bad")
        return state_badge(account.state)

    def export_freeze(self, account: TradingAccount) -> str:
        """What is frozen."""
        funds = live_funds(account)
        return freeze_text(funds.freeze) if funds is not None else ""

    freeze = export_freeze
    freeze.short_description = gettext_lazy("Frozen")  # type: ignore[attr-defined]

    @admin.display(description=gettext_lazy("Refused because"))
    def refusal(self, account: TradingAccount) -> str:
        """Why it could not be opened."""
        return code_text(account.code) or "–"

    @admin.display(description=gettext_lazy("Balance"))
    def balance(self, account: TradingAccount) -> Any:
        """Now, at the mark."""
        return _figure(account, "balance")

    @admin.display(description=gettext_lazy("Available"))
    def available(self, account: TradingAccount) -> Any:
        """Now."""
        return _figure(account, "available")

    @admin.display(description=gettext_lazy("Margin"))
    def margin(self, account: TradingAccount) -> Any:
        """Now."""
        return _figure(account, "margin")

    @admin.display(description=gettext_lazy("Risk"))
    def risk(self, account: TradingAccount) -> Any:
        """Margin ÷ balance."""
        return _figure(account, "risk_ratio")

    @admin.display(description=gettext_lazy("Open orders"))
    def open_orders(self, account: TradingAccount) -> Any:
        """Now."""
        return _figure(account, "open_orders")

    def export_balance(self, account: TradingAccount) -> Any:
        """The plain number."""
        return getattr(live_funds(account), "balance", "")

    def export_available(self, account: TradingAccount) -> Any:
        """The plain number."""
        return getattr(live_funds(account), "available", "")

    def export_margin(self, account: TradingAccount) -> Any:
        """The plain number."""
        return getattr(live_funds(account), "margin", "")

    def export_risk(self, account: TradingAccount) -> Any:
        """The plain number."""
        return getattr(live_funds(account), "risk_ratio", "")

    def export_open_orders(self, account: TradingAccount) -> Any:
        """The plain number."""
        return getattr(live_funds(account), "open_orders", "")


def _figure(account: TradingAccount, name: str) -> str:
    return figure_shown(live_funds(account), name)


# ---- the audit log -----------------------------------------------------------------------------------


class OutcomeFilter(admin.SimpleListFilter):
    """By outcome; unless it is asked for, questions whose outcome is known do not stand beside it."""

    title = gettext_lazy("outcome")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """The outcomes, and everything."""
        return [*AuditEntry.Outcome.choices, ("all", gettext_lazy("every row"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Rows of the outcome."""
        if self.value() == "all":
            return queryset
        if self.value() in AuditEntry.Outcome.values:
            return queryset.filter(outcome=self.value())
        answered = AuditEntry.objects.filter(asked=OuterRef("pk"))
        return queryset.exclude(Exists(answered), outcome=AuditEntry.Outcome.ASKED)


@admin.register(AuditEntry)
class AuditEntryAdmin(ListAdmin, ActsAdmin):
    """The audit log, as it was written."""

    right_view = Right.AUDIT_READ
    list_title = gettext_lazy("Audit log")
    search_hint = gettext_lazy("Who, what, from, reason")
    list_display = ("id", "at", "actor_name", "address", "action", "target", "outcome_shown", "reason")
    export_columns = (
        "id", "at", "actor_id", "actor_name", "address", "action", "target", "outcome", "code", "reason",
        "before", "after", "seq", "asked", "hash",
    )  # fmt: skip
    list_filter = (OutcomeFilter, "action")
    search_fields = ("actor_name", "target", "address", "reason", "=id")
    date_hierarchy = "at"
    ordering = ("-id",)
    fields = (
        "id", "at", "who", "address", "action", "target", "reason", "outcome_shown", "code_shown", "before_shown",
        "after_shown", "seq", "asked", "hash_before", "hash",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("Outcome"), ordering="outcome")
    def outcome_shown(self, entry: AuditEntry) -> str:
        """A badge."""
        kinds = {"done": "good", "refused": "warn", "unknown": "bad", "asked": "info"}
        return badge(entry.get_outcome_display(), kinds[entry.outcome])

    @admin.display(description=gettext_lazy("Refused because"))
    def code_shown(self, entry: AuditEntry) -> str:
        """The code in words."""
        return code_text(entry.code) or "–"

    @admin.display(description=gettext_lazy("Who"))
    def who(self, entry: AuditEntry) -> str:
        """Name and id."""
        return f"{entry.actor_name} ({entry.actor_id})"

    @admin.display(description=gettext_lazy("Before"))
    def before_shown(self, entry: AuditEntry) -> str:
        """Name by name."""
        return _values(entry.before)

    @admin.display(description=gettext_lazy("After"))
    def after_shown(self, entry: AuditEntry) -> str:
        """Name by name; what changed stands out."""
        return _values(entry.after, entry.before)


def _values(values: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> str:
    """Names and values as a list."""
    if not values:
        return "–"
    rows = (
        (
            "is-changed" if before is not None and before.get(name, value) != value else "",
            name,
            ", ".join(map(str, value)) if isinstance(value, list) else value,
        )
        for name, value in sorted(values.items())
    )
    return format_html(
        '<dl class="values">{}</dl>',
        format_html_join("", '<div class="{}"><dt>{}</dt><dd>{}</dd></div>', rows),
    )

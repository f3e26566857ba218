"""The admin's pages of instruments: list from a template, change rates, suspend, resume, delist.
Called by Django's admin; every change is a command through market/services.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.adminkit.acts import Act, ActsAdmin, deed_tell, soon
from accounts.adminkit.badges import badge, money, number, state_badge
from accounts.adminkit.deeds import Done, deed_do, plain_values
from accounts.adminkit.exports import ListAdmin
from accounts.adminkit.refusals import refusal_put
from accounts.adminkit.rights import request_require, request_user_id
from accounts.adminkit.waiting import row_wait
from accounts.http.envelope import ApiError
from accounts.models import AuditEntry
from accounts.rights import Right
from engine.core import terms
from engine.core.commands import InstrumentSpec
from market import services
from market.calculations import exchange_id, money_of, p4_of, price_or_none, tick_size, volume_of
from market.calendar import exchange_date
from market.directory import directory
from market.forms import CHOICES, FIELDS, RATE_SECTIONS, ListingForm, RatesForm, rate_label, rates_texts
from market.listing import Template, template_get, templates
from market.models import Instrument, TradingDay
from market.wire import PHASES, STATES

RATES_ACTION = "instrument.rates"


def _state(row: Instrument) -> dict[str, str]:
    return {"state": STATES[row.state]}


def _state_set(service: Callable[..., int], state: int) -> Any:
    """An act that sends the command and waits for the row."""

    def perform(request: HttpRequest, row: Instrument, fields: Mapping[str, Any]) -> Done:
        seq = service(instrument=row.instrument, actor=request_user_id(request))
        directory().clear()
        seen = row_wait(Instrument, row.pk, seq)
        return Done(after={"state": STATES[state]}, seq=seq, waiting="" if seen else soon())

    return perform


def _rates_set(request: HttpRequest, row: Instrument, fields: Mapping[str, Any]) -> Done:
    rates, before = fields["rates"], rates_texts(row.spec)
    seq = services.instrument_rates_set(
        instrument=row.instrument, rates=rates, actor=request_user_id(request)
    )
    after = rates_texts(row.spec, rates)
    changed = {name: text for name, text in after.items() if text != before[name]}
    return Done(
        before={name: before[name] for name in changed},
        after=changed,
        seq=seq,
        waiting=_("They come into force at the next roll of the day."),
    )


def rates_pending(row: Instrument) -> dict[str, str]:
    """Rates that wait for the roll, by name: what was asked for since the day was opened, the last word only.

    The engine keeps them and shows them to nobody, so the audit log of those who set them is asked."""
    opened = TradingDay.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    asked = AuditEntry.objects.filter(
        action=RATES_ACTION, target=row.instrument, outcome=AuditEntry.Outcome.DONE, seq__gt=opened
    ).order_by("-seq")
    entry = asked.first()
    return dict(entry.after) if entry is not None else {}


class StateFilter(admin.SimpleListFilter):
    """By state, in words."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The three states."""
        return [(name, _(name)) for name in STATES.values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Instruments in it."""
        chosen = [state for state, name in STATES.items() if name == self.value()]
        return queryset.filter(state__in=chosen) if chosen else queryset


@admin.register(Instrument)
class InstrumentAdmin(ListAdmin, ActsAdmin):
    """Instruments; rows are projected, so every change is a command."""

    right_view = Right.ACCOUNTS_READ
    right_add = Right.INSTRUMENTS
    list_title = gettext_lazy("Instruments")
    search_hint = gettext_lazy("Instrument, name, product")
    add_label = gettext_lazy("List an instrument")
    list_display = (
        "instrument", "name", "state_shown", "phase_shown", "last_shown", "limits_shown", "volume_shown",
        "interest_shown", "last_day_shown",
    )  # fmt: skip
    export_columns = (
        "instrument", "name", "product", "currency", "state_shown", "phase_shown", "last_shown", "upper_shown",
        "lower_shown", "pre_settlement_shown", "volume_shown", "interest_shown", "last_day_shown",
    )  # fmt: skip
    list_filter = (StateFilter, "exchange_id", "product")
    search_fields = ("instrument", "name", "product")
    ordering = ("instrument",)
    fields: ClassVar[Any] = ("instrument", "name", "product", "state_shown", "phase_shown")
    acts = (
        Act(
            "rates", gettext_lazy("Change rates"), Right.INSTRUMENTS, _rates_set, form=RatesForm,
            state=lambda row: rates_texts(row.spec),
            is_open=lambda row: row.state != terms.DELISTED,
            says=lambda row: [
                _("The new rates wait, and come into force when the day is rolled; until then nothing changes."),
                _("A later change before the roll takes the place of this one."),
            ],
        ),
        Act(
            "suspend", gettext_lazy("Suspend"), Right.INSTRUMENTS,
            _state_set(services.instrument_suspend, terms.SUSPENDED), is_danger=True, state=_state,
            is_open=lambda row: row.state == terms.TRADING,
            says=lambda row: [
                _("From the next command on, %(instrument)s takes no orders.") % {"instrument": row},
                _("Orders in its book stay there; they can be cancelled."),
                _("Positions stay open and are settled every day. Resume undoes it."),
            ],
        ),
        Act(
            "resume", gettext_lazy("Resume"), Right.INSTRUMENTS,
            _state_set(services.instrument_resume, terms.TRADING), state=_state,
            is_open=lambda row: row.state == terms.SUSPENDED,
            says=lambda row: [
                _("%(instrument)s takes orders again at once; what rests in its book can trade.")
                % {"instrument": row}
            ],
        ),
        Act(
            "delist", gettext_lazy("Delist"), Right.INSTRUMENTS,
            _state_set(services.instrument_delist, terms.DELISTED), is_danger=True, state=_state,
            is_open=lambda row: row.state != terms.DELISTED,
            says=lambda row: [
                _("%(instrument)s ends for good: it never trades again and its id is not used again.")
                % {"instrument": row},
                _("It is refused while any account holds it or has an order in it."),
            ],
        ),
    )  # fmt: skip

    def act_form(self, act: Act, obj: Any, data: Any) -> forms.Form:
        """Rates need to know whose they are."""
        return RatesForm(data, spec=obj.spec) if act.name == "rates" else super().act_form(act, obj, data)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The instrument's day, rules and rates, in force and waiting."""
        request_require(request, self.right_view)
        row = self.get_object(request, object_id)
        context = {"sections": _sections(row), "pending": _pending(row)} if row is not None else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """First the template, then its form filled in."""
        request_require(request, Right.ACCOUNTS_READ)
        request_require(request, Right.INSTRUMENTS)
        today = exchange_date(timezone.now())
        template = template_get(request.GET.get("template", ""), today)
        if template is None:
            return self._page(
                request, "admin/templates.html", title=_("List an instrument"), rows=_rows(today)
            )
        month = request.GET.get("month", "")
        if month not in template.months:
            month = template.months[0] if template.months else ""
        return self._listing(request, template, month)

    def _listing(self, request: HttpRequest, template: Template, month: str) -> HttpResponse:
        form = ListingForm(request.POST if request.method == "POST" else None, spec=template.spec_of(month))
        if form.is_bound and form.is_valid():
            done = self._list(request, form)
            if done is not None:
                deed_tell(request, form.spec.instrument, done)
                page = "changelist" if done.waiting else "change"
                arguments = [] if done.waiting else [form.spec.instrument]
                return HttpResponseRedirect(reverse(f"admin:market_instrument_{page}", args=arguments))
        return self._page(
            request, "admin/plain_form.html", title=_("List a contract of %(name)s") % {"name": template.name},
            form=form, submit=_("List it"), back_url=reverse("admin:market_instrument_add"),
            says=[_("It trades as soon as it is listed, for everybody, unless the day is being settled.")],
            status=422 if form.errors else 200,
        )  # fmt: skip

    def _list(self, request: HttpRequest, form: ListingForm) -> Done | None:
        spec = form.spec

        def perform() -> Done:
            seq = services.instrument_list(spec=spec, actor=request_user_id(request))
            directory().clear()
            seen = row_wait(Instrument, spec.instrument, seq)
            after = {"name": spec.name, "product": spec.product, **rates_texts(spec)}
            return Done(after=after, seq=seq, waiting="" if seen else soon())

        try:
            return deed_do(
                request,
                action="instrument.list",
                target=spec.instrument,
                wanted=plain_values(form.cleaned_data),
                perform=perform,
            )
        except ApiError as error:
            refusal_put(form, error, FIELDS)
            return None

    def _page(self, request: HttpRequest, template: str, status: int = 200, **context: Any) -> HttpResponse:
        context |= {**self.admin_site.each_context(request), "opts": self.opts, "list_url": self.list_url()}
        return TemplateResponse(request, template, context, status=status)

    @admin.display(description=gettext_lazy("State"), ordering="state")
    def state_shown(self, row: Instrument) -> str:
        """A badge."""
        return state_badge(STATES[row.state])

    def export_state_shown(self, row: Instrument) -> str:
        """A word."""
        return STATES[row.state]

    @admin.display(description=gettext_lazy("Phase"), ordering="phase")
    def phase_shown(self, row: Instrument) -> str:
        """A word."""
        return _(PHASES[row.phase].lower())

    def export_phase_shown(self, row: Instrument) -> str:
        """A word."""
        return PHASES[row.phase]

    @admin.display(description=gettext_lazy("Last"))
    def last_shown(self, row: Instrument) -> str:
        """A price."""
        return number(price_or_none(row.spec, row.last))

    def export_last_shown(self, row: Instrument) -> Any:
        """A price."""
        return price_or_none(row.spec, row.last)

    @admin.display(description=gettext_lazy("Limits"))
    def limits_shown(self, row: Instrument) -> str:
        """Lowest and highest price."""
        low, high = price_or_none(row.spec, row.lower), price_or_none(row.spec, row.upper)
        return badge(f"{low} – {high}", "plain") if high is not None else "–"

    @admin.display(description=gettext_lazy("Upper limit"))
    def upper_shown(self, row: Instrument) -> Any:
        """A price."""
        return price_or_none(row.spec, row.upper)

    @admin.display(description=gettext_lazy("Lower limit"))
    def lower_shown(self, row: Instrument) -> Any:
        """A price."""
        return price_or_none(row.spec, row.lower)

    @admin.display(description=gettext_lazy("Previous settlement"))
    def pre_settlement_shown(self, row: Instrument) -> Any:
        """A price."""
        return p4_of(row.pre_settlement) if row.pre_settlement else None

    @admin.display(description=gettext_lazy("Volume"), ordering="volume")
    def volume_shown(self, row: Instrument) -> str:
        """Of the day."""
        return number(volume_of(row.spec, row.volume))

    def export_volume_shown(self, row: Instrument) -> Any:
        """Of the day."""
        return volume_of(row.spec, row.volume)

    @admin.display(description=gettext_lazy("Open interest"), ordering="open_interest")
    def interest_shown(self, row: Instrument) -> str:
        """One side."""
        return number(row.open_interest if row.kind == terms.FUTURES else None)

    def export_interest_shown(self, row: Instrument) -> Any:
        """One side."""
        return row.open_interest

    @admin.display(description=gettext_lazy("Last trading day"), ordering="last_trading_day")
    def last_day_shown(self, row: Instrument) -> str:
        """A date, or a dash."""
        return str(row.last_trading_day) if row.last_trading_day else "–"


def _rows(today: Any) -> list[dict[str, Any]]:
    """The templates with what is listed of each."""
    held: dict[str, list[str]] = {}
    for row in Instrument.objects.exclude(state=terms.DELISTED).order_by("instrument"):
        held.setdefault(row.product, []).append(row.instrument_id)
    found = []
    for template in templates(today):
        spec = template.spec_of(template.months[0] if template.months else "")
        listed = held.get(template.key, [])
        found.append(
            {
                "template": template,
                "exchange": exchange_id(template.key),
                "tick": tick_size(spec),
                "multiplier": spec.multiplier if spec.kind == terms.FUTURES else None,
                "listed": ", ".join(listed),
                "months": _months_free(template, listed),
                "is_full": spec.kind == terms.SPOT and bool(listed),
            }
        )
    return found


def _months_free(template: Template, listed: Sequence[str]) -> list[str]:
    """The template's months that are not listed yet."""
    code = template.key.partition(".")[2]
    return [month for month in template.months if f"{code}{month}" not in listed]


def _pending(row: Instrument) -> list[tuple[Any, str, str]]:
    """(label, in force, waiting) of the rates that the next roll changes."""
    now = rates_texts(row.spec)
    waiting = rates_pending(row).items()
    return [(rate_label(name, row.spec), now[name], text) for name, text in waiting if now.get(name) != text]


def _sections(row: Instrument) -> list[tuple[Any, list[tuple[Any, Any]]]]:
    """The instrument's page: titles with their (label, value) pairs."""
    spec = row.spec
    rates = rates_texts(spec)
    sections: list[tuple[Any, list[tuple[Any, Any]]]] = [
        (_("Today"), _today(row, spec)),
        (_("Contract"), _contract(spec)),
    ]
    for title, names in RATE_SECTIONS:
        held = [(rate_label(name, spec), rates[name]) for name in names if name in rates]
        if held:
            sections.append((title, held))
    return sections


def _today(row: Instrument, spec: InstrumentSpec) -> list[tuple[Any, Any]]:
    prices = (
        (_("Last"), row.last), (_("Opening price"), row.open), (_("High"), row.high), (_("Low"), row.low),
        (_("Upper limit"), row.upper), (_("Lower limit"), row.lower), (_("Previous close"), row.pre_close),
    )  # fmt: skip
    settled = [(_("Previous settlement"), p4_of(row.pre_settlement))] if row.pre_settlement else []
    return [
        (_("Trading day"), row.trading_day),
        *((label, number(price_or_none(spec, ticks))) for label, ticks in prices),
        *((label, number(price)) for label, price in settled),
        (_("Volume"), number(volume_of(spec, row.volume))),
        (_("Turnover"), money(money_of(spec.currency, row.turnover))),
        (_("Open interest"), number(row.open_interest if spec.kind == terms.FUTURES else None)),
    ]


def _contract(spec: InstrumentSpec) -> list[tuple[Any, Any]]:
    common = [(_("Currency"), spec.currency), (_("Tick"), tick_size(spec))]
    rules = [(label, dict(choices)[getattr(spec, name)]) for name, (label, choices) in CHOICES.items()]
    if spec.kind == terms.SPOT:
        sized = [(_("Base"), spec.base), (_("Lot step"), volume_of(spec, 1))]
        sized.append((_("Smallest order value"), money(money_of(spec.currency, spec.notional_min))))
        return [*common, *sized, *rules[3:4]]
    return [
        *common,
        (_("Multiplier"), number(spec.multiplier)),
        (_("Last trading day"), spec.last_trading_day or _("perpetual")),
        (_("Margin group"), spec.margin_group or spec.product),
        *rules,
    ]

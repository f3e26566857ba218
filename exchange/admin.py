"""The operator's admin site: who gets in, its sections, its front page.
Named as the default site by exchange/apps.py; every app's admin.py registers with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import selectors, services
from accounts.adminkit.deeds import Done, deed_do, deed_note
from accounts.adminkit.refusals import refusal_put
from accounts.adminkit.rights import RightsAdmin, request_rights, request_user_id, user_is_staff
from accounts.http.envelope import ApiError
from accounts.models import User
from exchange.venue_admin.front import front

# A login to the console lasts a working day, however long a trader's may.
SESSION_S = 8 * 3600
# The order of the sidebar: (title, models as app.model).
SECTIONS = (
    (gettext_lazy("Market"), ("market.instrument",)),
    (
        gettext_lazy("Accounts"),
        ("accounts.tradingaccount", "trading.position", "settlement.cashrequest"),
    ),
    (gettext_lazy("Trading"), ("trading.order", "trading.trade")),
    (
        gettext_lazy("Clearing"),
        ("settlement.ledgerentry", "settlement.dailyaccount", "settlement.settlementrun"),
    ),
    (gettext_lazy("People"), ("accounts.user", "accounts.auditentry")),
)


class StaffAuthenticationForm(AdminAuthenticationForm):
    """A trader who logs in here is told what a stranger is told."""

    def confirm_login_allowed(self, user: Any) -> None:
        """Staff only, by their roles."""
        if not user_is_staff(user):
            raise self.get_invalid_login_error()


class OutcryAdminSite(AdminSite):
    """Django's admin with the venue's rights in the place of Django's flags."""

    site_header = "Outcry"
    site_title = "Outcry"
    index_title = gettext_lazy("The venue")
    site_url = "/"
    login_form = StaffAuthenticationForm
    index_template = "admin/front.html"
    logout_template = "admin/logged_out.html"
    password_change_done_template = "admin/password_changed.html"

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[ModelAdmin[Any]] | None = None,
        **options: Any,
    ) -> None:
        """Our own classes only: pages that other packages bring ask Django's flags, which open nothing here.

        Django refuses every model with a key of several columns; ours have lists and no pages of single rows,
        so nothing needs such a key in an address."""
        if admin_class is None or not issubclass(admin_class, RightsAdmin):
            return
        single = [model_or_iterable] if isinstance(model_or_iterable, type) else list(model_or_iterable)
        for model in single:
            if model._meta.is_composite_pk:
                self._registry[model] = admin_class(model, self)
            else:
                super().register(model, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Anybody with a right of the staff; what he finds is decided page by page."""
        return bool(request.user.is_active) and user_is_staff(request.user)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The front page's figures, and those of Django's pages that have a use here."""
        unused = {"autocomplete", "jsi18n", "view_on_site"}
        kept = [url for url in super().get_urls() if getattr(url, "name", None) not in unused]
        return [path("front/", self.admin_view(self.front_view), name="front"), *kept]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page's frame shows."""
        context = super().each_context(request)
        roles = selectors.user_roles(user_id=request_user_id(request)) if context["has_permission"] else []
        return {**context, "roles": roles, "front_url": reverse("admin:index")}

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """The sections stand beside every page; a page of their own has nothing to add."""
        return HttpResponseRedirect(reverse("admin:index"))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The state of the venue at a glance."""
        context = {"front": front(request_rights(request))}
        return super().index(request, {**context, **(extra_context or {})})

    def front_view(self, request: HttpRequest) -> HttpResponse:
        """The front page's figures alone, which the page asks for again and again."""
        context = {"front": front(request_rights(request))}
        return TemplateResponse(request, "admin/front_figures.html", context)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """A login to the admin stands in the audit log."""
        response = super().login(request, extra_context)
        if request.method == "POST" and isinstance(response, HttpResponseRedirect):
            request.session.set_expiry(SESSION_S)
            deed_note(request, action="admin.login", target=request.user.get_username())
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """By the service everybody's password is changed by: it ends the user's tokens and sockets."""
        user = User.objects.get(pk=request_user_id(request))
        form = PasswordChangeForm(user, request.POST or None)
        if request.method == "POST" and form.is_valid() and self._password_change(request, form):
            return HttpResponseRedirect(reverse("admin:password_change_done"))
        context = {
            **self.each_context(request),
            "title": _("Change password"),
            "form": form,
            "submit": _("Change password"),
            "list_url": reverse("admin:index"),
            "says": [_("Every other session of yours ends, sockets and programs too.")],
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/plain_form.html", context, status=422 if form.errors else 200)

    def _password_change(self, request: HttpRequest, form: Any) -> bool:
        def perform() -> Done:
            services.password_change(
                user_id=request_user_id(request),
                old_password=form.cleaned_data["old_password"],
                new_password=form.cleaned_data["new_password1"],
                now=timezone.now(),
            )
            return Done()

        try:
            deed_do(request, action="user.password", target=request.user.get_username(), perform=perform)
        except ApiError as error:
            refusal_put(form, error, {"new_password": "new_password1", "password": "new_password1"})
            return False
        user = User.objects.get(pk=request_user_id(request))
        update_session_auth_hash(request, user)  # this very session goes on
        return True

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The sidebar by what people look for, not by where the code stands."""
        found = {
            f"{app['app_label']}.{model['object_name'].lower()}": (app, model)
            for app in super().get_app_list(request, app_label)
            for model in app["models"]
        }
        sections = []
        for title, names in SECTIONS:
            held = [found[name] for name in names if name in found]
            for _app, model in held:
                model["name"] = self._registry[model["model"]].list_title  # type: ignore[attr-defined]
            if held:
                first = held[0][0]
                url = held[0][1]["admin_url"]
                sections.append({**first, "name": title, "app_url": url, "models": [m for _a, m in held]})
        return sections

"""Acts on one object: a button on its page, a page that says what will happen, the deed, the audit rows.
Mixed into the admin classes whose objects somebody may freeze, suspend, approve or change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.adminkit.deeds import Done, deed_do, plain_values
from accounts.adminkit.refusals import refusal_put
from accounts.adminkit.rights import RightsAdmin, request_require, request_rights
from accounts.http.envelope import ApiError
from accounts.rights import Right

Text = str | Promise


class ReasonForm(forms.Form):
    """What every act asks for: why. It stands in the audit log."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        help_text=gettext_lazy("Stands in the audit log."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )


@dataclass(frozen=True)
class Act:
    """One thing that may be done to an object.

    `says`: what will happen, a sentence each · `state`: the values the audit log keeps as before ·
    `is_open`: whether the object is in a state for it (the service decides; this only hides the button) ·
    `fields`: the refusal's words for fields, and the form's · `is_danger`: the button is red."""

    name: str
    label: Text
    right: Right
    perform: Callable[[HttpRequest, Any, Mapping[str, Any]], Done]
    says: Callable[[Any], Sequence[Text]]
    state: Callable[[Any], Mapping[str, Any]] = lambda obj: {}
    is_open: Callable[[Any], bool] = lambda obj: True
    form: type[forms.Form] = ReasonForm
    fields: Mapping[str, str] = field(default_factory=dict)
    is_danger: bool = False


class ActsAdmin(RightsAdmin[Any]):
    """Adds `<object>/do/<act>/` for each of `acts`, and their buttons to the object's page."""

    acts: ClassVar[Sequence[Act]] = ()
    change_form_template: ClassVar[str | None] = "admin/object.html"

    def get_urls(self) -> list[URLPattern]:
        """The acts' pages before Django's own."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_act"
        view = self.admin_site.admin_view(self.act_view)
        return [path("<path:object_id>/do/<slug:act_name>/", view, name=name), *super().get_urls()]

    def acts_open(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        """The buttons this person gets for this object."""
        held = request_rights(request)
        return [
            {"label": act.label, "url": self.act_url(obj, act.name), "is_danger": act.is_danger}
            for act in self.acts
            if act.right in held and act.is_open(obj)
        ]

    def act_url(self, obj: Any, name: str) -> str:
        """The page of the act."""
        return reverse(
            f"admin:{self.opts.app_label}_{self.opts.model_name}_act",
            args=[obj.pk, name],
            current_app=self.admin_site.name,
        )

    def object_url(self, obj: Any) -> str:
        """The object's own page."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[obj.pk])

    def list_url(self) -> str:
        """The list."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """The object's page, with its buttons."""
        obj = kwargs.get("obj")
        if obj is not None:
            context["acts"] = self.acts_open(request, obj)
            context["title"] = str(obj)
            context["subtitle"] = None
            context["list_title"] = getattr(self, "list_title", "") or self.opts.verbose_name_plural
        return super().render_change_form(request, context, *args, **kwargs)

    def act_view(self, request: HttpRequest, object_id: str, act_name: str) -> HttpResponse:
        """GET: what will happen. POST: do it, then back to the object; a refusal stays on the page."""
        act = next((act for act in self.acts if act.name == act_name), None)
        if act is None:
            raise Http404
        request_require(request, self.right_view)
        request_require(request, act.right)
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        form = self.act_form(act, obj, request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid() and self._act_do(request, act, obj, form):
            return HttpResponseRedirect(self.object_url(obj))
        return self._act_page(request, act, obj, form)

    def act_form(self, act: Act, obj: Any, data: Any) -> forms.Form:
        """The act's form, bound to `data` unless that is None."""
        return act.form(data)

    def _act_do(self, request: HttpRequest, act: Act, obj: Any, form: forms.Form) -> bool:
        try:
            done = deed_do(
                request,
                action=f"{self.opts.model_name}.{act.name}",
                target=str(obj.pk),
                before=act.state(obj),
                wanted=plain_values(form.cleaned_data),
                reason=form.cleaned_data.get("reason", ""),
                perform=lambda: act.perform(request, obj, form.cleaned_data),
            )
        except ApiError as error:
            refusal_put(form, error, act.fields)
            return False
        deed_tell(request, f"{act.label}: {obj}", done)
        return True

    def _act_page(self, request: HttpRequest, act: Act, obj: Any, form: forms.Form) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{act.label}: {obj}",
            "act": act,
            "object": obj,
            "says": act.says(obj),
            "form": form,
            "list_url": self.list_url(),
            "object_url": self.object_url(obj),
        }
        status = 422 if form.errors else 200
        return TemplateResponse(request, "admin/act.html", context, status=status)


def deed_tell(request: HttpRequest, what: str, done: Done) -> None:
    """Say on the next page that it is done, or accepted and soon to be seen."""
    if done.waiting:
        messages.warning(
            request, _("%(what)s: accepted. %(waiting)s") % {"what": what, "waiting": done.waiting}
        )
    else:
        messages.success(request, _("%(what)s: done.") % {"what": what})


def soon() -> str:
    """What is said while a row has not reached its command."""
    return _("It will be shown here soon.")

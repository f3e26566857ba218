"""Refusals as the person before the screen reads them: the code's text in his language, put on its field.
Called by the admin's forms."""

from __future__ import annotations

from collections.abc import Mapping

from django.forms import Form
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.http.envelope import ApiError, error_text
from engine.core.codes import Code


def refusal_text(error: ApiError) -> str:
    """The code's sentence and number: "the instrument is in use (1106)"."""
    if error.code == Code.OUTCOME_UNKNOWN:
        # The code's own text speaks of client order ids, which an operator's commands have not.
        said = _("no answer in time: it may have been carried out. Look before you try again")
    else:
        english, chinese = error_text(error.code, error.field, error.limit, error.value)
        said = chinese if (get_language() or "").startswith("zh") else english
    return f"{said[:1].upper()}{said[1:]} ({int(error.code)})"


def refusal_put(form: Form, error: ApiError, fields: Mapping[str, str] | None = None) -> None:
    """Put the refusal on the form's field it names; above the form when it has none of that name.

    `fields`: the refusal's word for a field and the form's, where they differ."""
    name = (fields or {}).get(error.field, error.field)
    known = form.fields.get(name)
    if known is not None and known.label:
        # People know a field by its label, not by the core's word for it.
        error = ApiError(error.code, str(known.label), error.limit, error.value)
    form.add_error(name if known is not None else None, refusal_text(error))


def code_text(code: int | None) -> str:
    """What a code in a row means, "" for none."""
    if not code or code not in Code.__members__.values():
        return str(code or "")
    return refusal_text(ApiError(code))

"""Turns every exception a view can raise into an ApiError of the closed table.
Called by the DRF exception handler, the async endpoints and the sockets."""

from __future__ import annotations

import logging
import re
from typing import Any, Final

import msgspec
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions as drf
from rest_framework.response import Response

from accounts.http.envelope import ApiError, error_envelope, error_headers
from engine.border import BODY_BYTES_MAX, JSONRefused, NumberRefused
from engine.core.codes import TEXTS, Code

logger = logging.getLogger(__name__)

_PATH: Final = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_WANTED: Final = re.compile(r"Expected `(?P<kind>[^`]*)`")
_DIGITS: Final = re.compile(r"[0-9]+")
_NAMED: Final = re.compile(r"(?P<kind>unknown|missing required) field `(?P<name>[^`]*)`")


def error_from(error: BaseException) -> ApiError:
    """The ApiError that says what `error` means to a client; INTERNAL (and logged) when it was ours."""
    for kinds, convert in _CONVERTERS:
        if isinstance(error, kinds):
            refusal: ApiError = convert(error)
            return refusal
    code = getattr(error, "code", None)
    if isinstance(code, int) and code in _DOOR_CODES:
        return ApiError(code, value=getattr(error, "value", ""))
    logger.error("unexpected error in a request", exc_info=error)
    return ApiError(Code.INTERNAL)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's EXCEPTION_HANDLER: every refusal in the envelope."""
    from rest_framework.views import set_rollback

    set_rollback()
    refusal = error_from(error)
    response = Response(error_envelope(refusal), status=refusal.http_status, headers=error_headers(refusal))
    if isinstance(error, drf.MethodNotAllowed):
        response["Allow"] = ", ".join(context["view"].allowed_methods)
    return response


def _json_refused(error: JSONRefused) -> ApiError:
    if error.reason == "size":
        return ApiError(Code.BODY_TOO_LARGE, limit=error.detail)
    return ApiError(Code.MALFORMED_JSON, limit=error.reason)


def _number_refused(error: NumberRefused) -> ApiError:
    return ApiError(Code.NUMBER_INVALID, field=error.field, limit=error.reason)


def _struct_refused(error: msgspec.ValidationError) -> ApiError:
    """Which field, and whether it is unknown, missing, no number or otherwise wrong."""
    text = str(error)
    path = _PATH.search(text)
    field = path["path"] if path else ""
    named = _NAMED.search(text)
    if named:
        field = f"{field}.{named['name']}" if field else named["name"]
        return ApiError(
            Code.FIELD_UNKNOWN if named["kind"] == "unknown" else Code.FIELD_REQUIRED, field=field
        )
    reason = text[: path.start()] if path else text
    if isinstance(error.__cause__, NumberRefused):
        return ApiError(Code.NUMBER_INVALID, field=field, limit=reason)
    wanted = _WANTED.match(reason)
    return ApiError(Code.FIELD_INVALID, field=field or "body", limit=wanted["kind"] if wanted else "")


def _serializer_refused(error: drf.ValidationError) -> ApiError:
    """The first field's first refusal; a serializer's other findings wait for the next try."""
    field, detail = _first_detail(error.detail, "")
    code = _SERIALIZER_CODES.get(detail.code or "", Code.FIELD_INVALID)
    limit = "" if code in (Code.FIELD_UNKNOWN, Code.FIELD_REQUIRED) else _rule(detail)
    return ApiError(code, field=field or "body", limit=limit)


def _rule(detail: drf.ErrorDetail) -> str:
    """The rule that was broken in words of no language, for both sentences quote it."""
    rule = _RULES.get(detail.code or "")
    if rule is None:
        return str(detail)
    number = _DIGITS.search(detail)
    return rule.format(number[0] if number else "")


def _first_detail(detail: Any, field: str) -> tuple[str, drf.ErrorDetail]:
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        name = "" if name == "non_field_errors" else str(name)
        return _first_detail(inner, f"{field}.{name}".strip("."))
    if isinstance(detail, list):
        for index, inner in enumerate(detail):
            if inner:
                return _first_detail(inner, field if isinstance(inner, str) else f"{field}[{index}]")
    return field, detail


def _throttled(error: drf.Throttled) -> ApiError:
    wait = getattr(error, "wait", None) or 1
    refusal = ApiError(Code.THROTTLED, retry_after=wait)
    return ApiError(Code.THROTTLED, limit=refusal.retry_after, retry_after=wait)


_SERIALIZER_CODES: Final[dict[str, Code]] = {
    "required": Code.FIELD_REQUIRED,
    "unknown": Code.FIELD_UNKNOWN,
    "number": Code.NUMBER_INVALID,
}
# DRF's own refusals; what our fields and serializers say is a rule already.
_RULES: Final[dict[str, str]] = {
    "max_length": "length <= {}",
    "min_length": "length >= {}",
    "blank": "length >= 1",
    "null": "not null",
    "invalid": "",
    "invalid_choice": "",
    "not_a_list": "array",
}
_DOOR_CODES: Final = frozenset(int(code) for code in TEXTS if 5000 <= code < 6000)
_DATABASE_AWAY: Final = (OperationalError, InterfaceError)
_CONVERTERS: Final[list[tuple[Any, Any]]] = [
    (ApiError, lambda error: error),
    (NumberRefused, _number_refused),
    (JSONRefused, _json_refused),
    (msgspec.ValidationError, _struct_refused),
    (drf.ValidationError, _serializer_refused),
    (drf.Throttled, _throttled),
    ((drf.NotAuthenticated, drf.AuthenticationFailed), lambda error: ApiError(Code.UNAUTHENTICATED)),
    ((drf.PermissionDenied, PermissionDenied), lambda error: ApiError(Code.FORBIDDEN)),
    ((drf.NotFound, Http404), lambda error: ApiError(Code.NOT_FOUND)),
    (drf.MethodNotAllowed, lambda error: ApiError(Code.METHOD_NOT_ALLOWED)),
    (drf.UnsupportedMediaType, lambda error: ApiError(Code.UNSUPPORTED_MEDIA_TYPE)),
    (drf.ParseError, lambda error: ApiError(Code.MALFORMED_JSON)),
    (RequestDataTooBig, lambda error: ApiError(Code.BODY_TOO_LARGE, limit=BODY_BYTES_MAX)),
    (UnreadablePostError, lambda error: ApiError(Code.MALFORMED_JSON)),
    (_DATABASE_AWAY, lambda error: ApiError(Code.DATABASE_UNAVAILABLE)),
]

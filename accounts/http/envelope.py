"""The envelope {success, data, error} that every answer of /api wears, and the error that fills it.
Called by the DRF renderer, the middleware, the async endpoints and the sockets."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from django.http import HttpResponse

from engine.border import json_dumps
from engine.core.codes import TEXTS, Code

CONTENT_TYPE: Final = "application/json"
TEXT_MAX: Final = 200
# A text's "(limit {limit})" is left out when the refusal has no limit to name.
_EMPTY_LIMIT: Final = re.compile(r"\s*[(（](?:limit|best opposite|限制|对手价)\s*[)）]")


class ApiError(Exception):
    """A refusal of the web's own: a code of the closed table with what it is about.

    `field`: the offending field's name; `limit`, `value`: printable texts for the code's template;
    `retry_after`: whole seconds after which the same request may succeed."""

    def __init__(
        self,
        code: Code | int,
        field: str = "",
        limit: object = "",
        value: object = "",
        retry_after: float | None = None,
    ) -> None:
        self.code = Code(code)
        # A client may name a field of 200,000 letters; it need not get them back three times.
        self.field = field[:TEXT_MAX]
        self.limit = str(limit)[:TEXT_MAX]
        self.value = str(value)[:TEXT_MAX]
        self.retry_after = None if retry_after is None else max(1, math.ceil(retry_after))
        super().__init__(error_text(self.code, self.field, self.limit, self.value)[0])

    @property
    def http_status(self) -> int:
        """The HTTP status that goes with the code."""
        return TEXTS[self.code].http


class Envelope(dict[str, Any]):
    """A body that already wears the envelope; the renderer writes it as it is."""


def error_text(code: Code | int, field: str = "", limit: str = "", value: str = "") -> tuple[str, str]:
    """The English and the Chinese sentence of a code, its templates filled in."""
    texts = TEXTS[Code(code)]
    return tuple(  # type: ignore[return-value]
        _EMPTY_LIMIT.sub("", template.format(field=field, limit=limit, value=value))
        for template in (texts.en, texts.zh)
    )


def error_object(code: Code | int, field: str = "", limit: str = "", value: str = "") -> dict[str, Any]:
    """{code, message, message_zh, field, limit}; field and limit are null where there is none."""
    message, message_zh = error_text(code, field, limit, value)
    return {
        "code": int(code),
        "message": message,
        "message_zh": message_zh,
        "field": field or None,
        "limit": limit or None,
    }


def success_envelope(data: object) -> Envelope:
    """The envelope of an accepted request."""
    return Envelope(success=True, data=data, error=None)


def error_envelope(error: ApiError) -> Envelope:
    """The envelope of a refusal."""
    return Envelope(
        success=False, data=None, error=error_object(error.code, error.field, error.limit, error.value)
    )


def success_response(data: object, status: int = 200) -> HttpResponse:
    """A plain Django response around `data`, for views outside DRF."""
    return _response(success_envelope(data), status)


def error_response(error: ApiError) -> HttpResponse:
    """A plain Django response of a refusal, with Retry-After and WWW-Authenticate where they belong."""
    response = _response(error_envelope(error), error.http_status)
    for name, value in error_headers(error).items():
        response[name] = value
    return response


def _response(body: Envelope, status: int) -> HttpResponse:
    """JSON that no browser takes for anything else: it may leave before the security middleware."""
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return HttpResponse(json_dumps(body), status=status, content_type=CONTENT_TYPE, headers=headers)


def error_headers(error: ApiError) -> dict[str, str]:
    """The headers a refusal carries."""
    headers: dict[str, str] = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    elif error.http_status == 503:
        headers["Retry-After"] = "1"
    if error.http_status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return headers

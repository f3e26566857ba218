"""The DRF side of the plumbing: parser, renderer, negotiation, strict serializers, exact fields, pages.
Called by the DRF views of every app; named in REST_FRAMEWORK of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema_field
from rest_framework import negotiation, parsers, renderers, serializers
from rest_framework.exceptions import NotAcceptable
from rest_framework.fields import empty
from rest_framework.request import Request

from accounts.http.envelope import ApiError, Envelope, success_envelope
from engine.border import BODY_BYTES_MAX, NumberRefused, decimal_parse, json_dumps, json_loads, to_units
from engine.core.codes import Code

PAGE_SIZE_DEFAULT: Final = 50
PAGE_SIZE_MAX: Final = 100
PAGE_MAX: Final = 10_000


class ExactJSONParser(parsers.BaseParser):
    """JSON with exact numbers; raises JSONRefused for what the border does not take."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The parsed body; an empty one counts as an empty object."""
        body = stream.read(BODY_BYTES_MAX + 1)
        return json_loads(body) if body else {}


class ExactJSONRenderer(renderers.BaseRenderer):
    """Puts the envelope around a view's data and writes Decimals digit for digit."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The body's bytes."""
        return json_dumps(data if isinstance(data, Envelope) else success_envelope(data))


class BareJSONRenderer(ExactJSONRenderer):
    """For the few answers that keep another system's bare shape (kline); refusals wear the envelope."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The body's bytes."""
        return json_dumps(data)


class AnyNegotiation(negotiation.DefaultContentNegotiation):
    """An Accept header we cannot please gets JSON, not a 406 that no client reads."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[renderers.BaseRenderer, str]:
        """The asked renderer, else the first."""
        try:
            chosen: tuple[Any, str] = super().select_renderer(request, renderers, format_suffix)
            return chosen
        except NotAcceptable:
            return renderers[0], renderers[0].media_type


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer that refuses what it does not know: unknown and read-only fields (promise S2)."""

    def to_internal_value(self, data: Any) -> Any:
        """Validated fields; FIELD_UNKNOWN for the first field nobody asked for."""
        if isinstance(data, Mapping):
            for name in data:
                field = self.fields.get(name)
                if field is None or field.read_only:
                    raise serializers.ValidationError({str(name): ["unknown field"]}, code="unknown")
        return super().to_internal_value(data)


class TextField(serializers.CharField):
    """A text that really was a JSON string: 5 is not "5"."""

    def __init__(self, *, max_length: int, min_length: int = 1, **kwargs: Any) -> None:
        kwargs.setdefault("allow_blank", min_length == 0)
        super().__init__(max_length=max_length, min_length=min_length or None, **kwargs)

    def run_validation(self, data: Any = empty) -> Any:
        """The text, or "invalid"."""
        if data is not empty and data is not None and not isinstance(data, str):
            self.fail("invalid")
        return super().run_validation(data)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "pattern": r"^-?[0-9]{1,18}(\.[0-9]{1,12})?$"},
            {"type": "number"},
        ]
    }
)
class ExactDecimalField(serializers.Field[Decimal, Any, Any, Any]):
    """A number or string, read digit for digit; `scale` limits the places, `positive` refuses ≤ 0."""

    def __init__(self, *, scale: int | None = None, positive: bool = False, **kwargs: Any) -> None:
        self.scale = scale
        self.positive = positive
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        """The exact Decimal; code "number" otherwise."""
        try:
            value = decimal_parse(data, self.field_name or "")
            if self.scale is not None:
                to_units(value, self.scale)
        except NumberRefused as error:
            raise serializers.ValidationError(error.reason, code="number") from None
        if self.positive and value <= 0:
            raise serializers.ValidationError("must be greater than 0", code="number")
        return value

    def to_representation(self, value: Decimal) -> Decimal:
        """Itself: the renderer writes it exactly."""
        return value


@extend_schema_field({"type": "integer"})
class ExactIntegerField(serializers.Field[int, Any, Any, Any]):
    """A whole number (or its text in ASCII digits) within [min_value, max_value]."""

    def __init__(self, *, min_value: int = 0, max_value: int = 2**63 - 1, **kwargs: Any) -> None:
        self.min_value = min_value
        self.max_value = max_value
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        """The int; code "number" otherwise."""
        try:
            value = to_units(decimal_parse(data, self.field_name or ""), 0)
        except NumberRefused as error:
            raise serializers.ValidationError(error.reason, code="number") from None
        if not self.min_value <= value <= self.max_value:
            raise serializers.ValidationError(f"{self.min_value}..{self.max_value}", code="range")
        return value

    def to_representation(self, value: int) -> int:
        """Itself."""
        return value


class Page(NamedTuple):
    """Which part of a list: `page` from 1, `page_size` rows each."""

    page: int
    page_size: int

    @property
    def offset(self) -> int:
        """Rows before this page."""
        return (self.page - 1) * self.page_size

    @property
    def end(self) -> int:
        """The row after this page's last."""
        return self.offset + self.page_size


def page_parse(request: Request | HttpRequest) -> Page:
    """`?page=&page_size=` within limits; FIELD_INVALID or NUMBER_INVALID with the field otherwise."""
    query = request.GET
    return Page(
        query_integer(query.get("page"), "page", default=1, limit=PAGE_MAX),
        query_integer(query.get("page_size"), "page_size", default=PAGE_SIZE_DEFAULT, limit=PAGE_SIZE_MAX),
    )


def query_integer(text: str | None, field: str, *, default: int, limit: int, least: int = 1) -> int:
    """A whole number of a query string in [least, limit]; ApiError with the field and limit otherwise."""
    if text is None:
        return default
    value = to_units(decimal_parse(text, field), 0, field)
    if not least <= value <= limit:
        raise ApiError(Code.FIELD_INVALID, field=field, limit=f"{least}..{limit}")
    return value

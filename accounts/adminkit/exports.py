"""Lists that can be taken away as CSV: the same filter, the same columns, streamed, limited, safe in a spreadsheet.
Mixed into the admin classes of lists."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, ClassVar, Final

from asgiref.sync import sync_to_async
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import lookup_field
from django.core.handlers.asgi import ASGIRequest
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property

from accounts.adminkit.deeds import deed_note
from accounts.adminkit.rights import RightsAdmin, request_require

ROWS_MAX: Final = 50_000
COUNT_MAX: Final = 10_000
CHUNK: Final = 500
# Headers are for programs: the same in every language.
HEADERS: Final = {"contract": "instrument", "side_and_offset": "side", "export_freeze": "freeze"}
# A cell that begins with one of these is a formula to a spreadsheet; a number's minus is none.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(value: Any) -> str:
    """A value as a CSV cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, Decimal)):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) or text.startswith(_FORMULA) else text


async def _stream(lines: Iterator[str]) -> AsyncIterator[str]:
    """The lines in chunks, each made in the request's own thread."""
    while chunk := await sync_to_async(lambda: list(islice(lines, CHUNK)))():
        yield "".join(chunk)


class _Line:
    """A file that gives back what is written into it."""

    def write(self, text: str) -> str:
        """The line itself."""
        return text


class CappedPaginator(Paginator[Any]):
    """Counts no further than COUNT_MAX: a table of years is not read to its end for the number of its pages."""

    count_max = COUNT_MAX

    @cached_property
    def count(self) -> int:
        """How many rows there are, or COUNT_MAX."""
        rows: Any = self.object_list
        return int(rows[:COUNT_MAX].count())


class ListAdmin(RightsAdmin[Any]):
    """A list with search, filters and export, and no checkboxes: nothing is done to many rows unseen."""

    actions = None
    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    paginator = CappedPaginator
    change_list_template = "admin/list.html"
    list_title: ClassVar[Any] = ""
    search_hint: ClassVar[Any] = ""
    add_label: ClassVar[Any] = ""
    # Columns of the export; list_display unless it is given. `export_<column>` of the class gives the plain value.
    export_columns: ClassVar[tuple[str, ...]] = ()

    def get_urls(self) -> list[URLPattern]:
        """The export before Django's own."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [
            path("export.csv", self.admin_site.admin_view(self.export_view), name=name),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list under its own name, with a link to its export."""
        url = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_export")
        query = request.META.get("QUERY_STRING", "")
        context = {
            "title": self.list_title or self.opts.verbose_name_plural,
            "export_url": f"{url}?{query}" if query else url,
            "export_max": ROWS_MAX,
            "search_hint": self.search_hint,
            "add_label": self.add_label,
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The rows the list shows under the same query, all pages of them up to ROWS_MAX."""
        request_require(request, self.right_view)
        if request.method != "GET":
            return HttpResponse(status=405)
        try:
            rows = self.get_changelist_instance(request).get_queryset(request)[:ROWS_MAX]
        except IncorrectLookupParameters:
            raise Http404 from None
        columns = self.export_columns or tuple(name for name in self.list_display if isinstance(name, str))
        name = f"{self.opts.model_name}.export"
        deed_note(
            request, action=name, target=self.opts.label_lower, after={"query": request.GET.urlencode()}
        )
        lines = self._lines(rows, columns)
        # Under ASGI Django would collect a plain iterator whole before it sends the first byte.
        body = _stream(lines) if isinstance(request, ASGIRequest) else lines
        response = StreamingHttpResponse(body, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{self.opts.model_name}.csv"'
        response["Cache-Control"] = "no-store"
        return response

    def _lines(self, rows: Any, columns: tuple[str, ...]) -> Iterator[str]:
        """The header, then a line a row; the byte order mark tells spreadsheets that it is UTF-8."""
        writer = csv.writer(_Line())
        headers = [HEADERS.get(name, name.removesuffix("_shown").removesuffix("_text")) for name in columns]
        yield "\ufeff" + writer.writerow(headers)
        for row in rows.iterator(chunk_size=CHUNK):
            yield writer.writerow(cell(self._value(name, row)) for name in columns)

    def _value(self, name: str, row: Any) -> Any:
        plain: Callable[[Any], Any] | None = getattr(self, f"export_{name}", None)
        if plain is not None:
            return plain(row)
        field, _, value = lookup_field(name, row, self)
        display = getattr(row, f"get_{name}_display", None)
        return display() if field is not None and display is not None else value


class PlainListAdmin(ListAdmin):
    """A list whose rows have no page of their own: their key is several columns, which Django's admin cannot
    put into an address."""

    list_display_links = None

    def get_urls(self) -> list[URLPattern]:
        """The list and its export only."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name=f"{name}_changelist"),
            path("export.csv", view(self.export_view), name=f"{name}_export"),
        ]

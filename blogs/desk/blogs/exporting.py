"""Exports of the blogs that a list's filters choose, as CSV or JSON: streamed in portions, so that any number fits into memory.

Each portion is a query of its own, by number. A cursor over all would hold a transaction open while a slow client reads, and the
server ends those. An export keeps a thread until its client has taken it, so a process makes few at once.
"""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from blogs import audit
from blogs.desk.base import DeskAdmin, actor
from blogs.desk.blogs import acting, asked
from blogs.models import BlogGeneration
from workers.database.connections import release_connection

_PORTION = 2_000
_AT_ONCE = 2
_places = threading.BoundedSemaphore(_AT_ONCE)
_COLUMNS = (
    "id",
    "site__instance_id",
    "site__name",
    "status",
    "source_type",
    "source_id",
    "words__subject",
    "language",
    "stage",
    "attempts",
    "rescues",
    "error_code",
    "error_message",
    "waits_for",
    "created_at",
    "scheduled_at",
    "started_at",
    "finished_at",
    "draft_post_id",
    "draft_post_url",
    "post_url",
)
_NAMES = tuple(name.replace("words__", "").replace("__", "_") for name in _COLUMNS)
# A cell that begins so is a formula to spreadsheets, and a shop chooses its topics.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export(desk: DeskAdmin, request: HttpRequest, form: str) -> HttpResponseBase:
    """Answer with all blogs that the address's filters choose, the newest first; the audit log tells which."""
    if not (request.user.has_perm("blogs.export_blogs") and desk.has_view_permission(request)):
        raise PermissionDenied("You lack the right to export blogs (blogs.export_blogs).")
    if form not in _FORMS:
        raise Http404
    kept, told = asked.corrected(request.GET)
    if told:
        return HttpResponse(" ".join(told), status=400, content_type="text/plain; charset=utf-8")
    request.GET = kept  # type: ignore[assignment]
    try:
        chosen = desk.get_changelist_instance(request).queryset
    except IncorrectLookupParameters:
        raise BadRequest("The address names a filter that there is not.") from None
    if not _places.acquire(blocking=False):
        return _busy()
    with ExitStack() as place:
        place.callback(_places.release)
        newest = chosen.order_by("-pk").values_list("pk", flat=True).first() or 0
        audit.record(actor(request), "export", f"blogs as {form}", after=acting.filters_in_words(desk, request))
        write, content_type = _FORMS[form]
        text = _Text(write(_portions(chosen, newest)), place.pop_all().close)
    answer = StreamingHttpResponse(text, content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="blogs-{timezone.now():%Y-%m-%d-%H%M}.{form}"'
    return answer


def _busy() -> HttpResponse:
    answer = HttpResponse("Other exports are being made. Please try again in a few seconds.", status=429)
    answer["Content-Type"] = "text/plain; charset=utf-8"
    answer["Retry-After"] = "5"
    return answer


class _Text:
    """An export's text as it is made. `close` is called when its answer ends, whether it was taken whole or not."""

    def __init__(self, text: Iterator[str], close: Callable[[], None]) -> None:
        self._text, self.close = text, close

    def __iter__(self) -> Iterator[str]:
        return self._text


def _portions(chosen: QuerySet[BlogGeneration], newest: int) -> Iterator[list[tuple[Any, ...]]]:
    last = newest + 1
    while rows := list(chosen.filter(pk__lt=last).order_by("-pk").values_list(*_COLUMNS)[:_PORTION]):
        last = rows[-1][0]
        # The client may take its time.
        release_connection()
        yield rows


class _Line:
    """What `csv` writes to: gives each line back."""

    def write(self, line: str) -> str:
        return line


def _csv(portions: Iterator[list[tuple[Any, ...]]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(_NAMES)
    for rows in portions:
        yield "".join(writer.writerow([_cell(value) for value in row]) for row in rows)


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _json(portions: Iterator[list[tuple[Any, ...]]]) -> Iterator[str]:
    """Write one array, an object a line."""
    between = "[\n"
    for rows in portions:
        objects = (dict(zip(_NAMES, row, strict=True)) for row in rows)
        yield between + ",\n".join(json.dumps(each, default=str, ensure_ascii=False) for each in objects)
        between = ",\n"
    yield "[]\n" if between == "[\n" else "\n]\n"


_FORMS: dict[str, tuple[Callable[[Iterator[list[tuple[Any, ...]]]], Iterator[str]], str]] = {
    "csv": (_csv, "text/csv; charset=utf-8"),
    "json": (_json, "application/json"),
}

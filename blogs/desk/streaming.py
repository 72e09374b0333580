"""Rows of a list as CSV or JSON: streamed in portions, so that any number fits into memory.

Each portion is a query of its own, by number. A cursor over all would hold a transaction open while a slow client reads, and the
server ends those. An export keeps a thread until its client has taken it, so a process makes few at once.
"""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from blogs.desk.masking import masked
from workers.database.connections import release_connection

FORMS = ("csv", "json")
_PORTION = 2_000
_AT_ONCE = 2
_places = threading.BoundedSemaphore(_AT_ONCE)
# A cell that begins so is a formula to spreadsheets, and a shop chooses its topics.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

Row = tuple[Any, ...]


def answer(
    chosen: QuerySet[Any],
    columns: dict[str, str],
    form: str,
    *,
    called: str,
    note: Callable[[], object],
    payloads: Collection[str] = (),
) -> HttpResponseBase:
    """Answer with all these rows, the newest first. `columns` are read, the first of them `id`, and are named by their values.

    `note` writes the audit log's entry, once there is a place for the export. `payloads` are the columns whose secrets and personal
    data become dots.
    """
    if form not in FORMS:
        raise Http404
    if not _places.acquire(blocking=False):
        return _busy()
    with ExitStack() as place:
        place.callback(_places.release)
        newest = chosen.order_by("-pk").values_list("pk", flat=True).first() or 0
        note()
        names, secretive = tuple(columns.values()), {list(columns).index(name) for name in payloads}
        portions = _masked(_portions(chosen, tuple(columns), newest), secretive)
        written = _csv(names, portions) if form == "csv" else _json(names, portions)
        text = _Text(written, place.pop_all().close)
    content_type = "text/csv; charset=utf-8" if form == "csv" else "application/json"
    made = StreamingHttpResponse(text, content_type=content_type)
    made["Content-Disposition"] = f'attachment; filename="{called}-{timezone.now():%Y-%m-%d-%H%M}.{form}"'
    return made


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


def _portions(chosen: QuerySet[Any], columns: Sequence[str], newest: int) -> Iterator[list[Row]]:
    last = newest + 1
    while rows := list(chosen.filter(pk__lt=last).order_by("-pk").values_list(*columns)[:_PORTION]):
        last = rows[-1][0]
        # The client may take its time.
        release_connection()
        yield rows


def _masked(portions: Iterator[list[Row]], columns: Collection[int]) -> Iterator[list[Row]]:
    for rows in portions:
        yield [tuple(masked(cell) if at in columns else cell for at, cell in enumerate(row)) for row in rows]


class _Line:
    """What `csv` writes to: gives each line back."""

    def write(self, line: str) -> str:
        return line


def _csv(names: Row, portions: Iterator[list[Row]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(names)
    for rows in portions:
        yield "".join(writer.writerow([_cell(value) for value in row]) for row in rows)


def _cell(value: Any) -> str:
    text = (
        "" if value is None else json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    )
    return f"'{text}" if text.startswith(_FORMULA) else text


def _json(names: Row, portions: Iterator[list[Row]]) -> Iterator[str]:
    """Write one array, an object a line."""
    between = "[\n"
    for rows in portions:
        objects = (dict(zip(names, row, strict=True)) for row in rows)
        yield between + ",\n".join(json.dumps(each, default=str, ensure_ascii=False) for each in objects)
        between = ",\n"
    yield "[]\n" if between == "[\n" else "\n]\n"

"""Exports: exactly what the filters choose, any number of it, with no formula for spreadsheets, and a line in the audit log."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from blogs.desk import streaming
from blogs.models import AuditEntry
from tests.support.blogs.desk_rows import thousands_of_blogs
from tests.support.factories import failed_generation, pending_generation, site

pytestmark = pytest.mark.django_db


def exported(client: Client, form: str, **filters: Any) -> str:
    answer = client.get(f"/admin/blogs/bloggeneration/export/{form}/", filters)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]


def test_it_is_what_the_filters_choose(desk: Client) -> None:
    failed = failed_generation()
    pending_generation()

    rows = list(csv.DictReader(io.StringIO(exported(desk, "csv", status__exact="FAILED"))))

    assert [(row["id"], row["status"], row["error_code"]) for row in rows] == [
        (str(failed.pk), "FAILED", "content_refused")
    ]
    assert [row["id"] for row in json.loads(exported(desk, "json", status__exact="FAILED"))] == [failed.pk]
    assert json.loads(exported(desk, "json", status__exact="DONE")) == []


def test_it_comes_in_portions_each_by_a_query_of_its_own(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_PORTION", 77)
    thousands_of_blogs(site(), 450)

    with CaptureQueriesContext(connection) as queries:
        rows = json.loads(exported(desk, "json"))

    ids = [row["id"] for row in rows]
    assert len(set(ids)) == 450
    assert ids == sorted(ids, reverse=True)
    assert sum("LIMIT 77" in query["sql"] for query in queries) == 7  # the last finds none


@pytest.mark.parametrize("topic", ["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3"])
def test_a_topic_is_no_formula(desk: Client, topic: str) -> None:
    pending_generation(source_id=topic)

    (row,) = csv.DictReader(io.StringIO(exported(desk, "csv")))

    assert row["source_id"] == f"'{topic}"


def test_the_audit_log_tells_who_exported_what(desk: Client) -> None:
    exported(desk, "csv", status__exact="FAILED")

    entry = AuditEntry.objects.get(action="export")
    assert (entry.by, entry.about) == ("ada", "blogs as csv")
    assert entry.after == "all blogs with status: Failed"


def test_it_needs_a_right_of_its_own(desk_with: Callable[..., Client]) -> None:
    viewer = desk_with("blogs.view_bloggeneration")

    assert "/export/csv/" not in viewer.get("/admin/blogs/bloggeneration/").content.decode()
    assert viewer.get("/admin/blogs/bloggeneration/export/csv/").status_code == 403


def test_another_form_is_not_found(desk: Client) -> None:
    assert desk.get("/admin/blogs/bloggeneration/export/xlsx/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_few_are_made_at_once_and_each_that_ends_makes_room(desk: Client) -> None:
    """One that is never taken ends too."""
    path = "/admin/blogs/bloggeneration/export/csv/"
    first, second = desk.get(path), desk.get(path)

    refused = desk.get(path)
    first.close()
    third = desk.get(path)

    assert [answer.status_code for answer in (first, second, refused, third)] == [200, 200, 429, 200]
    assert int(refused["Retry-After"]) > 0
    assert AuditEntry.objects.filter(action="export").count() == 3
    second.close()
    third.close()

"""Searches use an index, on enough rows for PostgreSQL to prefer one, with its own statistics of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from blogs import queue
from blogs.desk.base import COUNTED, BoundedPaginator
from blogs.desk.blogs import filters, finding, places
from blogs.desk.front import ended
from blogs.models import BlogGeneration, QueueClock
from blogs.operations import alerts
from credits.models import Credit
from tests.support.blogs.desk_pages import BLOGS
from tests.support.blogs.desk_rows import plan, thousands_of_blogs
from tests.support.factories import pending_generation, site
from tests.support.query_plans import indexes, plan_of, plans_of, read_whole
from wix.models import Site

pytestmark = pytest.mark.django_db

ROWS = 20_000


@pytest.fixture(autouse=True, scope="module")
def _many_blogs(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Fill the tables once for all tests here, and empty them afterwards: rows that are only rolled back slow down other tests."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE wix_site, blogs_blogwords CASCADE")
        QueueClock.objects.get_or_create(pk=1)
        thousands_of_blogs(site(name="Big"), ROWS)
        pending_generation(site(name="Small"), source_id="wool")
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE wix_site, blogs_blogwords CASCADE")
        cursor.execute("ANALYZE blog_generations")


def test_an_error_code_is_filtered_by_an_index() -> None:
    page = BlogGeneration.objects.filter(error_code="code_50").order_by("-id")[:50]

    assert "blog_by_error" in plan(page)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            (spec.parameter_name, value)
            for spec in filters.FILTERS
            if hasattr(spec, "options")
            for value in spec.options
        ),
        *(("created", span) for span in filters.Created.spans),
        *(("ended", span) for span in filters.Ended.spans),
        *((name, "2026-11-20") for name in ("created_from", "created_to", "ended_from", "ended_to")),
        ("error", "code_50"),
        ("site", "1"),
    ],
)
def test_a_view_or_filter_reads_no_table_in_sequence(
    desk: Client, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # There are fewer rows here than are looked at where no index helps.
    monkeypatch.setattr(filters, "_NEWEST", 1_000)
    value = str(Site.objects.earliest("pk").pk) if name == "site" else value
    page = desk.get(reverse(BLOGS), {name: value}, follow=True).context["cl"].queryset[:50]

    assert "Seq Scan on blog_generations" not in plan(page)


@pytest.mark.parametrize(
    ("call", "containing", "index"),
    [
        (ended.read, "WITH ended AS MATERIALIZED (\n    SELECT id", "blog_finished"),
        (lambda: places.counted_with_shops(5), "largest AS", "blog_by_status"),
        (alerts.numbers, "came_and_wait", "blog_finished"),
    ],
)
def test_the_first_page_reads_no_table_in_sequence(call: Any, containing: str, index: str) -> None:
    plan = plan_of(call, containing)

    assert index in indexes(plan)
    assert "blog_generations" not in read_whole(plan)


@pytest.mark.parametrize("path", ["/health", "/metrics", "/admin/", "/admin/now/"])
def test_no_statement_of_what_is_asked_all_day_reads_the_blogs_in_sequence(desk: Client, path: str) -> None:
    plans = plans_of(lambda: desk.get(path))

    assert len([sql for sql, _ in plans if "blog_generations" in sql]) >= 2
    assert [sql for sql, steps in plans if reads_most(steps)] == []


def test_a_heartbeat_reads_no_blogs_in_sequence() -> None:
    ((_, steps),) = plans_of(queue.stats)

    assert not reads_most(steps)


def reads_most(steps: list[dict[str, Any]]) -> bool:
    """Tell whether it reads the blogs in sequence, or would if there were more: PostgreSQL expects a large part of them."""
    ended = [step["Plan Rows"] for step in steps if "finished_at" in step.get("Index Cond", "")]
    return "blog_generations" in read_whole(steps) or max(ended, default=0) > ROWS / 10


@pytest.mark.parametrize("sql", [finding._CODES, finding._FIRST_SINCE])
def test_what_filters_ask_first_reads_indexes_only(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + sql, {"since": timezone.now()})
        steps = "\n".join(line for (line,) in cursor.fetchall())

    assert "Seq Scan on blog_generations" not in steps


def test_the_first_blog_since_a_time_is_exact() -> None:
    since = timezone.now() - timedelta(minutes=777, seconds=30)

    first = finding.first_since(since)

    assert first == BlogGeneration.objects.filter(created_at__gte=since).order_by("id").values_list("pk", flat=True)[0]


def test_a_list_counts_no_further_than_it_shows(desk: Client) -> None:
    assert BoundedPaginator(BlogGeneration.objects.order_by("-id"), 50).count == COUNTED + 1

    with CaptureQueriesContext(connection) as queries:
        page = desk.get(reverse(BLOGS)).content.decode()

    assert "10,000+ blog generations" in page
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert counts
    assert all(f"LIMIT {COUNTED + 1}" in sql for sql in counts)


def test_the_ledger_is_searched_by_an_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO credits_credit (account_id, kind, amount, balance_change, debt_change, reason)"
            " SELECT id, 'grant', 1, 1, 0, '' FROM credits_creditaccount, generate_series(1, 5000)"
        )
        cursor.execute("ANALYZE credits_credit")

    assert "credit_of_generation" in plan(Credit.objects.filter(generation_id=17).order_by("-id")[:50])

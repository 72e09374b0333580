"""No page of the desk reads a large table from end to end, nor takes more queries than it may: each is opened on enough rows for
PostgreSQL to prefer an index, with its own statistics of them, and each SELECT that it sends is explained."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from blogs.models import BlogGeneration, QueueClock
from tests.bench import desk_data
from tests.bench.desk_data import Known, Size
from tests.support.blogs import desk_tour
from tests.support.query_plans import plans_of, read_whole

pytestmark = pytest.mark.django_db

_BLOGS = 20_000
_QUERIES_MAX = 15
# In PostgreSQL's units: what an index scan that finds one row costs.
_CHEAP = 10
_LARGE = {
    "blog_generations",
    "blogs_article",
    "blogs_auditentry",
    "blogs_batchitem",
    "blogs_blogwords",
    "blogs_generationevent",
    "blogs_stageoutput",
    "credits_credit",
    "workers_providercall",
}
# Made by hand, so that a test knows them before the rows are there. `Known` is an example of what they need.
_NAMES = sorted(desk_tour.pages(Known(1, 1, 1, 1, 1, 1, "", "", "", "", "", "")))


@pytest.fixture(autouse=True, scope="module")
def known(django_db_setup: None, django_db_blocker: Any) -> Iterator[Known]:
    """Fill the tables once for all tests here, and empty them afterwards."""
    with django_db_blocker.unblock():
        _empty()
        yield desk_data.fill(Size.of(_BLOGS), say=False)
        _empty()


@pytest.fixture(autouse=True)
def _few_are_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest 100,000 of some filters are a part of a large table, and would be all of this one."""
    monkeypatch.setattr("blogs.desk.blogs.filters._NEWEST", _BLOGS // 20)


def _empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "TRUNCATE wix_site, blogs_batch, blogs_auditentry, blogs_blogwords, workers_providercall CASCADE"
        )
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute(f"ANALYZE {', '.join(sorted(_LARGE))}")
    QueueClock.objects.get_or_create(pk=1)


def read_in_sequence(client: Client, url: str) -> dict[str, list[str]]:
    """Return the statements that read a large table in sequence, by the table."""
    found = dict[str, list[str]]()

    def open_it() -> None:
        # 405: it is no page, but takes what a form sends.
        assert client.get(url).status_code in (200, 302, 405), url

    for sql, plan in plans_of(open_it):
        for table in read_whole(plan) & _LARGE:
            if not _ends_early(plan):
                found.setdefault(table, []).append(sql)
    return found


def _ends_early(plan: list[dict[str, Any]]) -> bool:
    """Tell whether it stops at the first rows that come: a count that ends at 10,000, a question whether there are any."""
    if plan[0]["Total Cost"] < _CHEAP:
        return True
    scans = [(above, node) for above, node in pairwise(plan) if node["Node Type"] == "Seq Scan"]
    return all(above["Node Type"] == "Limit" and "Filter" not in node for above, node in scans)


@pytest.mark.parametrize("name", _NAMES)
def test_a_page_reads_no_large_table_in_sequence(desk: Client, known: Known, name: str) -> None:
    assert read_in_sequence(desk, desk_tour.pages(known)[name]) == {}


@pytest.mark.parametrize("name", _NAMES)
def test_a_page_takes_few_queries(desk: Client, known: Known, name: str) -> None:
    url = desk_tour.pages(known)[name]
    # The first page of a session saves it, and the first of a process reads what it then remembers.
    desk.get(url)

    with CaptureQueriesContext(connection) as queries:
        desk.get(url)

    assert len(queries) <= _QUERIES_MAX


def test_nor_does_any_page_that_the_admin_knows(desk: Client) -> None:
    urls = list(desk_tour.found_by_itself())
    assert len(urls) > 30
    assert {url: tables for url in urls if (tables := read_in_sequence(desk, url))} == {}


def test_nor_do_health_and_metrics(client: Client) -> None:
    for url in ("/health", "/metrics"):
        assert read_in_sequence(client, url) == {}


def test_a_page_that_does_is_found(desk: Client, known: Known) -> None:
    """The proof that the tests above can fail."""

    def read_it() -> None:
        list(BlogGeneration.objects.filter(error_message="It failed.")[:5])

    assert any("blog_generations" in read_whole(plan) for _, plan in plans_of(read_it))

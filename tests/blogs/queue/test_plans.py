"""The queue's statements go by their indexes: what they cost doesn't depend on how many blogs there have ever been."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.db import connection

from blogs import queue
from blogs.models import BlogGeneration, SiteLine
from blogs.operations import alerts
from blogs.queue import admission
from blogs.queue.forecast import learned, outlook, places
from tests.support import factories
from tests.support.query_plans import condition, indexes, nodes, plan_of, read_whole
from wix.models import Site

pytestmark = pytest.mark.django_db


SITES = 100
# An empty table is read whole, as soon as PostgreSQL has noticed that it is empty.
_FILLED = """
blog_generations, blogs_siteline, wix_site, blogs_requestdetails, blogs_promise, blogs_generationevent, workers_providercall,
wix_webhookdelivery
"""
_EMPTIED = "TRUNCATE wix_site, blogs_blogwords, blogs_promise, workers_providercall, wix_webhookdelivery CASCADE"


# Mostly history, as in any table of finished work: of 20,000 blogs 1,000 are ready, 1,000 wait for a time, 50 run.
_MANY = """
INSERT INTO blog_generations
    (site_id, status, source_type, source_id, language, tone, length, publish, priority, ready, run_after, stage,
     attempts, rescues, lease_token, lease_expires_at, error_code, error_message, draft_post_id, draft_post_url,
     finished_at)
SELECT site.id, kind.status, 'keyword', 'wool ' || n, 'en', 'friendly', 'medium', false, 0,
       kind.status = 'PENDING' AND n %% 2 = 0,
       CASE WHEN kind.status = 'PENDING' AND n %% 2 = 1 THEN now() + (n - 100) * interval '1 minute' END, 'idea', 1, 0,
       CASE WHEN kind.status = 'PROCESSING' THEN gen_random_uuid() END,
       CASE WHEN kind.status = 'PROCESSING' THEN now() + (n - 2025) * interval '1 second' END, '', '',
       CASE WHEN kind.status = 'DONE' THEN gen_random_uuid() END, '',
       CASE WHEN kind.status = 'DONE' THEN now() - n * interval '1 minute' END
  FROM generate_series(1, 20000) AS n
  JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM wix_site) AS site ON site.place = (n / 2) %% %s
 CROSS JOIN LATERAL (
    SELECT CASE WHEN n <= 2000 THEN 'PENDING' WHEN n <= 2050 THEN 'PROCESSING' ELSE 'DONE' END AS status) AS kind
"""


_DETAILS = """
INSERT INTO blogs_requestdetails (generation_id, metadata)
SELECT id, jsonb_build_object('order', (id % 1000)::text) FROM blog_generations
"""


_PROMISES = """
INSERT INTO blogs_promise (generation_id, start_early, start_late, end_early, end_late, judged)
SELECT id, created_at, created_at, created_at, created_at, status = 'DONE' FROM blog_generations
"""
_EVENTS = """
INSERT INTO blogs_generationevent (generation_id, kind, stage, attempt, worker, code, message)
SELECT id, 'checkpoint', 'idea', 1, '', '', '' FROM blog_generations
"""
_CALLS = """
INSERT INTO workers_providercall
    (provider, operation, model, kind, language, work, seconds, outcome, request_id, tokens_reserved, prompt_bytes,
     output_max, truncated, images)
SELECT 'openai', 'blog_article', 'm', 'article:medium', 'en', id, 1, 'ok', '', 1, 1, 1, false, 0 FROM blog_generations
"""
_DELIVERIES = """
INSERT INTO wix_webhookdelivery (digest, event_type, data, status, due_at)
SELECT 'digest ' || n, 'app installed', '{}', 'done', NULL FROM generate_series(1, 5000) AS n
"""


@pytest.fixture(autouse=True, scope="module")
def _many_blogs(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Once for all tests here, and truncated afterwards: rows that were only rolled back would slow down other tests."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        # Rows that other tests have left behind decide where new ones land, and so what an index seems worth.
        cursor.execute(_EMPTIED)
        sites = factories.SiteFactory.create_batch(SITES)
        SiteLine.objects.bulk_create(SiteLine(site=site, waiting=10) for site in sites)
        cursor.execute(_MANY, [SITES])
        cursor.execute(_DETAILS)
        for filling in (_PROMISES, _EVENTS, _CALLS, _DELIVERIES):
            cursor.execute(filling)
        cursor.execute(f"ANALYZE {_FILLED}")
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(_EMPTIED)
        cursor.execute(f"ANALYZE {_FILLED}")


def test_a_claim_reads_each_line_from_its_head_without_sorting() -> None:
    plan = plan_of(lambda: queue.claim(factories.WorkerFactory.create(), 20), "EXECUTE claim_")

    assert "blog_line" in indexes(plan)
    assert "blog_generations" not in read_whole(plan)
    # The head of a line is the head of the index: a sort would mean that the whole line is read.
    (of_a_line,) = [node for node in plan if node.get("Alias") == "blog"]
    (line,) = [node for node in nodes(of_a_line) if node.get("Index Name") == "blog_line"]
    assert line["Node Type"] == "Index Scan"
    assert not [node for node in nodes(of_a_line) if node["Node Type"] in ("Sort", "Incremental Sort")]


def test_promotion_finds_what_is_due_by_its_time() -> None:
    plan = plan_of(queue.promote, "WITH due AS")

    assert "run_after" in condition(plan, "blog_due")
    assert "blog_generations" not in read_whole(plan)


def test_the_next_due_time_is_the_head_of_an_index() -> None:
    plan = plan_of(queue.look, "min(run_after)")

    assert "blog_due" in indexes(plan) <= {"blog_due", "blog_running", "blog_by_status"}
    assert not read_whole(plan)


def test_a_rescue_looks_only_at_what_runs() -> None:
    plan = plan_of(queue.rescue, 'ORDER BY "blog_generations"."lease_expires_at"')

    assert indexes(plan) <= {"blog_running", "blog_by_status"}
    assert not read_whole(plan)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", {"blog_of_site"}),
        ("?status=DONE", {"blog_of_site_by_status"}),
        ("?status=DONE,FAILED", {"blog_of_site", "blog_of_site_by_status"}),
        ("?ids=1,2,3", {"blog_generations_pkey", "blog_of_site"}),
        ("?createdAfter=2020-01-01T00:00:00Z", {"blog_of_site"}),
        ("?createdBefore=2020-01-01T00:00:00Z", {"blog_of_site", "blog_of_site_by_status"}),
        ("?updatedAfter=2020-01-01T00:00:00Z", {"blog_of_site"}),
        ("?q=wool", {"blog_of_site", "blog_of_site_by_status"}),
        ("?metadata=order:17", {"details_by_metadata"}),
    ],
)
def test_a_sites_list_reads_one_page_of_its_own_blogs(api: Any, query: str, index: set[str]) -> None:
    site = Site.objects.order_by("id")[SITES // 2]
    client = api(site)

    plan = plan_of(lambda: client.get("/api/blog-generation" + query), 'ORDER BY "blog_generations"."id" DESC')

    assert indexes(plan) & index
    assert not read_whole(plan)


def test_the_bounded_count_of_ready_blogs_reads_ready_blogs_only() -> None:
    plan = plan_of(admission.ready_count, "AS ready")

    assert indexes(plan) & {"blog_ready", "blog_line"}
    # One row, and one short row a site: to leave out what is paused.
    assert not read_whole(plan) - {"blogs_queueclock", "blogs_siteline"}


def test_the_longest_in_line_is_looked_for_among_ready_blogs_only() -> None:
    plan = plan_of(queue.stats, "min(ready_at)")

    assert indexes(plan) & {"blog_ready", "blog_line"}
    assert "blog_generations" not in read_whole(plan)


def test_what_finished_in_the_last_minute_is_found_by_its_time() -> None:
    plan = plan_of(queue.stats, "min(ready_at)")

    assert "finished_at" in condition(plan, "blog_finished")


def test_how_the_queue_moved_is_read_from_what_waits_runs_or_has_just_ended() -> None:
    plan = plan_of(alerts.numbers, "came_and_wait")

    assert "finished_at" in condition(plan, "blog_finished")
    assert "created_at" in condition(plan, "blog_ready")
    # One row, and one short row a site: to leave out what is paused.
    assert not read_whole(plan) - {"blogs_queueclock", "blogs_siteline"}


@pytest.mark.parametrize(
    ("call", "containing"),
    [
        (queue.stats, "min(ready_at)"),
        (alerts.numbers, "came_and_wait"),
        (alerts.numbers, "AS sites"),
    ],
)
def test_postgresql_knows_that_few_blogs_ended_in_the_last_minutes(call: Any, containing: str) -> None:
    """Where it expects a third of all, it reads all of a million."""
    plan = plan_of(call, containing)

    expected = [node["Plan Rows"] for node in plan if "finished_at" in node.get("Index Cond", "")]
    assert expected
    assert max(expected) < 0.1 * 18_000
    assert "blog_generations" not in read_whole(plan)


def test_what_blogs_have_taken_lately_is_read_from_the_last_of_them() -> None:
    plan = plan_of(learned.learned, "WITH last AS")

    assert "finished_at" in condition(plan, "blog_finished")
    assert indexes(plan) >= {"event_of_generation", "provider_call_of_work"}
    assert not read_whole(plan)


def test_the_outlook_reads_what_runs_and_no_history() -> None:
    plan = plan_of(outlook.outlook, "WITH crew AS")

    assert indexes(plan) & {"blog_running", "blog_by_status"}
    assert "event_of_generation" in indexes(plan)
    assert not read_whole(plan) & {"blog_generations", "blogs_generationevent"}


def test_a_place_in_line_is_read_from_the_sites_own_line(settings: Any) -> None:
    settings.DATABASE_KEEPS_SESSIONS = False  # as text, which can be explained
    blogs = list(BlogGeneration.objects.filter(ready=True, site=Site.objects.order_by("id")[SITES // 2])[:5])

    for asked in (blogs[:1], blogs):
        plan = plan_of(partial(places.places, asked), "l.paused")
        assert "blog_line" in indexes(plan)
        assert "blog_generations" not in read_whole(plan)

"""What an answer says is possible is what the acts allow, also once a shop has had an act as often as a blog allows it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from blogs import queue
from blogs.api.possible import RETRIES_MAX, REVISIONS_MAX
from blogs.models import BlogGeneration, GenerationEvent, PostOrder
from blogs.queue import lifecycle
from tests.support import factories
from tests.support.problems import problem
from tests.support.query_plans import condition, plan_of
from workers.errors import TransientError

pytestmark = pytest.mark.django_db


def test_a_blog_that_fails_again_and_again_is_not_started_for_ever(api: Any) -> None:
    site = factories.site()
    generation = factories.failed_generation(site)
    client = api(site)
    for _ in range(RETRIES_MAX):
        assert client.act(generation.pk, "retry").status_code == 200
        (claimed,) = queue.claim(factories.WorkerFactory.create(), 1)
        lifecycle.fail(claimed, TransientError("content_invalid", "again"))

    refused = problem(client.act(generation.pk, "retry"), 409, "wrong_state")

    assert f"started again {RETRIES_MAX} times" in refused["detail"]
    assert refused["possible"] == shown_possible(client, generation) == []


def shown_possible(client: Any, generation: BlogGeneration) -> Any:
    """Return what an answer about the blog alone says is possible, which the list must say too."""
    alone = client.get(f"/api/blog-generation/{generation.pk}").json()["possible"]
    (listed,) = client.get(f"/api/blog-generation?ids={generation.pk}").json()["results"]
    assert listed["possible"] == alone
    return alone


def test_a_retry_of_our_staff_is_none_of_the_shops_own(api: Any) -> None:
    site = factories.site()
    generation = factories.failed_generation(site)
    events = [GenerationEvent(generation=generation, kind="requeued", by="staff:ada") for _ in range(RETRIES_MAX)]
    GenerationEvent.objects.bulk_create(events)

    assert shown_possible(api(site), generation) == ["retry"]


@pytest.mark.parametrize("act", ["repair", "rewrite"])
def test_an_article_is_revised_as_often_as_it_is_said_to_be_possible(api: Any, act: str) -> None:
    site = factories.site()
    client, generation = api(site), factories.done_generation(site)
    BlogGeneration.objects.filter(pk=generation.pk).update(needs_review=True)
    for _ in range(REVISIONS_MAX):
        assert shown_possible(client, generation) == ["repair", "rewrite", "publish"]
        assert client.act(generation.pk, act).status_code == 202
        PostOrder.objects.update(ended_at=timezone.now())

    refused = problem(client.act(generation.pk, act), 409, "wrong_state")

    assert f"revised {REVISIONS_MAX} times" in refused["detail"]
    assert refused["possible"] == shown_possible(client, generation) == ["publish"]


def test_what_a_page_of_blogs_has_had_is_counted_by_an_index(api: Any) -> None:
    site = factories.site()
    for _ in range(3):
        factories.failed_generation(site)
        BlogGeneration.objects.filter(pk=factories.done_generation(site).pk).update(needs_review=True)
    with connection.cursor() as cursor:
        # Of tables this small, PostgreSQL would read all.
        cursor.execute("SET LOCAL enable_seqscan = off")

    retries = plan_of(lambda: api(site).get("/api/blog-generation"), "'requeued'")
    revisions = plan_of(lambda: api(site).get("/api/blog-generation"), "'rewrite'")

    assert "generation_id" in condition(retries, "event_of_generation")
    assert "generation_id" in condition(revisions, "post_order_of_blog")

"""Old finished blogs go, with all that belongs to them; money, and whatever isn't old or finished, stays."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from blogs import queue
from blogs.models import Article, BlogGeneration, GenerationEvent, PostOrder, StageOutput, Status
from blogs.operations import proof
from blogs.post_orders import asking
from blogs.queue import lifecycle, pruning
from credits.models import Credit
from tests.support import factories
from tests.support.query_plans import condition, plan_of
from tests.support.threads import PATIENCE_SECONDS, in_background
from workers.limits import provider_calls
from workers.limits.provider_calls import Usage
from workers.models import ProviderCall

pytestmark = pytest.mark.django_db


def prune(**options: Any) -> str:
    said = StringIO()
    call_command("prune_generations", older_than_days=30, pause=0, stdout=said, **options)
    return said.getvalue()


def finished(days_ago: float, generation: BlogGeneration | None = None) -> BlogGeneration:
    generation = generation or factories.done_generation()
    BlogGeneration.objects.filter(pk=generation.pk).update(finished_at=timezone.now() - timedelta(days=days_ago))
    return generation


def called_for(blog: BlogGeneration) -> None:
    kept = provider_calls.row(
        "openai", "ask", "ok", 2.0, request_id="req_1", tokens_reserved=9, usage=Usage("article:short", "en", 1, 2)
    )
    del kept["works"]
    ProviderCall.objects.create(**{**kept, "work": blog.pk})


def left() -> set[int]:
    return set(BlogGeneration.objects.values_list("pk", flat=True))


def test_what_finished_long_ago_goes_with_all_that_belongs_to_it() -> None:
    old, young = finished(31), finished(29)
    for blog in (old, young):
        Article.objects.create(generation=blog, version=1, title="Wool", language="en", words=1, content={})
        called_for(blog)
    before = Credit.objects.count()

    said = prune()

    assert "1 of blog_generations" in said
    assert "1 of blogs_article" in said
    assert left() == {young.pk}
    for rows in (Article.objects, StageOutput.objects, GenerationEvent.objects):
        assert set(rows.values_list("generation_id", flat=True)) == {young.pk}
    assert list(ProviderCall.objects.values_list("work", flat=True)) == [young.pk]
    assert Credit.objects.count() == before
    assert proof.discrepancies() == []


def test_failed_and_cancelled_blogs_go_too() -> None:
    cancelled = factories.pending_generation()
    lifecycle.cancel(cancelled.pk, by="shop")
    finished(31, cancelled)
    finished(31, factories.failed_generation())

    prune()

    assert left() == set()
    assert proof.discrepancies() == []


def test_what_is_not_finished_stays_however_old() -> None:
    running = factories.processing_generation()
    waiting = factories.pending_generation()
    BlogGeneration.objects.update(created_at=timezone.now() - timedelta(days=400))

    assert "Removed nothing" in prune()

    assert left() == {running.pk, waiting.pk}


def test_a_doubtful_draft_is_looked_for_before_its_blog_goes() -> None:
    doubtful = finished(31)
    BlogGeneration.objects.filter(pk=doubtful.pk).update(draft_sweep_at=timezone.now())

    prune()

    assert left() == {doubtful.pk}


def test_an_order_that_is_open_keeps_its_blog_and_one_that_has_ended_goes_with_it() -> None:
    """A worker may be making its draft: with the blog gone, no row would name that."""
    ordered, told = finished(31), finished(31)
    for blog in (ordered, told):
        assert asking.look(blog, name="ada")
    PostOrder.objects.filter(generation=told).update(ended_at=timezone.now())

    prune()

    assert left() == {ordered.pk}
    assert list(PostOrder.objects.values_list("generation_id", flat=True)) == [ordered.pk]


def test_batches_end_when_all_is_gone() -> None:
    for days in range(31, 38):
        finished(days)
    finished(31.5)

    batches = list(pruning.prune(timedelta(days=30), batch_size=3))

    assert [batch["blog_generations"] for batch in batches] == [3, 3, 2]


def test_blogs_that_finished_at_the_same_moment_all_go() -> None:
    for _ in range(5):
        finished(31)
    BlogGeneration.objects.update(finished_at=timezone.now() - timedelta(days=31))

    prune(batch_size=2)

    assert left() == set()


def test_a_dry_run_only_counts() -> None:
    finished(31)

    assert "1 blogs" in prune(dry_run=True)

    assert BlogGeneration.objects.count() == 1


def test_the_archive_has_a_line_for_each_blog_with_all_that_belonged_to_it(tmp_path: Path) -> None:
    blogs = [finished(40), finished(35)]
    called_for(blogs[0])
    archive = tmp_path / "blogs.jsonl"
    archive.write_text("what was there before\n")

    prune(archive=archive, batch_size=1)

    before, *lines = archive.read_text().splitlines()
    assert before == "what was there before"
    kept = [json.loads(line) for line in lines]
    assert [line["blog"]["id"] for line in kept] == [blog.pk for blog in blogs]
    assert kept[0]["events"][0]["kind"] == "submitted"
    assert kept[0]["outputs"][0]["stage"] == "draft"
    assert kept[0]["calls"][0]["request_id"] == "req_1"
    assert left() == set()


def test_an_archive_that_cannot_be_written_keeps_the_blogs(tmp_path: Path) -> None:
    blog = finished(31)

    with (tmp_path / "full").open("w") as archive:
        archive.close()
        with pytest.raises(ValueError, match="closed"):
            list(pruning.prune(timedelta(days=30), batch_size=10, archive=archive))

    assert left() == {blog.pk}
    assert StageOutput.objects.filter(generation=blog).exists()


@pytest.mark.parametrize("wrong", [{"older_than_days": 0}, {"batch_size": 0}, {"pause": -1}], ids=str)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(CommandError):
        call_command("prune_generations", **wrong)


def test_pages_that_name_a_removed_blog_still_open(admin_client: Any, api: Any) -> None:
    blog = finished(31)
    prune()

    assert blog.pk in [entry["blogId"] for entry in api(blog.site).get("/api/credits").json()["recent"]]
    assert api(blog.site).get(f"/api/blog-generation/{blog.pk}").status_code == 404
    for path in ("credits/credit/", f"wix/site/{blog.site_id}/change/", "credits/creditaccount/"):
        assert admin_client.get(f"/admin/{path}").status_code in (200, 404), path


def test_a_batch_is_found_by_its_time() -> None:
    for _ in range(3):
        finished(31)
    with connection.cursor() as cursor:
        # Of three rows a sort may be the cheaper plan, by what others have left in the statistics.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off")

    plan = plan_of(lambda: next(pruning.prune(timedelta(days=30), batch_size=2)), "SKIP LOCKED")

    assert condition(plan, "blog_finished").count("finished_at") == 2
    assert not [node for node in plan if node["Node Type"] == "Sort"]


@pytest.mark.django_db(transaction=True)
def test_a_locked_blog_is_left_for_the_next_time_and_nothing_waits() -> None:
    locked, other = finished(40), finished(35)
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            BlogGeneration.objects.select_for_update().get(pk=locked.pk)
            holding.set()
            assert done.wait(PATIENCE_SECONDS)

    holder = in_background(hold)
    assert holding.wait(PATIENCE_SECONDS)

    prune()

    assert left() == {locked.pk}
    done.set()
    holder.join()
    prune()
    assert left() == set()
    assert other.pk != locked.pk


@pytest.mark.django_db(transaction=True)
def test_while_a_batch_is_being_removed_the_queue_goes_on() -> None:
    site = factories.site()
    finished(40, factories.done_generation(site))
    outcomes: list[str] = []

    def submit_claim_and_finish() -> None:
        outcomes.append(factories.done_generation(site).status)

    with transaction.atomic():
        next(pruning.prune(timedelta(days=30), batch_size=10))
        in_background(submit_claim_and_finish).join(PATIENCE_SECONDS)

    assert outcomes == [Status.DONE]
    assert queue.recount() == 0
    assert proof.discrepancies() == []

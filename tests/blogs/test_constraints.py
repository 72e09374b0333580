"""The database keeps the rules too: what must never be is refused to every writer."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from blogs.models import BlogGeneration, QueueClock, SiteLine, Stage, StageOutput
from tests.support import factories
from tests.support.blogs.books import with_line
from workers.models import RateLimit, RateLimitUsage

pytestmark = pytest.mark.django_db

NOW = timezone.now()
LEASE = {"lease_token": uuid.uuid4(), "lease_expires_at": NOW}
PENDING = {"status": "PENDING", "ready": True}
PROCESSING = {"status": "PROCESSING", "ready": False, **LEASE}
DONE = {"status": "DONE", "ready": False, "finished_at": NOW, "draft_post_id": uuid.uuid4()}
FAILED = {"status": "FAILED", "ready": False, "finished_at": NOW, "error_code": "refused"}
CANCELLED = {"status": "CANCELLED", "ready": False, "finished_at": NOW}


def write(**columns: Any) -> BlogGeneration:
    fields = {"source_type": "keyword", "source_id": "wool", **columns}
    return BlogGeneration.objects.create(site=fields.pop("site", None) or factories.SiteFactory.create(), **fields)


def refuses(constraint: str) -> Any:
    return pytest.raises(IntegrityError, match=f'"{constraint}"')


@pytest.mark.parametrize("columns", [PENDING, PROCESSING, DONE, FAILED, CANCELLED], ids=lambda c: c["status"])
def test_a_blog_in_each_state_is_accepted(columns: dict[str, Any]) -> None:
    assert write(**columns).pk


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("blog_source_type", {**PENDING, "source_type": "dream"}),
    ("blog_lease_iff_processing", {**PENDING, **LEASE}),
    ("blog_lease_iff_processing", {**PENDING, "lease_token": uuid.uuid4()}),
    ("blog_lease_iff_processing", {**PROCESSING, "lease_token": None}),
    ("blog_lease_iff_processing", {**PROCESSING, "lease_expires_at": None}),
    ("blog_lease_iff_processing", {**DONE, **LEASE}),
    ("blog_pending_is_ready_or_has_a_time", {"status": "PENDING", "ready": False}),
    ("blog_pending_is_ready_or_has_a_time", {**PENDING, "run_after": NOW}),
    ("blog_pending_is_ready_or_has_a_time", {**PROCESSING, "ready": True}),
    ("blog_pending_is_ready_or_has_a_time", {**DONE, "run_after": NOW}),
    ("blog_finished_iff_final", {**PENDING, "finished_at": NOW}),
    ("blog_finished_iff_final", {**PROCESSING, "finished_at": NOW}),
    ("blog_finished_iff_final", {**DONE, "finished_at": None}),
    ("blog_finished_iff_final", {**CANCELLED, "finished_at": None}),
    ("blog_done_has_a_draft", {**DONE, "draft_post_id": None}),
    ("blog_with_a_draft_is_never_lost", {**FAILED, "draft_post_id": uuid.uuid4()}),
    ("blog_with_a_draft_is_never_lost", {**CANCELLED, "draft_post_id": uuid.uuid4()}),
    ("blog_failed_says_why", {**FAILED, "error_code": ""}),
]


@pytest.mark.parametrize(("constraint", "columns"), REFUSED, ids=lambda value: value if isinstance(value, str) else "")
def test_a_blog_that_contradicts_itself_is_refused(constraint: str, columns: dict[str, Any]) -> None:
    with refuses(constraint):
        write(**columns)


def test_an_unknown_status_is_refused_even_without_the_other_rules() -> None:
    # It breaks `blog_finished_iff_final` as well, which PostgreSQL checks first.
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE blog_generations DROP CONSTRAINT blog_finished_iff_final")

    with refuses("blog_status"):
        write(status="LOST", ready=False)


def test_a_negative_count_of_attempts_is_refused() -> None:
    with refuses("blog_generations_attempts_check"):
        write(**PENDING, attempts=-1)


def test_an_idempotency_key_belongs_to_one_blog_of_a_site() -> None:
    site = factories.SiteFactory.create()
    write(**PENDING, site=site, idempotency_key="k")
    write(**PENDING, idempotency_key="k")
    write(**PENDING, site=site)
    write(**PENDING, site=site)

    with refuses("blog_one_row_an_idempotency_key"):
        write(**PENDING, site=site, idempotency_key="k")


def test_a_draft_belongs_to_one_blog() -> None:
    write(**DONE)

    with refuses("blog_draft_belongs_to_one"):
        write(**DONE)


def test_a_stages_output_is_saved_once() -> None:
    generation = write(**PENDING)
    StageOutput.objects.create(generation=generation, stage=Stage.IDEA, output={})

    with refuses("stage_output_saved_once"):
        StageOutput.objects.create(generation=generation, stage=Stage.IDEA, output={})


def test_a_lines_step_is_positive() -> None:
    with refuses("site_line_step_positive"):
        SiteLine.objects.create(site=factories.SiteFactory.create(), step=0)


def test_a_line_never_counts_below_zero() -> None:
    site = factories.SiteFactory.create()
    with_line(site)

    with pytest.raises(IntegrityError, match=r"blogs_siteline_waiting_check|site_line_waiting_not_negative"):
        SiteLine.objects.filter(pk=site.pk).update(waiting=-1)


def test_there_is_one_clock() -> None:
    with refuses("queue_clock_is_one_row"):
        QueueClock.objects.create(id=2)


def limit(**columns: Any) -> RateLimit:
    return RateLimit.objects.create(**{"provider": "openai", "requests_per_minute": 450, **columns})


def test_a_limit_has_one_row() -> None:
    limit(model="m")
    limit(model="n")
    limit(model="m", key="k")

    with refuses("rate_limit_unique"):
        limit(model="m")


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("rate_limit_requests_positive", {"requests_per_minute": 0}),
        ("rate_limit_tokens_positive", {"tokens_per_minute": 0}),
    ],
)
def test_a_limit_of_nothing_is_refused(constraint: str, columns: dict[str, Any]) -> None:
    with refuses(constraint):
        limit(**columns)


def test_a_limits_usage_has_one_row_for_each_time() -> None:
    used = limit()
    RateLimitUsage.objects.create(limit=used, started_at=NOW)

    with refuses("rate_limit_usage_unique"), transaction.atomic():
        RateLimitUsage.objects.create(limit=used, started_at=NOW)

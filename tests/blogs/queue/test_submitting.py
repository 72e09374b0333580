from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from blogs import pipeline, queue
from blogs.models import BlogGeneration, Status
from blogs.queue import submitting
from blogs.queue.request import IdempotencyConflict
from credits.ledger import InsufficientCredits
from credits.models import Credit
from tests.support import factories
from tests.support.blogs.books import credits_of, history, in_line, row
from tests.support.threads import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("right_books")]


def test_a_submitted_blog_stands_in_its_line_with_its_credits_held() -> None:
    site = factories.site(credits=100)

    generation = row(submitting.submit(site=site, request=factories.blog_request()))

    assert (generation.status, generation.ready, generation.attempts) == (Status.PENDING, True, 0)
    assert credits_of(site) == (100, 25)
    assert in_line(site) == 1
    assert history(generation) == ["submitted"]


def test_a_scheduled_blog_holds_credits_but_stands_in_no_line() -> None:
    site = factories.site(credits=100)
    tomorrow = timezone.now() + timedelta(days=1)

    generation = row(factories.pending_generation(site, scheduled_at=tomorrow))

    assert (generation.status, generation.ready, generation.run_after) == (Status.PENDING, False, tomorrow)
    assert credits_of(site) == (100, 25)
    assert in_line(site) == 0


def test_a_blog_that_cannot_be_paid_leaves_nothing_behind() -> None:
    site = factories.site(credits=24)

    with pytest.raises(InsufficientCredits):
        factories.pending_generation(site)

    assert not BlogGeneration.objects.exists()
    assert credits_of(site) == (24, 0)
    assert in_line(site) == 0


def test_the_same_key_again_is_the_same_blog_with_one_hold() -> None:
    site = factories.site()
    request = factories.blog_request()

    first = submitting.submit(site=site, request=request, idempotency_key="k")
    second = submitting.submit(site=site, request=request, idempotency_key="k")

    assert first.pk == second.pk
    assert Credit.objects.filter(kind="hold").count() == 1
    assert in_line(site) == 1


def test_the_same_key_with_another_request_is_a_conflict() -> None:
    site = factories.site()
    submitting.submit(site=site, request=factories.blog_request("scarves"), idempotency_key="k")

    with pytest.raises(IdempotencyConflict):
        submitting.submit(site=site, request=factories.blog_request("hats"), idempotency_key="k")

    assert in_line(site) == 1


def test_two_sites_may_use_the_same_key() -> None:
    sites = factories.site(), factories.site()

    blogs = {submitting.submit(site=site, request=factories.blog_request(), idempotency_key="k").pk for site in sites}

    assert len(blogs) == 2


@pytest.mark.django_db(transaction=True)
def test_one_key_submitted_by_many_threads_at_once_is_one_blog() -> None:
    site = factories.site()
    request = factories.blog_request()

    blogs = at_once(*[lambda: submitting.submit(site=site, request=request, idempotency_key="k")] * 6)

    assert len({blog.pk for blog in blogs}) == 1
    assert credits_of(site) == (1_000, 25)


@pytest.mark.django_db(transaction=True)
def test_one_key_submitted_twice_at_once_with_the_last_credits_is_one_blog() -> None:
    for number in range(10):
        site = factories.site(credits=25)
        request = factories.blog_request(f"topic {number}")

        blogs = at_once(*[lambda: submitting.submit(site=site, request=request, idempotency_key="k")] * 2)  # noqa: B023

        assert len({blog.pk for blog in blogs}) == 1
        assert credits_of(site) == (25, 25)


@pytest.mark.django_db(transaction=True)
def test_a_new_sites_first_blogs_may_all_arrive_at_once() -> None:
    site = factories.site()

    at_once(*[lambda: factories.pending_generation(site)] * 6)

    assert in_line(site) == 6
    assert credits_of(site) == (1_000, 150)


def test_what_a_claim_hands_out_tells_the_stages_all_without_another_query(django_assert_num_queries: Any) -> None:
    """One query more for each blog would be a sixth of all its transactions."""
    plain = factories.pending_generation()
    wished = factories.pending_generation(product_ids=["p-1", "p-2"], instructions="No exclamation marks.")

    claimed = {blog.pk: blog for blog in queue.claim(factories.WorkerFactory.create(), 2)}

    with django_assert_num_queries(0):
        told = {pk: pipeline.inputs_of(blog) for pk, blog in claimed.items()}
    assert (told[wished.pk].product_ids, told[wished.pk].instructions) == (["p-1", "p-2"], "No exclamation marks.")
    assert (told[plain.pk].product_ids, told[plain.pk].instructions) == ([], "")

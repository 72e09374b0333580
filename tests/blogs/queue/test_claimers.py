from __future__ import annotations

from collections import Counter

import pytest

from blogs import queue
from blogs.models import BlogGeneration, Status
from blogs.queue import lifecycle
from tests.support import factories
from tests.support.blogs.books import in_line
from tests.support.threads import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("right_books")]

CLAIMERS = 8


def test_claimers_at_once_never_get_the_same_blog_and_together_get_all() -> None:
    sites = [factories.site(credits=25 * 24) for _ in range(5)]
    blogs = {factories.pending_generation(site).pk for site in sites * 24}
    workers = [factories.WorkerFactory.create() for _ in range(CLAIMERS)]

    claims = at_once(*[lambda worker=worker: queue.claim(worker, 15) for worker in workers])

    assert Counter(blog.pk for claimed in claims for blog in claimed) == dict.fromkeys(blogs, 1)
    assert [len(claimed) for claimed in claims] == [15] * CLAIMERS


def test_claimers_at_once_for_less_than_they_ask_for_still_share_all_of_it() -> None:
    site = factories.site()
    blogs = {factories.pending_generation(site).pk for _ in range(20)}
    workers = [factories.WorkerFactory.create() for _ in range(CLAIMERS)]

    claims = at_once(*[lambda worker=worker: queue.claim(worker, 3) for worker in workers])

    assert {blog.pk for claimed in claims for blog in claimed} == blogs
    assert sum(map(len, claims)) == 20


def test_claimers_at_once_stay_fair() -> None:
    sites = [factories.site() for _ in range(4)]
    for site in sites * 20:
        factories.pending_generation(site)
    workers = [factories.WorkerFactory.create() for _ in range(CLAIMERS)]

    claims = at_once(*[lambda worker=worker: queue.claim(worker, 5) for worker in workers])

    assert Counter(blog.site_id for claimed in claims for blog in claimed) == {site.pk: 10 for site in sites}


def test_a_blog_is_either_claimed_or_cancelled_in_line_never_both() -> None:
    site = factories.site()
    blogs = [factories.pending_generation(site) for _ in range(12)]
    worker = factories.WorkerFactory.create()

    def claim_all() -> set[int]:
        return {blog.pk for blog in queue.claim(worker, 12)}

    def cancel_all() -> set[int]:
        return {blog.pk for blog in blogs if lifecycle.cancel(blog.pk, by="shop").status == Status.CANCELLED}

    claimed, cancelled = at_once(claim_all, cancel_all)

    assert claimed | cancelled == {blog.pk for blog in blogs}
    assert not claimed & cancelled
    assert BlogGeneration.objects.filter(status=Status.PROCESSING).count() == len(claimed)


def test_a_submit_during_claims_is_counted_once() -> None:
    site = factories.site(credits=25 * 40)
    worker = factories.WorkerFactory.create()

    def submit() -> int:
        return len([factories.pending_generation(site) for _ in range(10)])

    def claim() -> int:
        return sum(len(queue.claim(worker, 4)) for _ in range(10))

    *submitted, claimed = at_once(submit, submit, submit, claim)

    assert sum(submitted) - claimed == in_line(site)

"""What waits for a time comes into its line when the time has come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from blogs.models import BlogGeneration
from blogs.queue import lifecycle, source
from tests.support import factories
from tests.support.blogs.books import in_line, make_due, row
from tests.support.threads import at_once
from workers.errors import RateLimited

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("right_books")]


def scheduled(site: Any = None) -> BlogGeneration:
    return factories.pending_generation(site, scheduled_at=timezone.now() + timedelta(hours=1))


def test_what_is_due_stands_in_line_afterwards() -> None:
    site = factories.site()
    generation = scheduled(site)
    make_due()

    assert source.promote() == 1

    assert (row(generation).ready, row(generation).run_after) == (True, None)
    assert in_line(site) == 1


def test_what_is_not_due_yet_goes_on_waiting() -> None:
    site = factories.site()
    generation = scheduled(site)

    assert source.promote() == 0

    assert not row(generation).ready
    assert in_line(site) == 0


def test_more_than_one_chunk_is_promoted_at_once() -> None:
    sites = [factories.site() for _ in range(3)]
    for site in sites * 3:
        scheduled(site)
    make_due()

    assert source.promote(chunk_size=3) == 9

    assert [in_line(site) for site in sites] == [3, 3, 3]


def test_a_promoted_blog_keeps_how_long_it_was_put_off() -> None:
    generation = factories.processing_generation()
    lifecycle.defer(generation, RateLimited("rate_limited", "Later.", retry_in=1))
    since = row(generation).deferred_since
    make_due()

    source.promote()

    assert since is not None
    assert row(generation).deferred_since == since


def test_a_cancelled_blog_is_not_promoted() -> None:
    generation = scheduled()
    make_due()
    lifecycle.cancel(generation.pk, by="shop")

    assert source.promote() == 0


def test_the_next_due_time_is_known() -> None:
    assert source.look() == (None, False)
    generation = factories.processing_generation()
    lifecycle.defer(generation, RateLimited("rate_limited", "Later.", retry_in=30))
    scheduled()

    due, _ = source.look()

    assert due is not None
    assert 25 < due <= 37.5


def test_what_is_overdue_is_due_now() -> None:
    scheduled()
    make_due()

    assert source.look() == (0, False)


@pytest.mark.django_db(transaction=True)
def test_several_promoters_at_once_count_each_blog_once() -> None:
    sites = [factories.site(credits=25 * 20) for _ in range(3)]
    for site in sites * 20:
        scheduled(site)
    make_due()

    promoted = at_once(*[source.promote] * 4)

    assert sum(promoted) == 60
    assert [in_line(site) for site in sites] == [20, 20, 20]

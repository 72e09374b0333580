"""How long the first in line has been there: since it was ready, and not since it was asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection, transaction

from blogs import queue
from blogs.models import BlogGeneration
from blogs.queue import lifecycle, lines, waiting
from tests.support import factories
from workers.errors import TransientError

pytestmark = pytest.mark.django_db


def everything_was(hours_ago: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE blog_generations SET created_at = created_at - %(ago)s::interval, ready_at = ready_at - %(ago)s::interval,"
            " run_after = run_after - %(ago)s::interval, lease_expires_at = lease_expires_at - %(ago)s::interval",
            {"ago": f"{hours_ago} hours"},
        )


def longest() -> float:
    return float(queue.stats()["oldest_waiting_seconds"])


def test_a_blog_that_waits_for_a_worker_has_been_in_line_since_it_was_asked_for() -> None:
    factories.pending_generation()
    everything_was(hours_ago=1)
    factories.pending_generation()

    assert 3_600 <= longest() < 3_700


def retried() -> BlogGeneration:
    blog = factories.processing_generation()
    lifecycle.retry_later(blog, TransientError("timeout", "It took too long."))
    return blog


@pytest.mark.parametrize(
    ("make", "bring_back"),
    [
        (retried, lambda blog: queue.promote()),
        (retried, lambda blog: waiting.put_first(blog.pk, by="ada")),
        (factories.processing_generation, lambda blog: queue.rescue()),
        (factories.processing_generation, lambda blog: queue.hand_back([blog])),
        (factories.failed_generation, lambda blog: lifecycle.requeue(blog.pk, by="ada")),
    ],
    ids=["retried", "put first", "rescued", "handed back", "requeued"],
)
def test_one_that_comes_back_begins_at_nought(
    make: Callable[[], BlogGeneration], bring_back: Callable[[BlogGeneration], object]
) -> None:
    blog = make()
    everything_was(hours_ago=1)
    bring_back(blog)

    assert BlogGeneration.objects.get(pk=blog.pk).ready
    assert longest() < 60


def test_a_blog_whose_line_is_paused_waits_for_a_person_and_one_whose_line_goes_on_begins_at_nought() -> None:
    blog = factories.pending_generation()
    everything_was(hours_ago=1)
    with transaction.atomic():
        lines.pause(lines.lock(blog.site_id))
    assert longest() == 0

    with transaction.atomic():
        lines.resume(lines.lock(blog.site_id))
    assert longest() < 60

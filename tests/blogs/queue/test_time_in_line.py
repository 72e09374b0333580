"""How long the first in line has been there: since it was ready, and not since it was asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection, transaction

from blogs import queue
from blogs.models import BlogGeneration
from blogs.queue import lifecycle, lines, waiting
from tests.support import factories
from workers.errors import ProviderDown, TransientError

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


def held_up() -> BlogGeneration:
    """A blog that comes back to its line as soon as OpenAI is back."""
    blog = factories.processing_generation()
    lifecycle.defer(blog, ProviderDown("openai", retry_in=600))
    BlogGeneration.objects.filter(pk=blog.pk).update(waits_for="openai")  # as while its breaker is open
    return blog


def test_the_oldest_is_one_of_those_that_are_counted() -> None:
    blog = held_up()
    everything_was(hours_ago=1)
    factories.pending_generation()

    now = queue.stats()
    assert (now["queue"], now["workable"]) == (2, 1)
    assert 3_600 <= now["oldest_waiting_seconds"] < 3_700
    assert now["oldest_ready_seconds"] < 60  # no worker could have started the other, so no minute was slow

    with transaction.atomic():
        lines.pause(lines.lock(blog.site_id))
    paused = queue.stats()
    assert paused["queue"] == 1
    assert paused["oldest_waiting_seconds"] < 60

"""Stories of many blogs at once: asked first, carried out by a real worker, watched, stopped, undone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import transaction

from blogs.models import Batch, BlogGeneration, Status
from blogs.queue import lines
from tests.browser.away import WEB, database_away
from tests.browser.browsing import Person
from tests.support import factories
from tests.support.blogs.worker_process import Worker
from wix.models import Site

COUNT = 230


@pytest.fixture
def shop(web: str) -> Site:
    """A shop whose line is paused, with 230 blogs in it."""
    shop = factories.site(credits=10_000, name="Wool & Co")
    for number in range(COUNT):
        factories.pending_generation(shop, source_id=f"topic {number}")
    with transaction.atomic():
        lines.pause(lines.lock(shop.pk))
    return shop


def cancel_all(person: Person, shop: Site) -> None:
    """Cancel all blogs of this shop, from the list of its blogs to the batch's page."""
    person.opens(f"/admin/blogs/bloggeneration/?site__id__exact={shop.pk}")
    person.clicks_on("#action-toggle")
    person.clicks(f"Select all {COUNT} blog generations", "button")
    person.chooses("Action:", "Cancel")
    person.clicks("Go", "button")
    person.sees(f"{COUNT} blogs of 1 shop", "run in the background", within="dialog")
    person.types("the shop has closed")
    person.presses("Enter")
    person.sees(f"works on {COUNT} blogs in the background")
    person.clicks(f"Batch {Batch.objects.get().pk}", within=".messagelist")
    person.sees("Under way.")


def test_a_batch_is_watched_stopped_and_undone(
    hire: Callable[..., Person], worker: Callable[..., Worker], shop: Site
) -> None:
    otto = hire("Operator", "otto")
    cancel_all(otto, shop)
    worker(BATCH_BLOGS_PER_SECOND="40")
    otto.sees("Cancelled", within="#batch-items")

    otto.clicks("Stop it; what is done stays done", "button")
    otto.sees("Stopped. What it has done stays done.", "Stopped by otto.")
    done = BlogGeneration.objects.filter(status=Status.CANCELLED).count()
    assert 0 < done < COUNT
    otto.clicks("Undo it, for each blog that still allows it", "button")
    otto.sees(f"{25 * done:,} credits are held again", within="dialog")
    otto.fills("Reason", "a mistake", within="dialog")
    otto.clicks(re.compile("Undo it: "), "button", within="dialog")

    otto.sees(f"{done} of {done}", "Over.")
    assert not BlogGeneration.objects.exclude(status=Status.PENDING).exists()


def test_a_batch_goes_on_when_the_database_was_away_and_its_page_says_so(
    hire: Callable[..., Person], worker: Callable[..., Worker], shop: Site
) -> None:
    otto = hire("Operator", "otto")
    otto.expects("503", "status of 503")
    cancel_all(otto, shop)
    worker(BATCH_BLOGS_PER_SECOND="50")
    otto.sees("Cancelled", within="#batch-items")

    with database_away(WEB, "test-worker"):
        otto.sees("No answer since")
    otto.sees(f"{COUNT} of {COUNT}", "Over.", seconds=40)

    otto.sees_no("No answer since")
    assert BlogGeneration.objects.filter(status=Status.CANCELLED).count() == COUNT

"""Requests that meet the removal of their site: none leaves a blog that waits for a shop which is gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction

from blogs.models import BlogGeneration
from blogs.queue import lifecycle, lines, submitting
from blogs.site_events import coming_and_going
from credits import ledger
from tests.support import factories
from tests.support.blogs.books import sessions_waiting_for_a_lock
from tests.support.threads import in_background, wait_until
from wix.models import Site

pytestmark = pytest.mark.django_db(transaction=True)


def _while_it_is_removed(shop: Site, call: Callable[[], object]) -> Exception | None:
    """Make a call whose first statement begins before the removal is committed; return what it raised."""
    raised = list[Exception]()

    def run() -> None:
        try:
            call()
        except (submitting.SiteRemoved, lifecycle.WrongState) as refused:
            raised.append(refused)

    with transaction.atomic():
        coming_and_going.disconnect(shop, ledger.lock(shop.pk))
        running = in_background(run)
        # It has read the site by now, which was not removed then.
        wait_until(lambda: sessions_waiting_for_a_lock() == 1)
    running.join()
    return raised[0] if raised else None


def test_a_request_that_waits_for_its_account_while_the_site_is_removed_is_refused(shop: Site) -> None:
    lines.open_line(shop.pk)

    said = _while_it_is_removed(shop, lambda: factories.pending_generation(shop))

    assert isinstance(said, submitting.SiteRemoved)
    assert not BlogGeneration.objects.exists()
    assert shop.credit_account.held == 0


def test_a_shop_that_comes_back_is_served_as_before(shop: Site) -> None:
    with transaction.atomic():
        coming_and_going.disconnect(shop, ledger.lock(shop.pk))
    Site.objects.update(removed_at=None)

    assert factories.pending_generation(shop).status == "PENDING"


def test_a_retry_that_waits_for_its_account_while_the_site_is_removed_is_refused(shop: Site) -> None:
    failed = factories.failed_generation(shop)

    said = _while_it_is_removed(shop, lambda: lifecycle.requeue(failed.pk, by="shop"))

    assert isinstance(said, lifecycle.WrongState)
    assert BlogGeneration.objects.get().status == "FAILED"
    assert shop.credit_account.held == 0

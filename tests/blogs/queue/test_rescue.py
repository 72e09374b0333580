from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from blogs.models import BlogGeneration, Status
from blogs.queue import source
from credits import ledger
from credits.models import CreditAccount
from tests.support import factories
from tests.support.blogs.books import expire_leases, row


@pytest.mark.django_db(transaction=True)
def test_a_blog_that_cannot_be_rescued_keeps_no_other_from_it(settings: Any, caplog: Any) -> None:
    broken, sound = factories.site(), factories.site()
    first = factories.processing_generation(broken)
    second = factories.processing_generation(sound)
    BlogGeneration.objects.filter(pk=first.pk).update(rescues=settings.BLOG_MAX_RESCUES)
    CreditAccount.objects.filter(site=broken).update(held=0)  # a books' error: its hold can't be released
    expire_leases()

    assert source.look() == (None, True)
    assert source.rescue() == 1

    assert (row(first).status, row(second).status) == (Status.PROCESSING, Status.PENDING)
    assert "can't be brought back" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_blog_without_an_open_hold_keeps_no_other_from_it_either(settings: Any) -> None:
    first, second = factories.processing_generation(), factories.processing_generation()
    BlogGeneration.objects.filter(pk=first.pk).update(rescues=settings.BLOG_MAX_RESCUES)
    with transaction.atomic():
        ledger.release(ledger.lock(first.site_id), first.pk, reason="by mistake")
    expire_leases()

    assert source.look() == (None, True)
    assert source.rescue() == 1

    assert (row(first).status, row(second).status) == (Status.PROCESSING, Status.PENDING)


@pytest.mark.django_db
def test_all_that_is_expired_is_rescued_at_once() -> None:
    for _ in range(5):
        factories.processing_generation()
    expire_leases()

    assert source.rescue(chunk_size=2) == 5

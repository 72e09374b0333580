"""Each unfinished blog stands in exactly one place; the first page counts it there, and the list filters it out from there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from blogs.desk.blogs import places
from blogs.models import BlogGeneration
from blogs.queue import lifecycle, lines
from tests.support.blogs.desk_pages import ids_listed, text_of, visible
from tests.support.factories import (
    done_generation,
    failed_generation,
    pending_generation,
    processing_generation,
    site,
)
from workers.errors import ProviderDown, TransientError

pytestmark = pytest.mark.django_db


@pytest.fixture
def standing() -> dict[str, BlogGeneration]:
    """One blog in each place, and finished ones in none."""
    failed_generation(), done_generation()
    lifecycle.cancel(pending_generation().pk, by="shop")
    retried = processing_generation()
    lifecycle.retry_later(retried, TransientError("timeout", "Too slow."))
    waiting = processing_generation()
    lifecycle.defer(waiting, ProviderDown("openai", retry_in=600))
    BlogGeneration.objects.filter(pk=waiting.pk).update(waits_for="openai")  # as while its breaker is open
    running, paused = processing_generation(), pending_generation()
    with transaction.atomic():
        lines.pause(lines.lock(paused.site_id))
    return {
        "ready": pending_generation(),
        "processing": running,
        "paused": paused,
        "retry": retried,
        "openai": waiting,
        "scheduled": pending_generation(scheduled_at=timezone.now() + timedelta(hours=1)),
    }


def test_each_is_counted_once(standing: dict[str, BlogGeneration]) -> None:
    counted = {place.name: place.count for place in places.counted()}

    assert counted == {name: int(name in standing) for name in places.PLACES}


def test_the_list_shows_those_that_stand_there(desk: Client, standing: dict[str, BlogGeneration]) -> None:
    assert {name: ids_listed(desk, where=name) for name in standing} == {
        name: [blog.pk] for name, blog in standing.items()
    }


def test_a_row_says_what_it_waits_for_rather_than_when(desk: Client, standing: dict[str, BlogGeneration]) -> None:
    assert "waits for OpenAI, goes on when it is back" in visible(
        text_of(desk, "/admin/blogs/bloggeneration/", where="openai")
    )
    assert "its shop's line is paused" in visible(text_of(desk, "/admin/blogs/bloggeneration/", where="paused"))


def test_active_filters_can_each_be_left_out(desk: Client) -> None:
    shop = site()
    failed_generation(shop)

    page = text_of(desk, "/admin/blogs/bloggeneration/", status__exact="FAILED", site__id__exact=shop.pk)

    assert 'class="chip" href="?site__id__exact=' in page
    assert 'class="chip" href="?status__exact=FAILED"' in page


@pytest.mark.parametrize("query", ["?where=%00", "?view=nothing", "?ended=x&created=y", "?error=%00"])
def test_filters_that_make_no_sense_break_nothing(desk: Client, query: str) -> None:
    assert desk.get(f"/admin/blogs/bloggeneration/{query}", follow=True).status_code in (200, 400)

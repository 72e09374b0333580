from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models import F
from django.test import Client

from blogs.models import BlogGeneration, SourceType
from tests.support.blogs.desk_pages import ids_listed
from tests.support.factories import done_generation, failed_generation, pending_generation, site

pytestmark = pytest.mark.django_db


@pytest.fixture
def other() -> BlogGeneration:
    """Make one that no search should find."""
    return pending_generation(site(name="Zebra"), source_id="zebra stripes")


def test_a_number_finds_the_blog_with_that_id(desk: Client, other: BlogGeneration) -> None:
    wanted = pending_generation()

    assert ids_listed(desk, q=str(wanted.pk)) == [wanted.pk]


@pytest.mark.parametrize("number", ["0", "9" * 18, "9" * 5_000, "١٢"])
def test_a_number_of_no_blog_finds_nothing(desk: Client, other: BlogGeneration, number: str) -> None:
    assert ids_listed(desk, q=number) == []


def test_the_id_of_a_draft_finds_its_blog(desk: Client) -> None:
    wanted = done_generation()
    pending_generation()

    assert ids_listed(desk, q=str(wanted.draft_post_id)) == [wanted.pk]


def test_an_instance_id_finds_the_blogs_of_the_site(desk: Client, other: BlogGeneration) -> None:
    shop = site()
    wanted = [pending_generation(shop).pk, pending_generation(shop).pk]

    assert ids_listed(desk, q=str(shop.instance_id)) == wanted[::-1]


def test_an_unknown_uuid_finds_nothing(desk: Client, other: BlogGeneration) -> None:
    assert ids_listed(desk, q=str(uuid4())) == []


def test_the_beginning_of_a_topic_finds_it_in_any_case(desk: Client, other: BlogGeneration) -> None:
    wanted = pending_generation(source_id="Merino socks 100%_warm")
    pending_generation(source_id="warm merino socks")

    assert ids_listed(desk, q=" merino SOCKS 100%_ ") == [wanted.pk]


def test_a_long_prompt_is_found_by_all_of_its_text(desk: Client, other: BlogGeneration) -> None:
    prompt = "write of wool " * 40
    wanted = pending_generation(source_type=SourceType.PROMPT, source_id=prompt)

    assert ids_listed(desk, q=prompt[:300]) == [wanted.pk]


def test_the_beginning_of_a_sites_name_finds_its_blogs(desk: Client, other: BlogGeneration) -> None:
    wanted = pending_generation(site(name="Nordlicht Wolle"))

    assert ids_listed(desk, q="nordl") == [wanted.pk]


def test_the_error_filter_offers_the_codes_there_are(desk: Client) -> None:
    refused, lost = failed_generation(code="content_refused"), failed_generation(code="wix_auth_lost")
    failed_generation(code="content_refused")
    pending_generation()

    response = desk.get("/admin/blogs/bloggeneration/")

    (offered,) = (spec.lookup_choices for spec in response.context["cl"].filter_specs if spec.title == "last error")
    assert offered == [("content_refused", "content_refused"), ("wix_auth_lost", "wix_auth_lost")]
    assert ids_listed(desk, error="wix_auth_lost") == [lost.pk]
    assert refused.pk in ids_listed(desk, error="content_refused")


def test_blogs_are_filtered_by_when_they_were_created(desk: Client) -> None:
    old, recent, new = (pending_generation().pk for _ in range(3))
    blogs = BlogGeneration.objects
    blogs.filter(pk=old).update(created_at=F("created_at") - timedelta(days=8))
    blogs.filter(pk=recent).update(created_at=F("created_at") - timedelta(hours=2))

    assert ids_listed(desk, created="hour") == [new]
    assert ids_listed(desk, created="week") == [new, recent]
    assert ids_listed(desk) == [new, recent, old]


def test_an_empty_table_has_nothing_created_lately(desk: Client) -> None:
    assert ids_listed(desk, created="hour") == []


def test_blogs_are_filtered_by_status_and_source(desk: Client) -> None:
    failed, waiting = failed_generation(), pending_generation(source_type="product")

    assert ids_listed(desk, status__exact="FAILED") == [failed.pk]
    assert ids_listed(desk, source="product") == [waiting.pk]

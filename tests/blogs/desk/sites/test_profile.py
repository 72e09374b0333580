"""A shop's profile on the desk: what counts, what each version changed, and how staff change it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from blogs.models import AuditEntry, SiteProfile
from blogs.profiles import saving
from blogs.profiles.settings import newest
from tests.support.blogs.desk_pages import blog_page, text_of, visible
from tests.support.factories import pending_generation, site
from wix.models import Site

pytestmark = pytest.mark.django_db


def address(shop: Site, page: str = "") -> str:
    return f"/admin/wix/site/{shop.pk}/profile/{page}"


def said(shop: Site, **told: Any) -> None:
    saving.tell(shop, lambda known: told, by="the shop")


def test_it_shows_what_counts_and_what_each_version_changed(desk: Client) -> None:
    shop = site()
    said(shop, brand="<b>Old</b>", banned_words=["cheap", "deal"])
    saving.find(shop, {"brand": "At Wix", "time_zone": "Europe/Oslo"})
    saving.tell(shop, lambda known: {"brand": "New"}, by="staff:ada", reason="ticket 7")

    with CaptureQueriesContext(connection) as queries:
        page = text_of(desk, address(shop))

    assert len(queries) <= 15
    text = visible(page)
    assert "Time zone Europe/Oslo Wix" in text
    assert "by staff:ada: ticket 7" in text
    assert "Brand <b>Old</b> New" in text
    assert "Banned words cheap, deal open" in text
    assert "<b>Old</b>" not in page


def test_a_shop_that_has_said_nothing_has_a_page_too(desk: Client) -> None:
    assert "None: the shop has set nothing" in visible(text_of(desk, address(site())))


def test_staff_see_what_would_change_say_why_and_save_it(desk: Client) -> None:
    shop = site()
    said(shop, brand="Old", tone="expert", competitors=["Lidl"])
    fields = {"version": 1, "brand": "New", "tone": "expert", "competitors": "Lidl\r\n Obi \nObi", "voice": "A\n\nB"}

    asked = visible(desk.post(address(shop, "edit/"), fields).content.decode())
    assert "Brand Old New" in asked
    assert "Competitors Lidl Lidl, Obi" in asked
    assert "Tone" not in asked.split("setting now then")[1]
    assert SiteProfile.objects.count() == 1
    unsaid = desk.post(address(shop, "edit/"), {**fields, "confirmed": "1", "reason": ""})
    assert "This field is required" in unsaid.content.decode()
    answer = desk.post(address(shop, "edit/"), {**fields, "confirmed": "1", "reason": "ticket 7"})

    assert answer.status_code == 302
    profile = newest(shop.pk)
    assert profile is not None
    assert profile.told == {"brand": "New", "tone": "expert", "competitors": ["Lidl", "Obi"], "voice": "A\n\nB"}
    assert (profile.by, profile.reason) == ("staff:ada", "ticket 7")
    entry = AuditEntry.objects.get(action="edit_profile")
    assert (entry.site_id, entry.reason) == (shop.pk, "ticket 7")
    assert entry.before == {"brand": "Old", "voice": None, "competitors": ["Lidl"]}
    assert entry.after == {"brand": "New", "voice": "A\n\nB", "competitors": ["Lidl", "Obi"]}


def test_a_blogs_page_says_by_which_version_it_is_written(desk: Client) -> None:
    shop = site()
    said(shop, brand="Old")
    blog = pending_generation(shop)
    said(shop, brand="Newer")

    assert f'<a href="{address(shop)}">version 1</a>' in blog_page(desk, blog.pk)


def test_what_the_shop_saved_meanwhile_is_not_overwritten(desk: Client) -> None:
    shop = site()
    said(shop, brand="Old")
    said(shop, brand="Newer")

    answer = desk.post(
        address(shop, "edit/"), {"version": 1, "brand": "Mine", "confirmed": "1", "reason": "x"}
    ).content.decode()

    assert "saved by someone else meanwhile" in answer
    assert newest(shop.pk).told == {"brand": "Newer"}  # type: ignore[union-attr]


def test_what_the_shop_set_to_nothing_stays_set_to_nothing(desk: Client) -> None:
    shop = site()
    said(shop, brand="", categories=[], sells="Mugs")

    desk.post(address(shop, "edit/"), {"version": 1, "sells": "Cups", "confirmed": "1", "reason": "x"})

    assert newest(shop.pk).told == {"brand": "", "categories": [], "sells": "Cups"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "wrong",
    [
        {"brand": "x" * 101},
        {"banned_words": "\n".join(f"word {number}" for number in range(51))},
        {"banned_words": "x" * 61},
        {"time_zone": "Mars/Base"},
        {"language": "German"},
        {"tone": "angry"},
        {"quality_threshold": "101"},
        {"brand": "a\x00b"},
    ],
)
def test_what_is_not_allowed_is_said_beside_its_field(desk: Client, wrong: dict[str, str]) -> None:
    shop = site()

    answer = desk.post(address(shop, "edit/"), {"version": 0, "confirmed": "1", "reason": "x", **wrong})

    assert answer.status_code == 200
    assert 'class="errorlist"' in answer.content.decode()
    assert not SiteProfile.objects.exists()

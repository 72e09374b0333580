from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from blogs.models import AuditEntry, SiteLine
from tests.support.blogs.desk_pages import act, ids_listed, site_page, visible
from tests.support.factories import pending_generation, processing_generation, site
from wix.models import Site

pytestmark = pytest.mark.django_db

SITES = "admin:wix_site_changelist"


def paused(shop: Site) -> bool:
    return SiteLine.objects.get(site=shop).paused


def test_a_line_is_paused_and_resumed(desk: Client) -> None:
    shop, other = site(), site()
    pending_generation(shop)

    assert act(desk, "pause", shop.pk, other.pk, url_name=SITES) == "Paused 2 with 1 blog waiting."
    assert paused(shop)
    assert act(desk, "pause", shop.pk, url_name=SITES) == "Changed none. 1 needed no change."
    assert act(desk, "resume", shop.pk, url_name=SITES) == "Resumed 1 with 1 blog waiting."
    assert not paused(shop)
    assert paused(other)


def test_pausing_leaves_a_trace_of_who_did_it(desk: Client) -> None:
    shop = site()

    act(desk, "pause", shop.pk, url_name=SITES)

    entry = AuditEntry.objects.get(site_id=shop.pk)
    assert (entry.by, entry.action) == ("ada", "pause_line")


def test_who_may_only_view_cannot_pause(desk_with: Callable[..., Client]) -> None:
    shop = site()
    pending_generation(shop)

    act(desk_with("wix.view_site"), "pause", shop.pk, url_name=SITES)

    assert not paused(shop)


def test_only_name_and_language_can_be_edited(desk: Client) -> None:
    shop = site(name="Old")

    fields = {"name": "New", "language": "pt-BR", "url": "https://evil.example", "removed_at_0": "2026-01-01"}
    desk.post(f"/admin/wix/site/{shop.pk}/change/", fields)

    changed = Site.objects.get(pk=shop.pk)
    assert (changed.name, changed.language) == ("New", "pt-BR")
    assert (changed.url, changed.removed_at) == (shop.url, None)


def test_a_language_that_is_none_is_refused(desk: Client) -> None:
    shop = site(name="Old")

    answer = desk.post(f"/admin/wix/site/{shop.pk}/change/", {"name": "New", "language": "English please"})

    assert "This is not BCP 47." in answer.content.decode()
    assert Site.objects.get(pk=shop.pk).name == "Old"


def test_the_list_shows_credits_and_what_each_line_is_at(desk: Client) -> None:
    shop = site(name="Nordlicht", credits=100)
    processing_generation(shop)
    pending_generation(shop)

    page = visible(desk.get("/admin/wix/site/").content.decode())

    # balance, held, available, waiting, in flight
    assert "100 50 50 1 1" in page


def test_a_site_is_found_by_instance_id_and_by_name(desk: Client) -> None:
    shop, other = site(name="Nordlicht"), site(name="Zebra")

    assert ids_listed(desk, SITES, q=str(other.instance_id)) == [other.pk]
    assert ids_listed(desk, SITES, q="NORD") == [shop.pk]
    assert ids_listed(desk, SITES, q="licht") == []


def test_a_site_that_never_asked_for_anything_opens(desk: Client) -> None:
    page = visible(site_page(desk, site(credits=0).pk))

    assert "It has never asked for a blog." in page
    assert "It has no account yet" in page


def test_pausing_asks_why_and_the_first_page_says_it(desk: Client) -> None:
    shop = site(name="Nordlicht")
    pending_generation(shop)
    fields = {"action": "pause", "_selected_action": [shop.pk], "index": 0}

    asked = desk.post("/admin/wix/site/", fields).content.decode()

    assert "1 shop with 1 blog in line: Pause the line." in visible(asked)
    assert not paused(shop)
    act(desk, "pause", shop.pk, url_name=SITES, reason="the shop asked for it")
    assert paused(shop)
    assert "the shop asked for it" in visible(desk.get("/admin/").content.decode())


def test_without_a_reason_nothing_is_paused(desk: Client) -> None:
    shop = site()
    pending_generation(shop)

    act(desk, "pause", shop.pk, url_name=SITES, reason=" ")

    assert not paused(shop)

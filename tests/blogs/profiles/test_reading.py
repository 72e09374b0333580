"""What Wix says of a shop fills its profile, after its first blog and beside all others."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from blogs.models import ProfileReading, SiteProfile, Status
from blogs.profiles import reading, saving
from blogs.profiles.settings import newest
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import attempt_one
from tests.support.sandbox_fixtures import PRODUCTS
from wix.client.site_properties import parsed
from wix.models import Catalogue, Site
from workers.context.process_memory import forget_everything


def said_by(sandbox: Sandbox, shop: Site, **properties: Any) -> None:
    sandbox.add_shop(str(shop.instance_id), "Wool Wix", products=PRODUCTS, properties=properties)


def test_after_its_first_blog_a_worker_fills_it(sandbox: Sandbox, shop: Site) -> None:
    said_by(sandbox, shop, businessName="Wool & Co\n", description="Scarves, knitted here.", timeZone="Europe/Oslo")
    factories.pending_generation(shop)

    done = attempt_one()
    assert (done.status, done.profile_id) == (Status.DONE, None)
    assert sandbox.requests("wix", "site_properties") == []
    reading.work_off()

    profile = newest(shop.pk)
    assert profile is not None
    assert profile.settings == {
        "brand": "Wool & Co",
        "sells": "Scarves, knitted here.",
        "time_zone": "Europe/Oslo",
    }
    assert (profile.by, profile.told) == ("Wix", {})
    assert factories.pending_generation(shop).profile_id == profile.pk


def test_where_its_owner_says_nothing_the_catalog_says_what_it_sells(sandbox: Sandbox, shop: Site) -> None:
    said_by(sandbox, shop)
    factories.pending_generation(shop)
    attempt_one()

    reading.work_off()

    profile = newest(shop.pk)
    assert profile is not None
    assert profile.settings["brand"] == "Wool Wix"
    assert set(profile.settings["sells"].split(", ")) == {each["name"] for each in PRODUCTS}


def test_what_people_set_is_never_overwritten(sandbox: Sandbox, shop: Site) -> None:
    said_by(sandbox, shop, businessName="Wool & Co")
    saving.tell(shop, lambda known: {"brand": "Wool!", "time_zone": ""}, by="the shop")
    reading.want(shop.pk)

    reading.work_off()

    profile = newest(shop.pk)
    assert profile is not None
    assert (profile.version, profile.settings["brand"], profile.settings["time_zone"]) == (2, "Wool!", "")
    assert profile.found["brand"] == "Wool & Co"


def test_a_shop_is_read_once_however_many_blogs_and_processes_it_has(sandbox: Sandbox, shop: Site) -> None:
    said_by(sandbox, shop)
    for _ in range(2):
        factories.pending_generation(shop)
        attempt_one()
        forget_everything()
        reading.work_off()

    assert len(sandbox.requests("wix", "site_properties")) == 1
    assert SiteProfile.objects.count() == 1


def read_before(hours: float) -> None:
    with connection.cursor() as cursor:
        for table in ("blogs_profilereading", "wix_catalogue"):
            cursor.execute(f"UPDATE {table} SET read_at = read_at - %s * interval '1 hour'", [hours])


def one_blog_later(shop: Site) -> SiteProfile:
    forget_everything()
    factories.pending_generation(shop)
    attempt_one()
    reading.work_off()
    profile = newest(shop.pk)
    assert profile is not None
    return profile


def test_a_day_later_it_is_read_again_beside_what_people_set(sandbox: Sandbox, shop: Site, settings: Any) -> None:
    settings.WIX_CATALOGUE_MAX_AGE_SECONDS = 7 * 86_400
    said_by(sandbox, shop, businessName="Wool & Co", description="Scarves.", timeZone="Europe/Oslo")
    one_blog_later(shop)
    saving.tell(shop, lambda known: {"brand": "Wool!"}, by="the shop")
    said_by(sandbox, shop, businessName="Wool and More", description="Scarves and hats.", timeZone="Europe/Oslo")

    read_before(hours=23)
    assert one_blog_later(shop).settings["sells"] == "Scarves."
    read_before(hours=2)
    again = one_blog_later(shop)

    assert (again.version, again.by, again.told) == (3, "Wix", {"brand": "Wool!"})
    assert (again.settings["brand"], again.settings["sells"]) == ("Wool!", "Scarves and hats.")
    assert again.found["brand"] == "Wool and More"
    assert factories.pending_generation(shop).profile_id == again.pk


def test_what_wix_says_as_before_makes_no_version(sandbox: Sandbox, shop: Site) -> None:
    said_by(sandbox, shop)
    first = one_blog_later(shop)
    read_before(hours=25)

    assert one_blog_later(shop).pk == first.pk
    assert len(sandbox.requests("wix", "site_properties")) == 2


def test_with_a_catalog_that_was_read_again_it_is_read_an_hour_later(sandbox: Sandbox, shop: Site) -> None:
    said_by(sandbox, shop)
    first = one_blog_later(shop)
    lamps = [{**PRODUCTS[0], "name": "Brass lamp"}]
    sandbox.add_shop(str(shop.instance_id), "Wool Wix", products=lamps, properties={})
    read_before(hours=2)
    Catalogue.objects.update(read_at="2020-01-01T00:00Z")

    again = one_blog_later(shop)

    assert (again.version, again.settings["sells"]) == (first.version + 1, "Brass lamp")


@pytest.mark.django_db
def test_without_a_catalog_what_it_sells_stays_as_it_was_told() -> None:
    shop = factories.site()
    before = {"sells": "Mug, Cup"}

    with_examples = [reading._examples(shop, told) for told in ("Mug, Cup", "")]

    assert with_examples == ["Mug, Cup", ""]
    assert reading.found(shop, parsed({"properties": {}}), before)["sells"] == "Mug, Cup"


def test_where_wix_tells_nothing_any_more_what_it_said_stays(sandbox: Sandbox, shop: Site) -> None:
    said_by(sandbox, shop, businessName="Wool & Co", description="Scarves.")
    first = one_blog_later(shop)
    read_before(hours=25)
    sandbox.fault("wix", "403", "site_properties")

    assert one_blog_later(shop).pk == first.pk
    assert "stays" in ProfileReading.objects.get().outcome


def test_where_wix_refuses_its_name_must_do(sandbox: Sandbox, shop: Site) -> None:
    sandbox.fault("wix", "403", "site_properties")
    reading.want(shop.pk)

    reading.work_off()

    profile = newest(shop.pk)
    assert profile is not None
    assert profile.settings == {"brand": shop.name}


def test_while_wix_fails_it_is_put_off_and_given_up_in_the_end(sandbox: Sandbox, shop: Site) -> None:
    sandbox.fault("wix", "500", "site_properties", times=20)
    reading.want(shop.pk)

    reading.work_off()

    row = ProfileReading.objects.get()
    assert row.due_at is not None
    assert (row.attempts, row.outcome.startswith("put off")) == (1, True)
    ProfileReading.objects.update(attempts=7, due_at=row.due_at.replace(year=2020))
    reading.work_off()
    over = ProfileReading.objects.get()
    assert (over.due_at, over.outcome.startswith("given up")) == (None, True)
    assert not SiteProfile.objects.exists()


def test_what_a_killed_worker_left_is_taken_again(sandbox: Sandbox, shop: Site) -> None:
    reading.want(shop.pk)
    assert reading._take() is not None

    reading.work_off()
    assert not SiteProfile.objects.exists()

    row = ProfileReading.objects.get()
    assert row.due_at is not None
    ProfileReading.objects.update(due_at=row.due_at.replace(year=2020))
    reading.work_off()
    assert SiteProfile.objects.count() == 1


@pytest.mark.parametrize("answer", [{}, {"timeZone": "Mars/Base"}, {"timeZone": "../../etc/passwd"}, {"timeZone": 7}])
def test_a_zone_that_is_none_is_left_open(answer: dict[str, Any]) -> None:
    site = factories.SiteFactory.build(name="A\u202eB" + "x" * 200)

    found = reading.found(site, parsed({"properties": {"businessName": site.name, "description": "x", **answer}}))

    assert "time_zone" not in found
    assert (len(found["brand"]) <= 100, "\u202e" in found["brand"]) == (True, False)

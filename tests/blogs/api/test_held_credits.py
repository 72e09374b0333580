"""A blog costs what was held when it was asked for; a price that changes meanwhile is for later ones."""

from __future__ import annotations

from typing import Any

import pytest

from blogs.queue import lifecycle
from credits.models import CreditAccount
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("price", [1, 40])
def test_the_api_tells_what_is_held_and_not_what_a_blog_costs_now(api: Any, settings: Any, price: int) -> None:
    shop = factories.site(credits=1_000)
    client = api(shop)
    first = client.post().json()
    settings.BLOG_CREDITS = price

    second = client.post().json()

    told = {
        blog["id"]: client.get(f"/api/blog-generation/{blog['id']}").json()["creditsHeld"] for blog in (first, second)
    }
    assert (first["creditsHeld"], second["creditsHeld"]) == (25, price)
    assert told == {first["id"]: 25, second["id"]: price}
    assert CreditAccount.objects.get(site=shop).held == 25 + price


def test_one_that_staff_retry_is_held_at_the_new_price(api: Any, settings: Any) -> None:
    shop = factories.site(credits=1_000)
    failed = factories.failed_generation(shop)
    settings.BLOG_CREDITS = 40

    assert api(shop).get(f"/api/blog-generation/{failed.pk}").json()["creditsHeld"] == 0
    lifecycle.requeue(failed.pk, by="staff:ada")
    settings.BLOG_CREDITS = 7

    assert api(shop).get(f"/api/blog-generation/{failed.pk}").json()["creditsHeld"] == 40

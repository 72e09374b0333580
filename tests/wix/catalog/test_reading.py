from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from tests.sandbox import Sandbox
from tests.support.threads import at_once
from wix import catalog
from wix.catalog import api, store
from wix.models import Catalogue, CatalogueProduct
from workers.errors import RateLimited, TransientError

BOTH = pytest.mark.parametrize("version", ["V1_CATALOG", "V3_CATALOG"])
WINTER = "11111111-0000-4000-8000-000000000000"


@pytest.fixture
def shop() -> str:
    return str(uuid.uuid4())


def fitting(shop: str, topic: str = "wool scarf", **more: Any) -> list[str]:
    found = catalog.fitting(shop, topic, at_most=6, seconds=60, **more)
    return [product["name"] for product in found]


def pages(sandbox: Sandbox) -> int:
    return len(sandbox.requests("wix", "products_query"))


def row(shop: str) -> Catalogue:
    return Catalogue.objects.get(pk=shop)


def grow_old(shop: str, **age: float) -> None:
    Catalogue.objects.filter(pk=shop).update(read_at=F("read_at") - timedelta(**age))


def rows(shop: str) -> int:
    return CatalogueProduct.objects.filter(catalogue_id=shop).count()


@BOTH
def test_twenty_blogs_read_five_hundred_products_once(sandbox: Sandbox, shop: str, version: str) -> None:
    hidden = [{"id": "hidden", "name": "Wool scarf that is hidden", "visible": False}]
    sandbox.add_shop(shop, catalog_version=version, products=hidden, generate=500)

    first, *others = at_once(*[lambda: fitting(shop, patience=60)] * 20)

    assert all(chosen == first for chosen in others)
    assert first[:5] == [f"Wool scarf {number}" for number in (100, 200, 300, 400, 500)]
    # In V1 only a page that isn't full says that it is the last.
    assert pages(sandbox) == (6 if version == "V1_CATALOG" else 5)
    assert len(sandbox.requests("wix", "catalog_version")) == 1
    assert (row(shop).products, rows(shop), row(shop).version) == (500, 500, version)


@BOTH
def test_each_page_is_asked_for_as_wix_wants_it(sandbox: Sandbox, shop: str, version: str) -> None:
    sandbox.add_shop(shop, catalog_version=version, generate=150)

    fitting(shop)

    first, second = (sent["body"] for sent in sandbox.requests("wix", "products_query"))
    if version == "V1_CATALOG":
        query = {"sort": '[{"numericId": "asc"}]', "paging": {"limit": 100, "offset": 0}}
        assert first == {"query": {"filter": '{"visible": true}', **query}, "includeVariants": False}
        after = json.loads(second["query"].pop("filter"))["numericId"]["$gt"]
        assert (second, isinstance(after, int)) == ({"query": query, "includeVariants": False}, True)
    else:
        assert first["query"] == {"cursorPaging": {"limit": 100}, "filter": {"visible": True}}
        assert second["query"]["cursorPaging"].keys() == {"limit", "cursor"}
        assert second["query"].keys() == {"cursorPaging"}
        assert first["fields"] == second["fields"]


def test_without_numeric_ids_v1_is_paged_by_offset(sandbox: Sandbox, shop: str) -> None:
    products = [{"id": f"p-{n}", "name": f"Cup {n}", "more": {"numericId": None}} for n in range(120)]
    sandbox.add_shop(shop, catalog_version="V1_CATALOG", products=products)

    fitting(shop)

    assert row(shop).products == 120


@pytest.mark.parametrize("versions", [("V1_CATALOG", "V3_CATALOG"), ("V3_CATALOG", "V1_CATALOG")])
def test_a_shop_that_moves_in_the_middle_is_read_again_in_the_other_form(
    sandbox: Sandbox, shop: str, versions: tuple[str, str]
) -> None:
    before, after = versions
    sandbox.add_shop(shop, catalog_version=before, generate=250, movesAfterPages=2, movesTo=after)

    fitting(shop)

    assert (row(shop).version, row(shop).products, rows(shop)) == (after, 250, 250)
    assert len(sandbox.requests("wix", "catalog_version")) == 2
    assert pages(sandbox) == 2 + 1 + 3


def test_what_a_failed_reader_has_read_is_not_read_again(sandbox: Sandbox, shop: str) -> None:
    sandbox.add_shop(shop, generate=350)
    sandbox.fault("wix", "500", "products_query", match='cursor":')

    with pytest.raises(TransientError):
        fitting(shop)
    assert (row(shop).shown, row(shop).found) == (0, 100)
    fitting(shop)

    assert (row(shop).products, pages(sandbox)) == (350, 5)


def test_a_reader_leaves_off_in_time_for_its_deadline_and_spends_no_attempt(sandbox: Sandbox, shop: str) -> None:
    sandbox.add_shop(shop, generate=150)

    with pytest.raises(RateLimited) as put_off:
        catalog.fitting(shop, "wool", at_most=6, seconds=0)

    assert (put_off.value.code, put_off.value.retry_in) == ("catalogue_being_read", 1.0)
    assert isinstance(store.state(shop), store.Reading)


def test_a_killed_readers_place_is_taken_when_its_time_is_over(sandbox: Sandbox, shop: str) -> None:
    sandbox.add_shop(shop, generate=150)
    killed = store.state(shop)
    with pytest.raises(RateLimited):
        fitting(shop, patience=0)

    Catalogue.objects.filter(pk=shop).update(reading_until=timezone.now() - timedelta(seconds=1))

    assert fitting(shop)
    assert row(shop).reading == killed.number == 1  # type: ignore[union-attr]


def test_of_two_readers_of_one_page_one_is_taken(sandbox: Sandbox, shop: str) -> None:
    sandbox.add_shop(shop, generate=150)
    mine = store.state(shop)
    assert isinstance(mine, store.Reading)
    page = api.page(shop, "V3_CATALOG", "", seconds=60)

    kept = at_once(*[lambda: store.keep(mine, page)] * 2)

    assert [bool(taken) for taken in kept].count(True) == 1
    assert rows(shop) == 100


def test_a_cursor_that_wix_has_forgotten_means_from_the_start(sandbox: Sandbox, shop: str) -> None:
    sandbox.add_shop(shop, generate=150)
    sandbox.fault("wix", "500", "products_query", match='cursor":')
    with pytest.raises(TransientError):
        fitting(shop)
    Catalogue.objects.filter(pk=shop).update(position='{"cursor": "nonsense"}')

    fitting(shop)

    assert (row(shop).products, rows(shop)) == (150, 150)


def test_the_old_catalog_is_shown_until_the_new_one_is_whole(sandbox: Sandbox, shop: str) -> None:
    sandbox.add_shop(shop, products=[{"id": f"old-{n}", "name": f"Old cup {n}"} for n in range(3)])
    assert len(fitting(shop)) == 3
    sandbox.add_shop(shop, generate=150)
    grow_old(shop, seconds=3_601)
    sandbox.fault("wix", "500", "products_query", match='cursor":')

    before = pages(sandbox)
    assert fitting(shop) == fitting(shop) == ["Old cup 0", "Old cup 1", "Old cup 2"]
    assert rows(shop) == 103
    assert pages(sandbox) == before + 2  # who comes after a failed reading goes by the old one at once

    Catalogue.objects.filter(pk=shop).update(reading_until=None)
    assert len(fitting(shop)) == 6
    assert (rows(shop), row(shop).has_outdated) == (150, False)


def test_a_day_old_one_is_not_gone_by_any_more(sandbox: Sandbox, shop: str) -> None:
    sandbox.add_shop(shop, products=[{"id": "old", "name": "Old cup"}])
    fitting(shop)
    grow_old(shop, days=1)
    store.state(shop)
    Catalogue.objects.filter(pk=shop).update(reading_began_at=timezone.now() - timedelta(seconds=10))

    with pytest.raises(RateLimited) as put_off:
        fitting(shop)

    assert 9 < put_off.value.retry_in < 31


@pytest.mark.parametrize(
    ("version", "fault"),
    [
        ("STORES_NOT_INSTALLED", None),
        ("PROVISIONING", None),
        ("V1_CATALOG", "401"),
        ("V3_CATALOG", "not_found"),
    ],
)
def test_no_stores_is_an_empty_catalog_and_looked_for_again(
    sandbox: Sandbox, shop: str, version: str, fault: str | None
) -> None:
    sandbox.add_shop(shop, catalog_version=version, generate=3)
    if fault:
        sandbox.fault("wix", fault, "products_query", times=None)

    assert fitting(shop) == fitting(shop) == []
    assert row(shop).version == ("STORES_NOT_INSTALLED" if version == "STORES_NOT_INSTALLED" else "")
    before = len(sandbox.requests("wix"))
    sandbox.clear_faults()
    sandbox.add_shop(shop, generate=3)
    grow_old(shop, seconds=601)

    assert len(fitting(shop)) == 3
    assert len(sandbox.requests("wix")) == before + 2


@pytest.mark.parametrize(
    ("version", "fault", "still_shown"),
    [
        ("STORES_NOT_INSTALLED", None, False),
        ("PROVISIONING", None, True),
        ("V3_CATALOG", "not_found", True),
        ("V3_CATALOG", "reset", True),
    ],
)
def test_only_where_wix_says_that_there_are_no_stores_does_a_catalog_go(
    sandbox: Sandbox, shop: str, version: str, fault: str | None, still_shown: bool
) -> None:
    products = [{"id": "p", "name": "Cup"}]
    sandbox.add_shop(shop, products=products)
    fitting(shop)
    grow_old(shop, seconds=3_601)
    sandbox.add_shop(shop, catalog_version=version, products=products)
    if fault:
        sandbox.fault("wix", fault, "products_query", times=None)

    assert fitting(shop) == (["Cup"] if still_shown else [])


@pytest.mark.parametrize("versions", [("V1_CATALOG", "V3_CATALOG"), ("V3_CATALOG", "V1_CATALOG")])
def test_a_reading_of_the_version_that_was_left_ends(sandbox: Sandbox, shop: str, versions: tuple[str, str]) -> None:
    before, after = versions
    sandbox.add_shop(shop, catalog_version=before, generate=150)
    mine = store.state(shop)
    assert isinstance(mine, store.Reading)
    store.remember_version(shop, before)
    mine = store.Reading(shop, mine.number, before)
    page = api.page(shop, before, "", seconds=60)

    store.remember_version(shop, after)

    assert store.keep(mine, page) is None
    assert (row(shop).reading_began_at, row(shop).has_outdated) == (None, True)


def test_a_failed_reader_gives_up_its_place_also_after_starting_over(sandbox: Sandbox, shop: str) -> None:
    sandbox.add_shop(shop, generate=250, movesAfterPages=1, movesTo="V1_CATALOG")
    sandbox.fault("wix", "500", "products_query", match="numericId")

    with pytest.raises(TransientError):
        fitting(shop)

    assert (row(shop).version, row(shop).reading, row(shop).reading_until) == ("V1_CATALOG", 2, None)


@pytest.mark.parametrize("more", [{}, {"numericId": None}])
def test_a_page_of_v1_that_is_not_full_is_not_taken_for_the_last(
    sandbox: Sandbox, shop: str, more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    products = [{"id": f"p-{n}", "name": f"Cup {n}", "more": more} for n in range(5)]
    sandbox.add_shop(shop, catalog_version="V1_CATALOG", products=products)
    monkeypatch.setattr("tests.sandbox.wix_filters.limit_of", lambda paging, default=50: 2)

    fitting(shop)

    assert (row(shop).products, pages(sandbox)) == (5, 3)


def test_changes_make_it_read_again_but_not_with_each_of_them(sandbox: Sandbox, shop: str) -> None:
    sandbox.add_shop(shop, products=[{"id": "p", "name": "Cup"}])
    assert not catalog.refresh(shop)
    fitting(shop)

    assert [catalog.refresh(shop) for _ in range(3)] == [True, False, False]
    fitting(shop)
    assert pages(sandbox) == 1
    grow_old(shop, minutes=6)
    fitting(shop)
    fitting(shop)
    assert pages(sandbox) == 2


@BOTH
def test_a_collections_products_come_from_the_same_reading(sandbox: Sandbox, shop: str, version: str) -> None:
    products: list[dict[str, Any]] = [
        {"id": "a", "name": "Cup"},
        {"id": "b", "name": "Warm cap", "collections": [WINTER]},
    ]
    sandbox.add_shop(shop, catalog_version=version, products=products, collections={WINTER: "Warm &amp; dry"})

    assert catalog.collection_name(shop, WINTER, seconds=60) == "Warm & dry"
    assert catalog.collection_name(shop, str(uuid.uuid4()), seconds=60) is None
    assert fitting(shop, collection_id=WINTER) == ["Warm cap"]
    assert pages(sandbox) == 1


def test_pruning_takes_what_is_not_needed(sandbox: Sandbox) -> None:
    from tests.support.factories import site

    used, unused, removed = site(), site(), site(removed_at=timezone.now())
    shops = [str(known.instance_id) for known in (used, unused, removed)]
    for shop in shops:
        sandbox.add_shop(shop, generate=3)
        fitting(shop)
    Catalogue.objects.filter(pk=shops[1]).update(used_at=timezone.now() - timedelta(days=31))
    killed = {"reading": 2, "reading_began_at": timezone.now() - timedelta(minutes=16)}
    Catalogue.objects.filter(pk=shops[0]).update(**killed)
    left = CatalogueProduct.objects.filter(catalogue_id=shops[0])
    left.create(
        **{
            **left.values("catalogue_id", "product_id", "in_stock", "words", "data")[0],
            "reading": 2,
            "collection_ids": [],
        }
    )

    catalog.prune()

    assert [rows(shop) for shop in shops] == [3, 0, 0]
    assert [str(known.pk) for known in Catalogue.objects.all()] == shops[:1]
    assert len(fitting(shops[0])) == 3

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from blogs.models import Stage, StageOutput, Status
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.books import last_event
from tests.support.blogs.pipeline import Attempt, free_and_balance, warnings
from tests.support.front import Answer, Front
from tests.support.sandbox_fixtures import PRODUCTS
from wix.models import Catalogue, Site

WINTER = "11111111-0000-4000-8000-000000000000"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("version", ["V1_CATALOG", "V3_CATALOG"])
@pytest.mark.parametrize(("collection", "names"), [(WINTER, ["Alpaca Mittens"]), ("empty", None)])
def test_a_collection_becomes_an_article_about_it(
    sandbox: Sandbox, attempt: Attempt, version: str, collection: str, names: list[str] | None
) -> None:
    site = factories.site()
    products = [*PRODUCTS[:2], {**PRODUCTS[2], "collections": [WINTER]}]
    collections = {WINTER: "Winter things", "empty": "Warm beanies"}
    sandbox.add_shop(str(site.instance_id), catalog_version=version, products=products, collections=collections)
    factories.pending_generation(site, source_type="collection", source_id=collection)

    done = attempt()

    assert done.status == Status.DONE, done.error_message
    output = StageOutput.objects.get(generation=done, stage=Stage.PRODUCTS).output
    assert output["source_text"] == collections[collection]
    found = [product["name"] for product in output["products"]]
    assert found == names if names else found[0] == "Lambswool Beanie"


@pytest.mark.parametrize("version", ["V1_CATALOG", "V3_CATALOG", "STORES_NOT_INSTALLED"])
@pytest.mark.parametrize("source", ["collection", "product"])
def test_what_is_unknown_or_hidden_fails_and_says_so(
    sandbox: Sandbox, attempt: Attempt, version: str, source: str
) -> None:
    site = factories.site()
    hidden = {**PRODUCTS[0], "visible": False}
    sandbox.add_shop(str(site.instance_id), catalog_version=version, products=[hidden])
    factories.pending_generation(site, source_type=source, source_id=hidden["id"])

    failed = attempt()

    assert (failed.status, failed.error_code) == (Status.FAILED, "source_not_found")
    # V3 doesn't admit to having one that it hides.
    assert ("hidden" in failed.error_message) == (version == "V1_CATALOG" and source == "product")


def test_a_blog_that_waits_for_the_catalog_spends_no_attempt(sandbox: Sandbox, attempt: Attempt, settings: Any) -> None:
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "products": 0}
    site = factories.site()
    sandbox.add_shop(str(site.instance_id), generate=150)
    factories.pending_generation(site)

    waits = attempt()

    assert (waits.status, waits.attempts, last_event(waits).code) == (Status.PENDING, 0, "catalogue_being_read")
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "products": 60}
    assert attempt().status == Status.DONE
    assert Catalogue.objects.get().products == 150


@pytest.mark.parametrize("version", ["V1_CATALOG", "V3_CATALOG"])
def test_a_product_becomes_an_article_about_it(sandbox: Sandbox, attempt: Attempt, version: str) -> None:
    site = factories.site()
    sandbox.add_shop(str(site.instance_id), "Wool & Co", catalog_version=version, products=PRODUCTS)
    factories.pending_generation(site, source_type="product", source_id=PRODUCTS[1]["id"])

    done = attempt()

    assert done.status == Status.DONE
    products = StageOutput.objects.get(generation=done, stage=Stage.PRODUCTS).output
    assert products["source_text"] == "Lambswool Beanie"
    assert products["products"][0]["text"].startswith("A warm beanie")


@pytest.mark.parametrize("versions", [("V1_CATALOG", "V3_CATALOG"), ("V3_CATALOG", "V1_CATALOG")])
def test_a_shop_is_asked_for_its_catalog_once_and_again_when_it_has_moved(
    sandbox: Sandbox, attempt: Attempt, versions: tuple[str, str]
) -> None:
    site = factories.site()
    for version in versions:
        sandbox.add_shop(str(site.instance_id), "Wool & Co", catalog_version=version, products=PRODUCTS)
        for _ in range(2):
            generation = factories.pending_generation(site, source_type="product", source_id=PRODUCTS[1]["id"])
            assert attempt().status == Status.DONE
            assert generation.outputs.get(stage=Stage.PRODUCTS).output["source_text"] == "Lambswool Beanie"

    assert len(sandbox.requests("wix", "catalog_version")) == 2


@pytest.mark.parametrize("version", ["V1_CATALOG", "V3_CATALOG", "STORES_NOT_INSTALLED"])
def test_a_product_that_does_not_exist_fails_and_says_so(sandbox: Sandbox, attempt: Attempt, version: str) -> None:
    site = factories.site()
    sandbox.add_shop(str(site.instance_id), catalog_version=version, products=PRODUCTS)
    factories.pending_generation(site, source_type="product", source_id="99999999-0000-4000-8000-000000000000")

    failed = attempt()

    assert (failed.status, failed.error_code) == (Status.FAILED, "source_not_found")
    assert free_and_balance(site) == (1_000, 1_000)


@pytest.mark.parametrize("version", ["V1_CATALOG", "V3_CATALOG", "STORES_NOT_INSTALLED"])
def test_a_shop_without_products_gets_its_article_too(sandbox: Sandbox, attempt: Attempt, version: str) -> None:
    site = factories.site()
    sandbox.add_shop(str(site.instance_id), catalog_version=version)
    factories.pending_generation(site)

    assert attempt().status == Status.DONE


BROKEN = {"message": "variant option choice is missing", "details": {"applicationError": {"code": "MISSING_CHOICE"}}}


@pytest.mark.parametrize("version", ["V1_CATALOG", "V3_CATALOG"])
@pytest.mark.parametrize("code", ["MISSING_CHOICE", "", "STORES_IS_TIRED"])
def test_where_wix_cannot_list_the_products_the_blog_says_so(
    front: Front, sandbox: Sandbox, shop: Site, attempt: Attempt, version: str, code: str
) -> None:
    sandbox.add_shop(str(shop.instance_id), catalog_version=version, products=PRODUCTS)
    refusal = {"message": "broken variant", "details": {"applicationError": {"code": code}}}
    front.on("POST", "/products/query", Answer(428, refusal))
    for _ in range(2):
        factories.pending_generation(shop)

        done = attempt()

        assert (done.status, warnings(done)) == (Status.DONE, ["products_refused"])
        assert not Catalogue.objects.filter(read_at__isnull=False).exists()


@pytest.mark.parametrize("source", ["product", "collection"])
def test_a_product_that_wix_cannot_read_is_not_said_to_be_missing(
    front: Front, sandbox: Sandbox, shop: Site, attempt: Attempt, source: str
) -> None:
    front.on("GET", "/(products|categories)/", Answer(428, BROKEN))
    factories.pending_generation(shop, source_type=source, source_id=PRODUCTS[0]["id"])

    failed = attempt()

    assert (failed.status, failed.error_code) == (Status.FAILED, "wix_rejected")
    assert free_and_balance(shop) == (1_000, 1_000)


def test_a_catalog_that_we_do_not_know_is_not_an_empty_one(
    front: Front, sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    front.on("GET", "/provision/version", Answer(200, {"catalogVersion": "V4_CATALOG"}))
    factories.pending_generation(shop)

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, ["products_refused"])
    assert not Catalogue.objects.filter(read_at__isnull=False).exists()


def test_an_empty_catalog_is_not_gone_by_where_wix_refuses_the_products(
    front: Front, sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    sandbox.add_shop(str(shop.instance_id), catalog_version="STORES_NOT_INSTALLED")
    factories.pending_generation(shop)
    assert warnings(attempt()) == []
    Catalogue.objects.update(read_at=F("read_at") - timedelta(hours=1))
    sandbox.add_shop(str(shop.instance_id), products=PRODUCTS)
    front.on("POST", "/products/query", Answer(428, BROKEN))
    factories.pending_generation(shop)

    assert warnings(attempt()) == ["products_refused"]


@pytest.mark.parametrize("version", ["V1_CATALOG", "V3_CATALOG"])
def test_products_that_the_shop_chose_are_those_that_the_article_speaks_of(
    sandbox: Sandbox, attempt: Attempt, version: str
) -> None:
    site = factories.site()
    sandbox.add_shop(str(site.instance_id), "Wool & Co", catalog_version=version, products=PRODUCTS)
    chosen = [PRODUCTS[1]["id"], PRODUCTS[0]["id"]]
    factories.pending_generation(site, product_ids=chosen)

    done = attempt()

    assert done.status == Status.DONE
    kept = StageOutput.objects.get(generation=done, stage=Stage.PRODUCTS).output["products"]
    assert [product["id"] for product in kept] == chosen


def test_a_chosen_product_that_the_shop_does_not_show_fails_the_blog_and_is_named(
    sandbox: Sandbox, attempt: Attempt
) -> None:
    site = factories.site(credits=25)
    sandbox.add_shop(str(site.instance_id), products=PRODUCTS)
    factories.pending_generation(site, product_ids=[PRODUCTS[0]["id"], "99999999-0000-4000-8000-000000000000"])

    failed = attempt()

    assert (failed.status, failed.error_code) == (Status.FAILED, "source_not_found")
    assert "99999999" in failed.error_message
    assert site.credit_account.available == 25

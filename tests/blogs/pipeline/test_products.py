from __future__ import annotations

from typing import Any

import pytest

from blogs.models import Stage, StageOutput, Status
from tests.support import factories
from tests.support.sandbox_fixtures import PRODUCTS
from wix.models import Catalogue

WINTER = "11111111-0000-4000-8000-000000000000"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("version", ["V1_CATALOG", "V3_CATALOG"])
@pytest.mark.parametrize(("collection", "names"), [(WINTER, ["Alpaca Mittens"]), ("empty", None)])
def test_a_collection_becomes_an_article_about_it(
    sandbox: Any, attempt: Any, version: str, collection: str, names: list[str] | None
) -> None:
    site = factories.site()
    products = [*PRODUCTS[:2], {**PRODUCTS[2], "collections": [WINTER]}]
    more = {"collections": {WINTER: "Winter things", "empty": "Warm beanies"}}
    sandbox.add_shop(str(site.instance_id), catalog_version=version, products=products, **more)
    factories.pending_generation(site, source_type="collection", source_id=collection)

    done = attempt()

    assert done.status == Status.DONE, done.error_message
    output = StageOutput.objects.get(generation=done, stage=Stage.PRODUCTS).output
    assert output["source_text"] == more["collections"][collection]
    found = [product["name"] for product in output["products"]]
    assert found == names if names else found[0] == "Lambswool Beanie"


@pytest.mark.parametrize("version", ["V1_CATALOG", "V3_CATALOG", "STORES_NOT_INSTALLED"])
@pytest.mark.parametrize("source", ["collection", "product"])
def test_what_is_unknown_or_hidden_fails_and_says_so(sandbox: Any, attempt: Any, version: str, source: str) -> None:
    site = factories.site()
    hidden = {**PRODUCTS[0], "visible": False}
    sandbox.add_shop(str(site.instance_id), catalog_version=version, products=[hidden])
    factories.pending_generation(site, source_type=source, source_id=hidden["id"])

    failed = attempt()

    assert (failed.status, failed.error_code) == (Status.FAILED, "source_not_found")
    # V3 doesn't admit to having one that it hides.
    assert ("hidden" in failed.error_message) == (version == "V1_CATALOG" and source == "product")


def test_a_blog_that_waits_for_the_catalogue_spends_no_attempt(sandbox: Any, attempt: Any, settings: Any) -> None:
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "products": 0}
    site = factories.site()
    sandbox.add_shop(str(site.instance_id), generate=150)
    factories.pending_generation(site)

    waits = attempt()

    assert (waits.status, waits.attempts, waits.events.last().code) == (Status.PENDING, 0, "catalogue_being_read")
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "products": 60}
    assert attempt().status == Status.DONE
    assert Catalogue.objects.get().products == 150

"""What a shop may say of the article beyond its subject: the products, and its wishes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from blogs.models import BlogGeneration
from tests.support import factories
from tests.support.problems import problem, refused_fields
from wix.models import Catalogue, CatalogueProduct

pytestmark = pytest.mark.django_db

_GOOD = {"sourceType": "keyword", "sourceId": "wool"}


def _catalogue(site: Any, *ids: str, **fields: Any) -> None:
    known = {"version": "V1_CATALOG", "shown": 3, "products": len(ids), "read_at": timezone.now(), **fields}
    catalogue = Catalogue.objects.create(instance_id=site.instance_id, **known)
    for reading, each in [*((3, each) for each in ids), (2, "gone")]:
        CatalogueProduct.objects.create(
            catalogue=catalogue, reading=reading, product_id=each, in_stock=True, collection_ids=[], words="", data={}
        )


def test_products_that_the_shop_does_not_show_are_named_and_nothing_is_charged(api: Any) -> None:
    site = factories.site()
    _catalogue(site, "p1", "p2")

    refused = problem(api(site).post({**_GOOD, "productIds": ["p1", "gone", "nope"]}), 422, "unknown_products")

    assert refused["unknown"] == ["gone", "nope"]
    assert "gone, nope" in refused["detail"]
    assert not BlogGeneration.objects.exists()


def test_products_of_the_shop_are_taken_once_each_and_told_everywhere(api: Any) -> None:
    site = factories.site()
    _catalogue(site, "p1", "p2")

    blog = (
        api(site)
        .post({**_GOOD, "productIds": ["p2", "p1", "p2"], "instructions": " Be  brief.\r\n\r\nName us. "})
        .json()
    )

    assert (blog["productIds"], blog["instructions"]) == (["p2", "p1"], "Be brief.\n\nName us.")
    assert api(site).get("/api/blog-generation").json()["results"][0]["productIds"] == ["p2", "p1"]


@pytest.mark.parametrize("unsure", [None, {"read_at": None}, {"wanted_at": timezone.now()}, {"version": ""}])
def test_where_the_shops_products_are_not_known_the_pipeline_decides(api: Any, unsure: Any) -> None:
    site = factories.site()
    if unsure is not None:
        if "wanted_at" in unsure:
            unsure = {"wanted_at": timezone.now(), "read_at": timezone.now() - timedelta(minutes=1)}
        _catalogue(site, "p1", **unsure)

    assert api(site).post({**_GOOD, "productIds": ["new"]}).status_code == 201


def test_a_repeated_request_is_answered_although_its_product_is_gone(api: Any) -> None:
    site = factories.site()
    _catalogue(site, "p1")
    key, body = {"Idempotency-Key": "k"}, {**_GOOD, "productIds": ["p1"]}
    first = api(site).post(body, **key)
    CatalogueProduct.objects.all().delete()

    assert api(site).post(body, **key).content == first.content


@pytest.mark.parametrize("ids", [["x" * 101], [""], [1], [None], ["\x00"], ["a"] * 21])
def test_ids_that_are_none_are_refused(api: Any, ids: Any) -> None:
    fields = refused_fields(api(factories.site()).post({**_GOOD, "productIds": ids}))

    assert {field.split(".")[0] for field in fields} == {"productIds"}


@pytest.mark.parametrize("instructions", ["x" * 2_001, "\x00", "\u202e", 7, None, ["a"]], ids=ascii)
def test_wishes_that_cannot_be_read_are_refused(api: Any, instructions: Any) -> None:
    assert set(refused_fields(api(factories.site()).post({**_GOOD, "instructions": instructions}))) == {"instructions"}


@pytest.mark.parametrize("more", [{"productIds": ["p9"]}, {"instructions": "Other."}, {"metadata": {"a": "b"}}])
def test_one_key_with_other_wishes_is_another_request(api: Any, more: Any) -> None:
    client, key = api(factories.site()), {"Idempotency-Key": "k"}
    client.post({**_GOOD, "instructions": "Be brief."}, **key)

    problem(client.post({**_GOOD, "instructions": "Be brief.", **more}, **key), 422, "idempotency_key_reused")

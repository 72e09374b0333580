"""A caller who has an answer already need not take it again."""

from __future__ import annotations

from typing import Any

import pytest

from blogs.queue import lifecycle
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/api/blog-generation/{}", "/api/blog-generation", "/api/credits"])
def test_an_answer_that_is_known_is_not_sent_again(api: Any, path: str) -> None:
    site = factories.site()
    client, generation = api(site), factories.processing_generation(site)
    path = path.format(generation.pk)
    first = client.get(path)

    for known in (first["ETag"], f"W/{first['ETag']}", f'"other", {first["ETag"]}', "*"):
        again = client.get(path, **{"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"] == first["ETag"]
        assert again.get("Retry-After") == first.get("Retry-After")
        assert again["X-Request-ID"]
        assert again["Cache-Control"] == "private, no-cache"
        assert "Authorization" in again["Vary"]

    lifecycle.honour_cancel(generation)
    lifecycle.cancel(generation.pk, by="shop")
    if path != "/api/credits":
        changed = client.get(path, **{"If-None-Match": first["ETag"]})
        assert (changed.status_code, changed["ETag"] == first["ETag"]) == (200, False)


def test_another_answer_is_sent_whole(api: Any) -> None:
    client = api(factories.site())
    tag = client.get("/api/credits")["ETag"]
    client.post()

    assert client.get("/api/credits", **{"If-None-Match": tag}).json()["held"] == 25


@pytest.mark.parametrize("known", ["", "nonsense", '"', "x" * 5_000, "*x"])
def test_a_tag_that_is_none_is_no_tag(api: Any, known: str) -> None:
    assert api(factories.site()).get("/api/credits", **{"If-None-Match": known}).status_code == 200


def test_refusals_have_no_tag(api: Any) -> None:
    assert "ETag" not in api(factories.site()).get("/api/blog-generation/1", **{"If-None-Match": "*"})

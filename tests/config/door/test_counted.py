"""Each request is counted by its address' name, whatever answers it."""

from __future__ import annotations

from collections import Counter

import pytest
from django.test import Client

from workers import metrics

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_counters", Counter())


@pytest.mark.parametrize(
    ("method", "path", "counted"),
    [
        ("get", "/health/live", ("health-live", "GET", "200")),
        ("get", "/health/live/", ("health-live", "GET", "200")),
        ("get", "/api/credits", ("credits", "GET", "401")),
        ("post", "/api/blog-generation", ("blog-generation-list", "POST", "401")),
        ("get", "/api/blog-generation/123456", ("blog-generation-detail", "GET", "401")),
        ("post", "/wix/webhooks", ("wix-webhooks", "POST", "503")),
        ("get", "/admin/blogs/bloggeneration/?q=secret", ("admin", "GET", "302")),
        ("get", "/a/strangers/words", ("no-page", "GET", "404")),
    ],
)
def test_by_the_addresss_name_and_never_by_the_path(
    client: Client, method: str, path: str, counted: tuple[str, ...]
) -> None:
    getattr(client, method)(path)

    found = {name: number for name, number in metrics.published().items() if name[0] == metrics.REQUESTS}
    assert found == {(metrics.REQUESTS, *counted): 1}
    assert sum(n for name, n in metrics.published().items() if name[:2] == (metrics.REQUEST_SECONDS, counted[0])) > 1


def test_one_that_is_refused_before_any_address_is_counted_too(client: Client) -> None:
    client.generic("POST", "/health/live", b"x", content_type="application/json; charset=klingon")
    client.generic("BREW", "/health/live")

    found = {name[1:] for name in metrics.published() if name[0] == metrics.REQUESTS}
    assert found == {("unrouted", "POST", "400"), ("health-live", "other", "405")}

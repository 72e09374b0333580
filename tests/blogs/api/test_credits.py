from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from credits import ledger
from tests.support import factories
from tests.support.problems import problem

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/api/credits", "/api/credits/"])
def test_a_site_sees_what_it_can_spend_and_what_is_held(api: Any, path: str) -> None:
    site = factories.site(credits=100)
    factories.pending_generation(site)

    body = api(site).get(path).json()

    sums = {name: body[name] for name in ("available", "held", "balance", "debt", "creditsPerBlog")}
    assert sums == {"available": 75, "held": 25, "balance": 100, "debt": 0, "creditsPerBlog": 25}


def test_recent_entries_come_newest_first(api: Any) -> None:
    site = factories.site(credits=100)
    generation = factories.done_generation(site)

    recent = api(site).get("/api/credits").json()["recent"]

    moves = [(entry["kind"], entry["amount"], entry["balanceChange"], entry["blogId"]) for entry in recent]
    assert moves == [
        ("capture", 25, -25, generation.pk),
        ("hold", 25, 0, generation.pk),
        ("grant", 100, 100, None),
    ]
    assert recent[2]["reason"] == "test"
    assert all(entry["createdAt"] for entry in recent)


def test_twenty_entries_are_enough(api: Any) -> None:
    site = factories.site(credits=0)
    for number in range(25):
        ledger.grant(ledger.lock(site.pk), 1, reason=str(number))

    recent = api(site).get("/api/credits").json()["recent"]

    assert [entry["reason"] for entry in recent] == [str(number) for number in range(24, 4, -1)]


def test_debt_is_shown(api: Any) -> None:
    site = factories.site(credits=10)
    ledger.adjust(ledger.lock(site.pk), -40, reason="chargeback")

    body = api(site).get("/api/credits").json()

    assert (body["available"], body["debt"]) == (0, 30)


def test_a_site_without_an_account_has_nothing(api: Any) -> None:
    body = api(factories.site(credits=0)).get("/api/credits").json()

    assert (body["available"], body["held"], body["recent"]) == (0, 0, [])


def test_the_credits_of_others_are_not_shown(api: Any) -> None:
    factories.site(credits=500)

    body = api(factories.site(credits=75)).get("/api/credits").json()

    assert body["available"] == 75
    assert len(body["recent"]) == 1


def test_a_removed_site_is_refused(api: Any) -> None:
    problem(api(factories.site(removed_at=timezone.now())).get("/api/credits"), 403, "site_removed")

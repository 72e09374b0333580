from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from credits import ledger
from tests.support import factories
from tests.support.problems import problem, refused_fields
from tests.support.query_plans import condition, plan_of

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


def test_this_months_use_is_summed_up_and_the_last_months_is_not(api: Any) -> None:
    site = factories.site(credits=200)
    for _ in range(3):
        factories.done_generation(site)
    blog = factories.done_generation(site)
    with transaction.atomic():
        ledger.refund(ledger.lock(site.pk), blog.pk, reason="an apology")

    body = api(site).get("/api/credits").json()
    month = body["month"]

    assert (month["spent"], month["refunded"], month["blogs"]) == (100, 25, 4)
    assert month["since"].endswith("-01T00:00:00Z")
    assert month["since"] <= body["recent"][0]["createdAt"]
    with time_machine.travel(timezone.now() + timedelta(days=32)):
        later = api(site).get("/api/credits").json()["month"]
    assert (later["spent"], later["refunded"], later["blogs"]) == (0, 0, 0)


def test_every_entry_is_listed_once_in_pages_while_others_arrive(api: Any) -> None:
    site = factories.site(credits=0)
    for number in range(7):
        ledger.grant(ledger.lock(site.pk), 1, reason=str(number))
    client = api(site)

    seen, address = [], "/api/credits/entries?limit=3"
    while address:
        page = client.get(address).json()
        seen += [entry["reason"] for entry in page["results"]]
        address = page["next"]
        ledger.grant(ledger.lock(site.pk), 1, reason="new")

    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


def test_entries_are_narrowed_by_kind_and_by_blog(api: Any) -> None:
    site = factories.site(credits=100)
    first, second = factories.done_generation(site), factories.failed_generation(site)
    client = api(site)

    def listed(query: str) -> list[tuple[str, int | None]]:
        return [
            (each["kind"], each["blogId"]) for each in client.get(f"/api/credits/entries?{query}").json()["results"]
        ]

    assert listed("kind=hold") == [("hold", second.pk), ("hold", first.pk)]
    assert listed(f"blogId={second.pk}") == [("release", second.pk), ("hold", second.pk)]
    assert listed(f"blogId={first.pk}&kind=capture") == [("capture", first.pk)]


@pytest.mark.parametrize(
    "query", ["kind=gift", "kind=", "blogId=a", "blogId=\u0663", "limit=0", "cursor=x", "kinds=hold"]
)
def test_what_no_entry_can_have_is_refused(api: Any, query: str) -> None:
    name = query.partition("=")[0]

    assert set(refused_fields(api(factories.site()).get(f"/api/credits/entries?{query}"))) == {name}


def test_the_entries_of_others_are_not_listed(api: Any) -> None:
    other = factories.done_generation(factories.site(credits=500))

    body = api(factories.site(credits=75)).get("/api/credits/entries").json()
    assert [entry["amount"] for entry in body["results"]] == [75]
    assert api(factories.site(credits=0)).get(f"/api/credits/entries?blogId={other.pk}").json()["results"] == []


def test_a_months_use_is_read_by_an_index_of_its_own(api: Any) -> None:
    client = api(factories.site())
    client.get("/api/credits")

    with connection.cursor() as cursor:
        # Of a table this small, PostgreSQL would read all.
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = plan_of(lambda: client.get("/api/credits"), "GROUP BY")

    assert "created_at" in condition(plan, "credit_spent_of_account")

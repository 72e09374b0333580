"""Ideas without blogs, blogs of ideas, and topics that a site has already."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from blogs.ideas import bank, orders
from blogs.ideas.bank import New
from blogs.models import BlogGeneration, IdeaOrder, Status, Topic
from credits.models import CreditAccount
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import attempt_one, warnings
from tests.support.problems import problem, refused_fields
from tests.support.query_plans import plan_of, read_whole
from wix.models import Site

pytestmark = pytest.mark.django_db


def known(site: Site, text: str, **more: Any) -> int:
    with transaction.atomic():
        added = bank.add(site.pk, New(Topic.Kind.TITLE, text, "en", **more))
    assert added
    return added


def wish(text: str, kind: str = "keyword", **more: Any) -> dict[str, Any]:
    return {"sourceType": kind, "sourceId": text, "onDuplicate": "refuse", **more}


def test_a_topic_that_the_site_has_is_refused_only_where_that_is_asked_for(api: Any) -> None:
    site = factories.site()
    known(site, "How to choose a coffee grinder")

    for more in ({"onDuplicate": "warn"}, {"onDuplicate": "vary"}):
        assert api(site).post({**wish("how to choose a coffee grinder"), **more}).status_code == 201
    plain = wish("How to choose a coffee grinder")
    del plain["onDuplicate"]
    assert api(site).post(plain).status_code == 201

    refused = problem(api(site).post(wish("Choose a COFFEE grinder", "title")), 409, "duplicate_topic")
    assert refused["topic"] == "How to choose a coffee grinder"
    assert CreditAccount.objects.get(site=site).held == 75


def test_a_waiting_blogs_topic_is_refused_and_named(api: Any) -> None:
    site = factories.site()
    first = api(site).post(wish("linen curtains")).json()["id"]

    refused = problem(api(site).post(wish("Linen  curtains!", "prompt")), 409, "duplicate_topic")

    assert refused["blogId"] == first
    assert api(site).post(wish("linen tablecloths")).status_code == 201
    assert api(factories.site()).post(wish("linen curtains")).status_code == 201


def test_a_product_is_compared_with_blogs_about_the_same_product(api: Any) -> None:
    site = factories.site()
    assert api(site).post(wish("p-17", "product")).status_code == 201
    assert api(site).post(wish("p-18", "product")).status_code == 201

    problem(api(site).post(wish("p-17", "product")), 409, "duplicate_topic")

    BlogGeneration.objects.filter(source_id="p-17").update(
        status=Status.CANCELLED, ready=False, finished_at="2026-01-01T00:00:00Z"
    )
    assert api(site).post(wish("p-17", "product")).status_code == 201


def test_a_repeated_request_gets_its_blog_and_no_refusal(api: Any) -> None:
    site = factories.site()

    first, again = (api(site).post(wish("linen curtains"), **{"Idempotency-Key": "k"}) for _ in range(2))

    assert first.content == again.content
    assert BlogGeneration.objects.count() == 1


def test_in_a_bulk_each_is_refused_by_itself(api: Any) -> None:
    site = factories.site()
    wishes = {"blogs": [wish("linen curtains"), wish("linen CURTAINS"), wish("oak shelves")]}

    told = api(site).send("post", "/api/blog-generation/bulk", wishes, **{"Idempotency-Key": "k"}).json()

    assert [result["status"] for result in told["results"]] == [201, 409, 201]


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_at_the_same_moment_one_is_taken(api: Any) -> None:
    site = factories.site()

    def ask(_: int) -> int:
        try:
            return int(api(site).post(wish("linen curtains")).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(ask, range(4))) == [201, 409, 409, 409]
    assert BlogGeneration.objects.count() == 1


def test_on_duplicate_is_strict(api: Any) -> None:
    answer = api(factories.site()).post(wish("linen", onDuplicate="ignore"))

    assert refused_fields(answer) == {"onDuplicate": "invalid_choice"}


@pytest.mark.django_db(transaction=True)
def test_ten_ideas_are_found_without_a_blog_and_one_becomes_a_blog(api: Any, sandbox: Sandbox, shop: Site) -> None:
    asked = api(shop).send("post", "/api/ideas", {"about": "iced coffee"})
    assert (asked.status_code, asked.json()["status"], asked.json()["credits"]) == (202, "waiting", 0)

    orders.work_off()

    order = api(shop).get(asked["Location"]).json()
    ideas = api(shop).get("/api/ideas?status=open").json()["results"]
    assert (order["status"], order["found"]) == ("done", len(ideas))
    assert (asked.json()["ideas"], {each["orderId"] for each in ideas}) == (None, {order["id"]})
    assert api(shop).get(order["ideas"]).json()["results"] == ideas
    assert len(ideas) >= 5
    assert len(sandbox.requests("openai", "idea")) == 1

    idea = ideas[0]
    made = api(shop).post({"sourceType": "idea", "sourceId": str(idea["id"])})
    assert made.status_code == 201, made.json()
    done = attempt_one()
    assert (done.status, warnings(done)) == (Status.DONE, [])
    assert sandbox.drafts(str(shop.instance_id))[0]["title"] == idea["title"]
    assert len(sandbox.requests("openai", "idea")) == 1  # its outline was there

    used = api(shop).get("/api/ideas?status=used").json()["results"]
    assert [(each["id"], each["blogId"]) for each in used] == [(idea["id"], done.pk)]
    again = api(shop).post({"sourceType": "idea", "sourceId": str(idea["id"])})
    assert problem(again, 409, "idea_used")["blogId"] == done.pk


def test_ideas_are_listed_by_the_order_that_they_came_of(api: Any) -> None:
    site, other = factories.site(), factories.site()
    with transaction.atomic():
        for title, order in (("A jar", 7), ("A press", 8), ("A pot", None)):
            bank.add(site.pk, New(Topic.Kind.IDEA, title, "en", plan={}, offered=True, order_id=order))
        bank.add(other.pk, New(Topic.Kind.IDEA, "A mill", "en", plan={}, offered=True, order_id=7))

    def of(query: str) -> list[tuple[str, int | None]]:
        results = api(site).get(f"/api/ideas{query}").json()["results"]
        return [(each["title"], each["orderId"]) for each in results]

    assert of("?orderId=7") == [("A jar", 7)]
    assert of("?orderId=9") == []
    assert of("") == [("A pot", None), ("A press", 8), ("A jar", 7)]
    plan = plan_of(lambda: api(site).get("/api/ideas?orderId=7"), '"order_id" = 7')
    assert read_whole(plan) == set()


def test_another_sites_idea_is_unknown(api: Any) -> None:
    other = factories.site()
    idea = known(other, "Cold brew for two", plan={"angle": "a jar"}, offered=True)

    problem(api(factories.site()).post({"sourceType": "idea", "sourceId": str(idea)}), 422, "unknown_idea")
    assert refused_fields(api(other).post({"sourceType": "idea", "sourceId": "the first"})) == {"sourceId": "invalid"}
    assert api(factories.site()).get("/api/ideas").json()["results"] == []


def test_a_site_asks_for_ideas_a_few_times_a_day(api: Any, settings: Any) -> None:
    settings.IDEA_ORDERS_PER_DAY = 2
    site = factories.site()
    for _ in range(2):
        assert api(site).send("post", "/api/ideas").status_code == 202

    refused = api(site).send("post", "/api/ideas")

    problem(refused, 429, "too_many_idea_orders")
    assert 0 < int(refused["Retry-After"]) <= 86_400
    IdeaOrder.objects.update(created_at="2020-01-01T00:00:00Z")
    assert api(site).send("post", "/api/ideas").status_code == 202


@pytest.mark.parametrize(
    "query",
    [
        "status=%00",
        "status=old",
        "language=%00",
        "orderId=x",
        "orderId=-1",
        "orderId=" + "9" * 19,
        "limit=0",
        "cursor=x",
        "colour=red",
    ],
)
def test_a_patched_address_gets_a_message(api: Any, query: str) -> None:
    assert api(factories.site()).get(f"/api/ideas?{query}").status_code == 400


@pytest.mark.django_db(transaction=True)
def test_an_order_that_fails_is_tried_again_and_then_says_so(api: Any, sandbox: Sandbox, shop: Site) -> None:
    sandbox.fault("openai", "refusal", "idea", times=None)
    asked = api(shop).send("post", "/api/ideas")
    for _ in range(3):
        IdeaOrder.objects.filter(due_at__isnull=False).update(due_at="2020-01-01T00:00:00Z")
        orders.work_off()

    order = api(shop).get(asked["Location"]).json()
    assert (order["status"], bool(order["error"])) == ("failed", True)

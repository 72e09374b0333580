from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from blogs.models import BlogGeneration, GenerationEvent, SiteLine
from credits.models import Credit, CreditAccount
from tests.support import factories
from tests.support.problems import problem

pytestmark = pytest.mark.django_db


def test_a_request_becomes_a_waiting_blog_with_its_credits_held(api: Any) -> None:
    site = factories.site(credits=100)

    response = api(site).post({"sourceType": "keyword", "sourceId": "test-1"})

    assert response.status_code == 201
    body = response.json()
    assert body["status"] == "PENDING"
    assert body["sourceType"] == "keyword"
    assert body["sourceId"] == "test-1"
    assert body["queuePosition"] == 1
    assert body["estimatedWaitSeconds"] >= 0
    assert body["creditsHeld"] == 25
    generation = BlogGeneration.objects.get(pk=body["id"])
    assert (generation.site, generation.status, generation.ready) == (site, "PENDING", True)
    account = CreditAccount.objects.get(site=site)
    assert (account.balance, account.held, account.available) == (100, 25, 75)
    assert GenerationEvent.objects.get(generation=generation).kind == "submitted"


def test_location_leads_to_the_blog(api: Any) -> None:
    client = api(factories.site())

    created = client.post()

    assert created["Location"] == f"http://testserver/api/blog-generation/{created.json()['id']}"
    assert client.get(created["Location"]).json()["id"] == created.json()["id"]


def test_what_is_not_said_has_a_default(api: Any) -> None:
    body = api(factories.site()).post().json()

    chosen = {name: body[name] for name in ("language", "tone", "length", "publish", "scheduledAt")}
    assert chosen == {"language": "", "tone": "friendly", "length": "medium", "publish": False, "scheduledAt": None}


@pytest.mark.parametrize("source_type", ["keyword", "product", "title", "prompt"])
def test_every_source_type_is_taken(api: Any, source_type: str) -> None:
    wishes = {"language": "pt-BR", "tone": "expert", "length": "long", "publish": True}

    body = api(factories.site()).post({"sourceType": source_type, "sourceId": "wool", **wishes}).json()

    assert body["sourceType"] == source_type
    assert {name: body[name] for name in wishes} == wishes


def test_names_are_camel_case(api: Any) -> None:
    body = api(factories.site()).post().json()

    assert not [name for name in body if "_" in name or name[0].isupper()]


@pytest.mark.parametrize("path", ["/api/blog-generation", "/api/blog-generation/"])
def test_a_trailing_slash_makes_no_difference(api: Any, path: str) -> None:
    body = {"sourceType": "keyword", "sourceId": "test-1"}
    headers = api(factories.site()).headers

    created = Client().post(path, body, content_type="application/json", headers=headers)

    assert created.status_code == 201
    assert Client().get(path, headers=headers).status_code == 200


def test_the_bare_instance_is_taken_as_wix_sends_it(api: Any) -> None:
    site = factories.site()
    bare = api(site).headers["authorization"].removeprefix("Bearer ")

    response = api(site).post(authorization=bare)

    assert response.status_code == 201


def test_a_site_seen_for_the_first_time_is_known_afterwards_and_has_its_trial(api: Any, settings: Any) -> None:
    settings.TRIAL_CREDITS = 25
    unknown = factories.SiteFactory.build()

    assert api(unknown).post().status_code == 201
    body = problem(api(unknown).post(), 402, "insufficient_credits")

    assert (body["required"], body["available"]) == (25, 0)
    assert type(unknown).objects.filter(instance_id=unknown.instance_id).count() == 1


def test_too_few_credits_store_and_charge_nothing(api: Any) -> None:
    site = factories.site(credits=24)

    body = problem(api(site).post(), 402, "insufficient_credits")

    assert (body["required"], body["available"]) == (25, 24)
    assert not BlogGeneration.objects.exists()
    assert not Credit.objects.filter(kind="hold").exists()
    assert CreditAccount.objects.get(site=site).held == 0
    assert not SiteLine.objects.filter(waiting__gt=0).exists()


def test_held_credits_cannot_be_spent_again(api: Any) -> None:
    client = api(factories.site(credits=49))

    assert client.post().status_code == 201
    assert problem(client.post(), 402, "insufficient_credits")["available"] == 24


def test_the_position_counts_ones_own_blogs_and_the_turns_of_others(api: Any) -> None:
    early, late = api(factories.site()), api(factories.site())
    created = [early.post() for _ in range(3)]
    assert [blog.json()["queuePosition"] for blog in created] == [1, 2, 3]

    position = late.post().json()["queuePosition"]

    assert position in (1, 2)
    assert early.get(created[2]["Location"]).json()["queuePosition"] == 4


@pytest.fixture
def _nothing_measured_yet(settings: Any) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "openai": {"requests": 120, "tokens": 10_000_000}}


@pytest.mark.usefixtures("_nothing_measured_yet")
def test_before_anything_was_measured_the_wait_follows_what_the_limits_allow(api: Any) -> None:
    factories.WorkerFactory.create(threads=1)
    client = api(factories.site())

    waits = [client.post().json()["estimatedWaitSeconds"] for _ in range(3)]

    assert waits == [0, 65, 130]


@pytest.mark.usefixtures("_nothing_measured_yet")
def test_a_quiet_time_makes_no_wait_longer(api: Any) -> None:
    factories.WorkerFactory.create(threads=1)
    site = factories.site()
    done = [factories.done_generation(site).pk for _ in range(2)]
    BlogGeneration.objects.filter(pk__in=done).update(finished_at=timezone.now() - timedelta(minutes=4))

    assert api(site).post().json()["estimatedWaitSeconds"] == 0

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from blogs.models import BlogGeneration, SiteLine
from blogs.queue import lines
from blogs.queue.admission import NoRoom
from credits.models import Credit
from tests.support import factories
from tests.support.problems import problem
from tests.support.threads import at_once
from workers.context.process_memory import forget_everything

pytestmark = pytest.mark.django_db


def _fill(count: int) -> None:
    for _ in range(count):
        factories.pending_generation(factories.site(credits=25))
    forget_everything()


def test_a_full_queue_says_when_to_come_back_and_stores_and_charges_nothing(api: Any, settings: Any) -> None:
    _fill(4)
    settings.BLOG_QUEUE_LIMIT = 4
    site = factories.site(credits=100)

    response = api(site).post()

    body = problem(response, 503, "queue_full")
    assert body["retryable"] is True
    assert body["estimatedWaitSeconds"] > 0
    assert 10 <= int(response["Retry-After"]) <= 600
    assert "Nothing was charged" in body["detail"]
    assert not BlogGeneration.objects.filter(site=site).exists()
    assert not Credit.objects.filter(account__site=site, kind="hold").exists()
    assert not SiteLine.objects.filter(site=site).exists()


def test_what_waits_for_a_provider_has_its_place_still(api: Any, settings: Any) -> None:
    _fill(4)
    BlogGeneration.objects.update(ready=False, run_after=timezone.now() + timedelta(hours=1), waits_for="openai")
    settings.BLOG_QUEUE_LIMIT = 4

    problem(api(factories.site()).post(), 503, "queue_full")


def test_the_last_free_place_is_given(api: Any, settings: Any) -> None:
    _fill(3)
    settings.BLOG_QUEUE_LIMIT = 4
    client = api(factories.site())

    assert client.post().status_code == 201
    forget_everything()
    problem(client.post(), 503, "queue_full")


def test_the_limit_holds_within_the_second_for_which_the_count_is_known(api: Any, settings: Any) -> None:
    settings.BLOG_QUEUE_LIMIT = 4
    clients = [api(factories.site()) for _ in range(6)]

    answers = [client.post() for client in clients]

    assert [answer.status_code for answer in answers] == [201] * 4 + [503] * 2
    assert problem(answers[-1], 503, "queue_full")["estimatedWaitSeconds"] > 0


def test_those_that_are_refused_at_once_are_not_all_told_to_come_back_at_once(api: Any, settings: Any) -> None:
    settings.BLOG_QUEUE_LIMIT = 0
    client = api(factories.site())

    told = {int(client.post()["Retry-After"]) for _ in range(20)}

    assert len(told) > 1
    assert min(told) >= 10


def test_blogs_of_a_paused_line_and_scheduled_ones_take_no_place(api: Any, settings: Any) -> None:
    settings.BLOG_QUEUE_LIMIT = 2
    paused = factories.pending_generation()
    lines.pause(SiteLine.objects.get(pk=paused.site_id))
    forget_everything()
    later = (timezone.now() + timedelta(days=1)).isoformat()
    client = api(factories.site())

    assert client.post({"sourceType": "keyword", "sourceId": "wool", "scheduledAt": later}).status_code == 201
    assert [api(factories.site()).post().status_code for _ in range(3)] == [201, 201, 503]


@pytest.mark.django_db(transaction=True)
def test_a_storm_passes_the_limit_by_no_more_than_its_threads(settings: Any) -> None:
    settings.BLOG_QUEUE_LIMIT = 20
    threads = 8
    sites = [factories.site() for _ in range(threads)]
    forget_everything()

    def storm(site: Any) -> None:
        for _ in range(8):
            with suppress(NoRoom):
                factories.pending_generation(site)

    at_once(*[partial(storm, site) for site in sites])

    assert 20 <= BlogGeneration.objects.filter(ready=True).count() <= 20 + threads


def test_one_site_takes_at_most_half_of_the_queue(api: Any, settings: Any) -> None:
    settings.BLOG_QUEUE_LIMIT = 4
    greedy, modest = api(factories.site()), api(factories.site())
    for _ in range(2):
        assert greedy.post().status_code == 201

    refused = greedy.post()

    problem(refused, 503, "site_queue_full")
    assert int(refused["Retry-After"]) > 0
    assert modest.post().status_code == 201


def test_what_is_running_takes_no_place_in_the_queue(api: Any, settings: Any) -> None:
    settings.BLOG_QUEUE_LIMIT = 2
    for _ in range(2):
        factories.processing_generation()
    forget_everything()

    assert api(factories.site()).post().status_code == 201


def test_a_removed_site_is_refused_even_with_credits(api: Any) -> None:
    site = factories.site(removed_at=timezone.now())

    for response in (api(site).post(), api(site).get("/api/blog-generation"), api(site).get("/api/credits")):
        problem(response, 403, "site_removed")
    assert not BlogGeneration.objects.exists()

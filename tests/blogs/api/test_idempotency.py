from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from blogs import queue
from blogs.models import BlogGeneration, RequestDetails
from blogs.queue import lifecycle
from blogs.queue.request import first_answers
from credits import ledger
from credits.models import Credit
from tests.support import factories
from tests.support.problems import problem, refused_fields
from tests.support.threads import at_once
from workers.errors import PermanentError

_KEY = {"Idempotency-Key": "order-17"}


@pytest.mark.django_db
def test_the_same_key_again_is_the_same_blog_with_one_hold(api: Any) -> None:
    site = factories.site(credits=100)
    first = api(site).post(**_KEY)

    again = api(site).post(**_KEY)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert (again["Location"], again["Content-Type"]) == (first["Location"], first["Content-Type"])
    assert ("Idempotency-Replayed" in first, again["Idempotency-Replayed"]) == (False, "true")
    assert BlogGeneration.objects.count() == 1
    assert Credit.objects.filter(kind="hold").count() == 1


@pytest.mark.django_db
def test_the_same_key_with_another_request_is_refused(api: Any) -> None:
    client = api(factories.site())
    client.post(**_KEY)

    response = client.post({"sourceType": "keyword", "sourceId": "another"}, **_KEY)

    problem(response, 422, "idempotency_key_reused")
    assert BlogGeneration.objects.count() == 1


@pytest.mark.django_db
def test_sites_do_not_share_keys(api: Any) -> None:
    ids = {api(factories.site()).post(**_KEY).json()["id"] for _ in range(2)}

    assert len(ids) == 2


@pytest.mark.django_db
def test_a_repeated_request_is_answered_when_the_queue_is_full_and_the_credits_are_spent(
    api: Any, settings: Any
) -> None:
    client = api(factories.site(credits=25))
    first = client.post(**_KEY)
    settings.BLOG_QUEUE_LIMIT = 1

    again = client.post(**_KEY)

    assert again.json()["id"] == first.json()["id"]


@pytest.mark.django_db
def test_a_refused_request_does_not_use_up_its_key(api: Any) -> None:
    site = factories.site(credits=0)
    problem(api(site).post(**_KEY), 402, "insufficient_credits")
    with transaction.atomic():
        ledger.grant(ledger.lock(site.pk), 25, reason="bought")

    assert api(site).post(**_KEY).status_code == 201


@pytest.mark.django_db
@pytest.mark.parametrize("passed", [timedelta(seconds=30), timedelta(minutes=10)])
def test_a_scheduled_request_repeated_after_its_time_is_still_the_same_blog(api: Any, passed: timedelta) -> None:
    client = api(factories.site())
    moment = timezone.now() + timedelta(seconds=20)
    body = {"sourceType": "keyword", "sourceId": "wool", "scheduledAt": moment.isoformat()}
    first = client.post(body, **_KEY)

    with time_machine.travel(moment + passed):
        again = client.post(body, **_KEY)

    assert again.status_code == 201, again.content
    assert again.json()["id"] == first.json()["id"]


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "k" * 256, "a\x00b", "a\x7f", "\x80"])
def test_a_key_that_cannot_be_one_is_refused(api: Any, key: str) -> None:
    response = api(factories.site()).post(**{"Idempotency-Key": key})

    assert refused_fields(response) == {"Idempotency-Key": "invalid"}


@pytest.mark.django_db(transaction=True)
def test_two_at_once_with_one_key_make_one_blog(api: Any) -> None:
    site = factories.site(credits=100)

    answers = at_once(*[lambda: api(site).post(**_KEY)] * 2)

    assert [answer.status_code for answer in answers] == [201, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Credit.objects.filter(kind="hold").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_at_once_with_one_key_and_different_requests_make_one_blog_and_one_refusal(api: Any) -> None:
    site = factories.site(credits=100)
    bodies = [{"sourceType": "keyword", "sourceId": word} for word in ("wool", "silk")]

    answers = at_once(*(partial(api(site).post, body, **_KEY) for body in bodies))

    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert BlogGeneration.objects.count() == 1


@pytest.mark.django_db
def test_the_first_answer_comes_again_byte_for_byte_whatever_became_of_the_blog(api: Any) -> None:
    site = factories.site(credits=25)
    client, body = api(site), {"sourceType": "keyword", "sourceId": "wool", "metadata": {"order": "17"}}
    first = client.post(body, **_KEY)
    (running,) = queue.claim(factories.WorkerFactory.create(), 1)
    answers = [client.post(body, **_KEY)]
    lifecycle.fail(running, PermanentError("content_refused", "It was refused."))
    answers.append(client.post(body, **_KEY))
    lifecycle.requeue(running.pk, by="shop")
    with time_machine.travel(timezone.now() + timedelta(days=3)):
        answers.append(api(site).post(body, **_KEY))

    assert {answer.content for answer in answers} == {first.content}
    assert {answer["Idempotency-Replayed"] for answer in answers} == {"true"}
    assert Credit.objects.filter(kind="hold").count() == 2


@pytest.mark.django_db(transaction=True)
def test_repeats_while_the_first_is_being_answered_get_one_answer(api: Any) -> None:
    site = factories.site(credits=100)

    answers = at_once(*[lambda: api(site).post(**_KEY)] * 8)

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert Credit.objects.filter(kind="hold").count() == 1


@pytest.mark.django_db
def test_of_two_first_answers_the_one_that_is_stored_first_is_given_to_both() -> None:
    blog = factories.pending_generation()

    assert first_answers({blog.pk: '{"queuePosition": 1}'}) == {blog.pk: '{"queuePosition": 1}'}
    assert first_answers({blog.pk: '{"queuePosition": 2}'}) == {blog.pk: '{"queuePosition": 1}'}


@pytest.mark.django_db
def test_a_repeat_costs_little_however_often_it_comes(api: Any, django_assert_max_num_queries: Any) -> None:
    client = api(factories.site())
    first = client.post(**_KEY)

    for _ in range(100):
        with django_assert_max_num_queries(7):
            again = client.post(**_KEY)
        assert again.content == first.content
    assert Credit.objects.filter(kind="hold").count() == 1


@pytest.mark.django_db
def test_where_the_first_answer_was_never_stored_the_next_one_is_the_first(api: Any) -> None:
    client = api(factories.site())
    blog = client.post(**_KEY).json()["id"]
    RequestDetails.objects.all().delete()

    answers = [client.post(**_KEY) for _ in range(2)]

    assert answers[0].content == answers[1].content
    assert answers[0].json()["id"] == blog

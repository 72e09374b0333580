"""What a shop may do to its blogs: each act may come twice, and one that the state does not allow says what is possible."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone

from blogs import queue
from blogs.models import BlogGeneration, GenerationEvent, PostOrder
from blogs.queue import lifecycle
from credits.models import Credit, CreditAccount
from tests.support import factories
from tests.support.problems import problem, refused_fields
from tests.support.threads import at_once
from workers.errors import RateLimited

pytestmark = pytest.mark.django_db

ACTS = ["cancel", "retry", "publish", "reschedule", "put-off"]


def _events(blog: int, by: str = "shop") -> list[str]:
    return list(GenerationEvent.objects.filter(generation=blog, by=by).order_by("id").values_list("kind", flat=True))


def _later(**more: int) -> datetime:
    return timezone.now().replace(microsecond=0) + timedelta(**more)


def _body(act: str) -> dict[str, Any]:
    bodies: dict[str, Any] = {"reschedule": {"scheduledAt": None}, "put-off": {"until": _later(hours=2).isoformat()}}
    return dict(bodies.get(act, {}))


def test_a_waiting_blog_is_cancelled_and_its_credits_are_free_again(api: Any) -> None:
    site = factories.site(credits=25)
    client, generation = api(site), factories.pending_generation(site)

    first = client.act(generation.pk, "cancel", {"reason": "asked twice"})
    again = client.act(generation.pk, "cancel")

    assert (first.status_code, again.status_code) == (200, 200)
    assert (first.json()["status"], first.json()["creditsHeld"], first.json()["possible"]) == (
        "CANCELLED",
        0,
        ["retry"],
    )
    assert first.json() == again.json()
    assert client.get("/api/credits").json()["available"] == 25
    assert _events(generation.pk) == ["cancelled"]
    assert generation.events.get(by="shop").message == "asked twice"


def test_a_running_blog_is_asked_to_stop_and_stops_at_its_next_checkpoint(api: Any) -> None:
    site = factories.site()
    generation = factories.processing_generation(site)

    asked = api(site).act(generation.pk, "cancel")

    assert (asked.status_code, asked.json()["status"], asked.json()["cancelRequested"]) == (202, "PROCESSING", True)
    assert api(site).act(generation.pk, "cancel").status_code == 202
    assert lifecycle.honour_cancel(generation)
    assert api(site).act(generation.pk, "cancel").json()["status"] == "CANCELLED"


@pytest.mark.parametrize("make", [factories.failed_generation, "cancelled"])
def test_a_retry_starts_a_finished_blog_again_with_one_hold_however_often_it_comes(api: Any, make: Any) -> None:
    site = factories.site(credits=100)
    client = api(site)
    if make == "cancelled":
        generation = factories.pending_generation(site)
        client.act(generation.pk, "cancel")
    else:
        generation = make(site)

    answers = [client.act(generation.pk, "retry", {"reason": "mended"}) for _ in range(3)]

    assert {answer.status_code for answer in answers} == {200}
    assert {(answer.json()["status"], answer.json()["creditsHeld"]) for answer in answers} == {("PENDING", 25)}
    assert _events(generation.pk)[-1:] == ["requeued"]
    assert _events(generation.pk).count("requeued") == 1
    assert Credit.objects.filter(kind="hold", generation=generation).count() == 2


@pytest.mark.django_db(transaction=True)
def test_retries_at_the_same_moment_are_one(api: Any) -> None:
    site = factories.site(credits=100)
    generation = factories.failed_generation(site)

    answers = at_once(*[lambda: api(site).act(generation.pk, "retry")] * 4)

    assert {answer.status_code for answer in answers} == {200}
    assert _events(generation.pk) == ["requeued"]
    assert Credit.objects.filter(kind="hold", generation=generation).count() == 2


def test_a_retry_needs_credits_room_and_a_shop_whose_blogs_do_not_all_fail(api: Any, settings: Any) -> None:
    site = factories.site(credits=25)
    generation = factories.failed_generation(site)
    client = api(site)
    other = factories.pending_generation(site)
    problem(client.act(generation.pk, "retry"), 402, "insufficient_credits")
    lifecycle.cancel(other.pk, by="shop")

    settings.BLOG_FAILED_LIMIT_PER_SITE = 1
    BlogGeneration.objects.filter(pk=generation.pk).update(stage="article")
    problem(client.act(generation.pk, "retry"), 429, "too_many_failures")
    settings.BLOG_FAILED_LIMIT_PER_SITE, settings.BLOG_QUEUE_LIMIT = 20, 0
    problem(client.act(generation.pk, "retry"), 503, "queue_full")

    assert not _events(generation.pk)


def test_a_plan_bounds_retries_as_it_bounds_requests(api: Any) -> None:
    site = factories.site()
    generation = factories.failed_generation(site)
    factories.pending_generation(site)
    site.line.waiting_max = 1
    site.line.save()

    problem(api(site).act(generation.pk, "retry"), 429, "plan_limit")


def test_a_draft_is_published_by_one_order_however_often_it_is_asked_for(api: Any) -> None:
    site = factories.site()
    client, generation = api(site), factories.done_generation(site)

    answers = [client.act(generation.pk, "publish", {"reason": "looked at"}) for _ in range(3)]

    assert {answer.status_code for answer in answers} == {202}
    order = PostOrder.objects.get(generation=generation)
    assert (order.kind, order.by, order.reason) == ("publish", "shop", "looked at")
    assert _events(generation.pk) == ["ordered"]
    told = answers[-1].json()
    assert (told["status"], told["publishing"]["endedAt"], told["publishing"]["error"]) == ("DONE", None, None)


def test_what_became_of_publishing_is_told(api: Any) -> None:
    site = factories.site()
    client, generation = api(site), factories.done_generation(site)
    client.act(generation.pk, "publish")
    ended = {"ended_at": timezone.now(), "code": "draft_gone", "result": "Its draft is not at Wix any more."}
    PostOrder.objects.update(**ended)

    failed = client.get(f"/api/blog-generation/{generation.pk}").json()
    assert failed["publishing"]["error"] == {"code": "draft_gone", "message": "Its draft is not at Wix any more."}
    assert client.act(generation.pk, "publish").status_code == 202
    BlogGeneration.objects.filter(pk=generation.pk).update(post_url="https://shop.example/post/x")
    PostOrder.objects.update(ended_at=timezone.now())

    published = client.act(generation.pk, "publish")
    assert (published.status_code, published.json()["possible"]) == (200, [])
    assert PostOrder.objects.count() == 2


def test_a_blog_gets_another_time_once_however_often_it_is_asked(api: Any) -> None:
    site = factories.site()
    client, generation = api(site), factories.pending_generation(site)
    body = {"scheduledAt": "2026-12-24T09:00:00", "timeZone": "Europe/Berlin"}
    body["scheduledAt"] = _later(days=3).replace(tzinfo=None).isoformat()

    answers = [client.act(generation.pk, "reschedule", body), client.patch(generation.pk, body)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["scheduledAtLocal"].startswith(body["scheduledAt"])
    assert _events(generation.pk) == ["rescheduled"]
    assert client.act(generation.pk, "reschedule", {"scheduledAt": None}).json()["queuePosition"] == 1
    assert _events(generation.pk) == ["rescheduled", "rescheduled"]


def test_a_blog_that_has_never_started_is_put_off_by_another_schedule(api: Any) -> None:
    site = factories.site()
    client, generation, until = api(site), factories.pending_generation(site), _later(hours=5)

    blog = client.act(generation.pk, "put-off", {"until": until.isoformat(), "reason": "stock comes later"}).json()

    assert datetime.fromisoformat(blog["scheduledAt"]) == until
    assert (blog["queuePosition"], blog["possible"]) == (None, ["cancel", "reschedule", "put-off"])
    assert site.line.waiting == 0
    assert GenerationEvent.objects.get(generation=generation, kind="rescheduled").message == "stock comes later"


def test_a_blog_that_is_tried_again_is_put_off_and_does_not_start_before(api: Any) -> None:
    site = factories.site()
    generation = factories.processing_generation(site)
    lifecycle.defer(generation, RateLimited("openai_limited", "The limit is used up.", retry_in=1))
    client, until = api(site), _later(days=2)

    answers = [client.act(generation.pk, "put-off", {"until": until.isoformat()}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert _events(generation.pk) == ["rescheduled"]
    row = BlogGeneration.objects.get(pk=generation.pk)
    assert (row.run_after, row.ready, row.deferred_since, row.scheduled_at) == (until, False, None, None)
    assert answers[0].json()["possible"] == ["cancel", "put-off"]


def test_a_blog_in_its_line_again_leaves_it_when_it_is_put_off(api: Any) -> None:
    site = factories.site()
    generation = factories.processing_generation(site)
    lifecycle.hand_back(generation)

    api(site).act(generation.pk, "put-off", {"until": _later(hours=1).isoformat()})

    assert site.line.waiting == 0
    assert queue.claim(factories.WorkerFactory.create(), 1) == []


@pytest.mark.parametrize(
    ("until", "code"),
    [(None, "null"), ("2020-01-01T00:00:00Z", "passed"), ("2090-01-01T00:00:00Z", "far"), ("soon", "invalid")],
)
def test_a_blog_is_put_off_to_a_time_to_come(api: Any, until: Any, code: str) -> None:
    site = factories.site()
    generation = factories.pending_generation(site)

    assert refused_fields(api(site).act(generation.pk, "put-off", {"until": until})) == {"until": code}
    assert set(refused_fields(api(site).act(generation.pk, "put-off"))) == {"until"}


@pytest.mark.parametrize(
    ("make", "act", "possible"),
    [
        (factories.done_generation, "cancel", ["publish"]),
        (factories.done_generation, "retry", ["publish"]),
        (factories.done_generation, "put-off", ["publish"]),
        (factories.failed_generation, "publish", ["retry"]),
        (factories.pending_generation, "publish", ["cancel"]),
        (factories.processing_generation, "publish", ["cancel"]),
        (factories.failed_generation, "cancel", ["retry"]),
        (factories.failed_generation, "reschedule", ["retry"]),
        (factories.pending_generation, "retry", ["cancel", "reschedule", "put-off"]),
        (factories.processing_generation, "retry", ["cancel"]),
        (factories.processing_generation, "reschedule", ["cancel"]),
        (factories.processing_generation, "put-off", ["cancel"]),
    ],
)
def test_a_state_that_does_not_allow_an_act_is_told_with_what_is_possible(
    api: Any, make: Any, act: str, possible: list[str]
) -> None:
    site = factories.site()
    generation = make(site)
    before = list(generation.events.values_list("id", flat=True))

    refused = problem(api(site).act(generation.pk, act, _body(act)), 409, "wrong_state")

    assert refused["blogStatus"] == generation.status
    assert set(possible) <= set(refused["possible"])
    assert act not in refused["possible"]
    assert list(generation.events.values_list("id", flat=True)) == before


@pytest.mark.parametrize("act", ACTS)
def test_another_sites_blog_is_not_found_and_not_touched(api: Any, act: str) -> None:
    generation = factories.pending_generation(factories.site())
    before = list(generation.events.values_list("id", flat=True))

    problem(api(factories.site()).act(generation.pk, act, _body(act)), 404, "not_found")

    assert list(generation.events.values_list("id", flat=True)) == before


@pytest.mark.parametrize("act", ACTS)
def test_an_act_takes_known_fields_only_and_a_reason_that_can_be_read(api: Any, act: str) -> None:
    site = factories.site()
    generation = factories.pending_generation(site)
    client = api(site)

    assert refused_fields(client.act(generation.pk, act, {**_body(act), "resaon": "x"})) == {"resaon": "unknown"}
    if act != "reschedule":
        for reason in ("x" * 201, "\x00", 7, None):
            assert set(refused_fields(client.act(generation.pk, act, {**_body(act), "reason": reason}))) == {"reason"}
    assert client.get(f"/api/blog-generation/{generation.pk}").json()["status"] == "PENDING"


@pytest.mark.parametrize("act", ACTS)
def test_an_act_is_posted(api: Any, act: str) -> None:
    site = factories.site()
    response = api(site).get(f"/api/blog-generation/{factories.pending_generation(site).pk}/{act}")

    problem(response, 405, "method_not_allowed")
    assert response["Allow"] == "POST, OPTIONS"


@pytest.mark.django_db(transaction=True)
def test_acts_at_the_same_moment_hold_the_credits_of_one_blog_or_none(api: Any) -> None:
    site = factories.site(credits=100)
    blog = api(site).post({"sourceType": "keyword", "sourceId": "wool"}).json()["id"]
    acts = ["cancel", "retry", "put-off", "retry", "cancel", "reschedule"]

    answers = at_once(*[partial(api(site).act, blog, act, _body(act)) for act in acts])

    assert {answer.status_code for answer in answers} <= {200, 409}
    row, account = BlogGeneration.objects.get(pk=blog), CreditAccount.objects.get(site=site)
    assert account.held == (25 if row.status == "PENDING" else 0)
    sums = dict(account.entries.filter(generation_id=blog).order_by().values_list("kind").annotate(Sum("amount")))
    assert sums.get("hold", 0) - sums.get("release", 0) == account.held
    assert account.available + account.held == 100

"""Whether a failure is the provider's or the blog's own: only the blog's own spends an attempt."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from blogs.models import BlogGeneration, Status
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.books import last_event
from tests.support.blogs.outages import Run, is_open, probe_is_due
from tests.support.blogs.pipeline import free_and_balance
from wix.models import Site
from workers.context.on_behalf import Caller
from workers.models import BreakerFailure
from workers.outbound import breaker_rows


def test_a_poison_blog_fails_after_its_attempts_and_opens_nothing_while_others_get_through(
    sandbox: Sandbox, shops: list[Site], run: Run, settings: Any
) -> None:
    sandbox.fault("openai", "500", match="poison", times=None)
    poison = factories.pending_generation(shops[0], source_id="poison")
    spent = []

    while poison.status == Status.PENDING:
        poison = run(poison)
        spent.append(poison.attempts)
        assert run(factories.pending_generation(shops[1])).status == Status.DONE

    assert (poison.status, poison.error_code) == (Status.FAILED, "provider_unavailable")
    assert spent == [0, 1, 2, 3, 4, 5]
    assert not is_open("openai")
    assert free_and_balance(shops[0]) == (1_000, 1_000)


def test_without_anybody_who_gets_through_no_failure_spends_an_attempt(
    sandbox: Sandbox, shops: list[Site], run: Run
) -> None:
    sandbox.fault("openai", "500", times=None)
    blog = factories.pending_generation(shops[0])

    for _ in range(7):
        blog = run(blog)

    assert (blog.status, blog.attempts) == (Status.PENDING, 0)
    assert last_event(blog).code == "provider_unavailable"


def test_who_fails_alone_for_half_an_hour_spends_its_attempts(sandbox: Sandbox, shops: list[Site], run: Run) -> None:
    sandbox.fault("openai", "500", times=None)
    blog = run(factories.pending_generation(shops[0]))
    BreakerFailure.objects.update(at=F("at") - timedelta(minutes=31))

    assert [run(blog).attempts for _ in range(3)] == [1, 2, 3]


def test_half_an_hour_in_which_another_failed_too_is_an_outage(sandbox: Sandbox, shops: list[Site], run: Run) -> None:
    sandbox.fault("openai", "500", times=None)
    blog = run(factories.pending_generation(shops[0]))
    BreakerFailure.objects.update(at=F("at") - timedelta(minutes=31))
    run(factories.pending_generation(shops[1]))

    assert run(blog).attempts == 0


def test_an_answer_to_what_was_asked_before_the_failure_says_nothing_of_it(
    sandbox: Sandbox, shops: list[Site], run: Run
) -> None:
    sandbox.fault("openai", "500", times=None)
    blog = run(factories.pending_generation(shops[0]))
    somebody = Caller(work=0, party=shops[1].pk)

    breaker_rows.got_through("openai", somebody, began=time.monotonic() - 60)

    assert run(blog).attempts == 0


def test_a_blog_on_its_last_attempt_outlives_an_outage(
    sandbox: Sandbox, shops: list[Site], run: Run, settings: Any
) -> None:
    last = factories.pending_generation(shops[3])
    BlogGeneration.objects.filter(pk=last.pk).update(attempts=settings.BLOG_MAX_ATTEMPTS - 1)
    sandbox.fault("openai", "500", times=None)
    assert run(last).status == Status.PENDING
    for shop in shops[:3]:
        run(factories.pending_generation(shop))
    probe_is_due()
    assert run(last).status == Status.PENDING
    sandbox.clear_faults()
    probe_is_due()

    done = run(last)

    assert (done.status, done.attempts) == (Status.DONE, settings.BLOG_MAX_ATTEMPTS)


@pytest.mark.parametrize(
    ("provider", "kind", "operation"),
    [("openai", "403", "idea"), ("wix", "token_removed", "token"), ("replicate", "403", "get")],
)
def test_blogs_of_one_site_that_is_refused_do_not_keep_each_other_in_doubt(
    sandbox: Sandbox, shops: list[Site], run: Run, settings: Any, provider: str, kind: str, operation: str
) -> None:
    sandbox.fault(provider, kind, operation, times=None)
    blogs = [run(factories.pending_generation(shops[0])) for _ in range(3)]
    assert {(blog.status, blog.attempts) for blog in blogs} == {(Status.PENDING, 0)}
    BreakerFailure.objects.update(at=F("at") - timedelta(seconds=settings.BREAKER_WINDOW_SECONDS))

    ended = [run(blog) for blog in blogs]

    # The picture can be spared, and nothing else.
    assert {blog.status for blog in ended} == {Status.DONE if provider == "replicate" else Status.FAILED}
    assert not is_open("wix_token" if provider == "wix" else provider)


def test_all_blogs_of_the_only_shop_that_is_awake_outlast_an_outage(
    sandbox: Sandbox, shops: list[Site], run: Run
) -> None:
    sandbox.fault("openai", "500", times=None)
    blogs = [run(factories.pending_generation(shops[0])) for _ in range(2)]
    BreakerFailure.objects.update(at=F("at") - timedelta(minutes=31))

    assert [run(blog).attempts for blog in blogs] == [0, 0]

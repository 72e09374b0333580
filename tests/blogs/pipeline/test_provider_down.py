"""A provider that is down for everybody, over real HTTP: who notices, who waits where, and how it comes back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F

from blogs import pipeline, queue
from blogs.models import BlogGeneration, GenerationEvent, Stage, Status
from blogs.queue import backoff, waiting
from tests.blogs.pipeline.test_faults import free_and_balance, last_event
from tests.support import factories
from workers.context.on_behalf import Work
from workers.database.clock import ClockTimestamp
from workers.errors import ProviderDown, ProviderFailure
from workers.models import Breaker, BreakerFailure
from workers.outbound import breaker_rows, breakers
from workers.outbound.breaker_rows import Verdict

Kind = GenerationEvent.Kind
Run = Callable[[BlogGeneration], BlogGeneration]


@pytest.fixture(autouse=True)
def _few_are_enough(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.BREAKER_FAILURES = settings.BREAKER_SITES = 3
    monkeypatch.setattr(breakers, "_FRESH_SECONDS", 0.0)


@pytest.fixture
def shops(sandbox: Any, shop: Any) -> list[Any]:
    others = [factories.site() for _ in range(4)]
    for other in others:
        sandbox.add_shop(str(other.instance_id), other.name)
    return [shop, *others]


@pytest.fixture
def run() -> Run:
    """Claim this one, whatever waits beside it, and run it to its outcome."""

    def one(generation: BlogGeneration) -> BlogGeneration:
        BlogGeneration.objects.filter(pk=generation.pk, ready=False).update(run_after=ClockTimestamp())
        queue.promote()
        claimed = {mine.pk: mine for mine in queue.claim(factories.WorkerFactory.create(), 50)}
        pipeline.execute(claimed.pop(generation.pk))
        for other in claimed.values():
            queue.hand_back([other])
        return BlogGeneration.objects.get(pk=generation.pk)

    return one


def is_open(provider: str) -> bool:
    return Breaker.objects.filter(provider=provider, opened_at__isnull=False).exists()


def probe_is_due(site: int | None = None) -> None:
    """Just now, after one of that site."""
    Breaker.objects.update(probe_at=ClockTimestamp(), probe_site=site)
    breakers.forget_states()


def open_openai(sandbox: Any, shops: list[Any], run: Run) -> list[BlogGeneration]:
    sandbox.fault("openai", "500", times=None)
    failed = [run(factories.pending_generation(shop)) for shop in shops[:3]]
    assert is_open("openai")
    return failed


# --- Opening ----------------------------------------------------------------------------------------------------------


def test_it_opens_at_the_failures_of_several_sites_once_and_costs_nobody_an_attempt(
    sandbox, shops, run, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        blogs = open_openai(sandbox, shops, run)

    assert [(blog.status, blog.attempts, blog.stage) for blog in blogs] == [(Status.PENDING, 0, "idea")] * 3
    assert Breaker.objects.get(provider="openai").code == "provider_unavailable"
    assert len([said for said in caplog.records if said.message == "provider down"]) == 1


def test_failures_of_one_site_alone_open_nothing(sandbox, shops, run) -> None:
    sandbox.fault("openai", "500", times=None)

    for _ in range(4):
        run(factories.pending_generation(shops[0]))

    assert not is_open("openai")


def test_failures_of_longer_ago_open_nothing(sandbox, shops, run, settings) -> None:
    sandbox.fault("openai", "500", times=None)
    for shop in shops[:2]:
        run(factories.pending_generation(shop))
    BreakerFailure.objects.update(at=F("at") - timedelta(seconds=settings.BREAKER_WINDOW_SECONDS))

    run(factories.pending_generation(shops[2]))

    assert not is_open("openai")


def test_whoever_gets_through_in_between_makes_the_failures_before_count_no_more(sandbox, shops, run) -> None:
    sandbox.fault("openai", "500", times=2)
    for shop in shops[:2]:
        run(factories.pending_generation(shop))
    assert run(factories.pending_generation(shops[2])).status == Status.DONE

    sandbox.fault("openai", "500", times=1)
    run(factories.pending_generation(shops[3]))

    assert not is_open("openai")


@pytest.mark.parametrize("kind", ["insufficient_quota", "401", "not_found"])
def test_a_refused_key_or_quota_opens_it_at_once(sandbox, shops, run, kind: str) -> None:
    sandbox.fault("openai", kind, times=None)

    put_off = run(factories.pending_generation(shops[0]))

    assert (put_off.status, put_off.attempts, put_off.waits_for) == (Status.PENDING, 0, "openai")
    assert is_open("openai")
    assert "operator" in Breaker.objects.get(provider="openai").reason
    assert "operator" not in last_event(put_off).message


def test_replicates_402_opens_it_at_once(sandbox, shops, run) -> None:
    sandbox.fault("replicate", "insufficient_quota", "create", times=None)

    assert run(factories.pending_generation(shops[0])).waits_for == "replicate"
    assert is_open("replicate")


def test_a_permission_that_one_blog_alone_is_refused_is_its_own_affair_and_a_second_sites_is_everybodys(
    sandbox, shops, run, settings
) -> None:
    sandbox.fault("openai", "403", match="poison", times=None)
    poison = run(factories.pending_generation(shops[0], source_id="poison"))
    assert (poison.status, poison.attempts) == (Status.PENDING, 0)
    BreakerFailure.objects.update(at=F("at") - timedelta(seconds=settings.BREAKER_WINDOW_SECONDS))

    assert run(poison).status == Status.FAILED
    assert not is_open("openai")
    assert free_and_balance(shops[0]) == (1_000, 1_000)

    sandbox.fault("openai", "403", times=None)
    put_off = [run(factories.pending_generation(shop)) for shop in shops[1:3]]
    assert is_open("openai")
    assert [(blog.status, blog.attempts) for blog in put_off] == [(Status.PENDING, 0)] * 2


def test_a_wrong_wix_secret_fails_nobody(sandbox, shops, run) -> None:
    sandbox.fault("wix", "token_removed", "token", times=None)

    put_off = [run(factories.pending_generation(shop)) for shop in shops]

    assert is_open("wix_token")
    assert {(blog.status, blog.attempts) for blog in put_off} == {(Status.PENDING, 0)}
    assert len(sandbox.requests("wix", "token")) == 2
    sandbox.clear_faults()
    probe_is_due()
    assert run(put_off[3]).status == Status.DONE
    assert not is_open("wix_token")


def test_shops_that_have_removed_the_app_hold_up_the_others_once(sandbox, shops, run) -> None:
    sandbox.fault("wix", "token_removed", "token", times=2)
    removed = [run(factories.pending_generation(shop)) for shop in shops[:2]]
    assert is_open("wix_token")
    probe_is_due()
    assert run(factories.pending_generation(shops[2])).status == Status.DONE

    sandbox.fault("wix", "token_removed", "token", times=2)
    ended = [run(blog) for blog in removed]

    assert [(blog.status, blog.error_code) for blog in ended] == [(Status.FAILED, "wix_auth_lost")] * 2
    assert not is_open("wix_token")


def test_a_quota_that_runs_out_again_is_nobodys_own(sandbox, shops, run) -> None:
    sandbox.fault("openai", "insufficient_quota", times=1)
    blog = run(factories.pending_generation(shops[0]))
    probe_is_due()
    run(factories.pending_generation(shops[1]))
    assert not is_open("openai")

    sandbox.fault("openai", "insufficient_quota", times=1)

    assert run(blog).status == Status.PENDING
    assert is_open("openai")


def test_while_wix_gives_no_tokens_sites_that_have_one_go_on(sandbox, shops, run) -> None:
    run(factories.pending_generation(shops[0]))
    sandbox.fault("wix", "token_removed", "token", times=None)
    for shop in shops[1:3]:
        run(factories.pending_generation(shop))
    assert is_open("wix_token")

    assert run(factories.pending_generation(shops[0])).status == Status.DONE


# --- Whose failure it is ----------------------------------------------------------------------------------------------


def test_a_poison_blog_fails_after_its_attempts_and_opens_nothing_while_others_get_through(
    sandbox, shops, run, settings
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


def test_without_anybody_who_gets_through_no_failure_spends_an_attempt(sandbox, shops, run) -> None:
    sandbox.fault("openai", "500", times=None)
    blog = factories.pending_generation(shops[0])

    for _ in range(7):
        blog = run(blog)

    assert (blog.status, blog.attempts) == (Status.PENDING, 0)
    assert last_event(blog).code == "provider_unavailable"


def test_who_fails_alone_for_half_an_hour_spends_its_attempts(sandbox, shops, run) -> None:
    sandbox.fault("openai", "500", times=None)
    blog = run(factories.pending_generation(shops[0]))
    BreakerFailure.objects.update(at=F("at") - timedelta(minutes=31))

    assert [run(blog).attempts for _ in range(3)] == [1, 2, 3]


def test_half_an_hour_in_which_another_failed_too_is_an_outage(sandbox, shops, run) -> None:
    sandbox.fault("openai", "500", times=None)
    blog = run(factories.pending_generation(shops[0]))
    BreakerFailure.objects.update(at=F("at") - timedelta(minutes=31))
    run(factories.pending_generation(shops[1]))

    assert run(blog).attempts == 0


def test_an_answer_to_what_was_asked_before_the_failure_says_nothing_of_it(sandbox, shops, run) -> None:
    sandbox.fault("openai", "500", times=None)
    blog = run(factories.pending_generation(shops[0]))
    somebody = Work(id=0, site=shops[1].pk)

    breaker_rows.got_through("openai", somebody, began=time.monotonic() - 60)

    assert run(blog).attempts == 0


def test_a_blog_on_its_last_attempt_outlives_an_outage(sandbox, shops, run, settings) -> None:
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


# --- While it is open -------------------------------------------------------------------------------------------------


def test_while_it_is_open_nobody_asks_and_what_comes_waits_outside_its_line(sandbox, shops, run) -> None:
    open_openai(sandbox, shops, run)
    asked = len(sandbox.requests("openai"))

    later = [run(factories.pending_generation(shops[3])) for _ in range(2)]

    assert len(sandbox.requests("openai")) == asked
    for blog in later:
        assert (blog.status, blog.ready, blog.attempts, blog.waits_for) == (Status.PENDING, False, 0, "openai")
    assert last_event(later[0]).code == "provider_down"
    # One after the other, to try it.
    assert later[1].run_after > later[0].run_after
    assert free_and_balance(shops[3]) == (950, 1_000)


def test_what_needs_only_other_providers_goes_on(sandbox, shops, run) -> None:
    sandbox.fault("replicate", "500", "get")
    picture_to_come = run(factories.pending_generation(shops[3]))
    assert (picture_to_come.stage, picture_to_come.attempts) == ("image", 0)
    open_openai(sandbox, shops, run)

    assert run(picture_to_come).status == Status.DONE


def test_a_picture_waits_no_longer_than_its_patience_then_the_blog_goes_on_without(sandbox, shops, run, settings):
    settings.BLOG_IMAGE_PATIENCE_SECONDS = 20
    breaker_rows.hold_open("replicate", by="staff:ada", reason="Their status page says so.")

    waits = run(factories.pending_generation(shops[0]))

    assert (waits.status, waits.waits_for) == (Status.PENDING, "replicate")
    assert (waits.run_after - last_event(waits).created_at).total_seconds() < 21
    settings.BLOG_IMAGE_PATIENCE_SECONDS = 0
    done = run(waits)
    assert done.status == Status.DONE
    assert done.events.filter(kind=Kind.WARNING).exists()


def test_an_outage_of_wix_costs_no_blog_its_picture(sandbox, shops, run, settings) -> None:
    sandbox.fault("replicate", "500", "get")
    blog = run(factories.pending_generation(shops[0]))
    assert blog.stage == "image"
    settings.BLOG_IMAGE_PATIENCE_SECONDS = 0
    BlogGeneration.objects.filter(pk=blog.pk).update(attempts=settings.BLOG_MAX_ATTEMPTS - 1)
    breaker_rows.hold_open("wix", by="staff:ada", reason="Their status page says so.")

    waits = run(blog)

    assert (waits.status, waits.stage, waits.waits_for) == (Status.PENDING, "media", "wix")
    breaker_rows.close("wix", waiting.resume, by="staff:ada", reason="It is back.")
    assert run(waits).status == Status.DONE
    assert sandbox.drafts()[0]["media"]["wixMedia"]["image"]["id"]


def test_what_staff_hold_open_is_closed_by_staff_alone_and_their_reason_stays_with_staff(
    sandbox, shops, run, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        breaker_rows.hold_open("openai", by="staff:ada", reason="We change the key.")
        probe_is_due()

        waits = run(factories.pending_generation(shops[0]))
        breaker_rows.close("openai", waiting.resume, by="staff:ada", reason="New key.")

    assert waits.waits_for == "openai"
    assert sandbox.requests("openai") == []
    assert [said.reason for said in caplog.records if hasattr(said, "reason")] == ["We change the key.", "New key."]
    assert not any("change the key" in event.message for event in waits.events.all())
    assert run(waits).status == Status.DONE
    assert not breaker_rows.close("openai", waiting.resume, by="staff:ada", reason="New key.")


# --- Probes and closing -----------------------------------------------------------------------------------------------


def test_the_first_success_of_a_probe_closes_it_and_all_that_wait_come_back_at_once(sandbox, shops, run) -> None:
    put_off = open_openai(sandbox, shops, run)
    put_off += [run(factories.pending_generation(shops[3]))]
    sandbox.clear_faults()
    probe_is_due()

    assert run(factories.pending_generation(shops[4])).status == Status.DONE

    assert not is_open("openai")
    queue.promote()
    held_up = [blog for blog in put_off if blog.waits_for == "openai"]
    assert len(held_up) >= 2
    assert BlogGeneration.objects.filter(ready=True).count() == len(held_up)
    assert {run(blog).status for blog in put_off} == {Status.DONE}


def test_a_probe_that_fails_costs_nothing_and_the_next_is_of_another_site(sandbox, shops, run) -> None:
    open_openai(sandbox, shops, run)
    poison, good = factories.pending_generation(shops[3]), factories.pending_generation(shops[0])
    probe_is_due()

    assert run(poison).attempts == 0
    assert is_open("openai")
    asked = len(sandbox.requests("openai"))
    sandbox.clear_faults()
    probe_is_due(site=shops[3].pk)
    assert run(poison).attempts == 0  # not asked: it is another site's turn
    assert len(sandbox.requests("openai")) == asked
    probe_is_due(site=shops[3].pk)
    assert run(good).status == Status.DONE
    assert not is_open("openai")


def test_a_site_that_is_alone_has_its_turn_again_a_little_later(sandbox, shops, run, settings) -> None:
    blog = open_openai(sandbox, shops, run)[0]
    sandbox.clear_faults()
    Breaker.objects.update(probe_site=shops[0].pk, probe_at=ClockTimestamp() - timedelta(seconds=16))

    assert run(blog).status == Status.DONE


def test_a_quick_stage_tries_it_before_a_slow_one(db) -> None:
    breaker_rows.hold_open("openai", by="staff:ada", reason="Look at it.")
    down = ProviderDown("openai", retry_in=10)

    with transaction.atomic():
        waits = {stage: backoff.until_it_is_back(down, stage)[1] for stage in (Stage.IDEA, Stage.ARTICLE)}

    assert 10 < waits[Stage.IDEA] < waits[Stage.ARTICLE] < 10 + 15


def test_a_probe_that_comes_to_no_call_leaves_its_turn_to_the_next(sandbox, shops, run, monkeypatch) -> None:
    open_openai(sandbox, shops, run)
    sandbox.clear_faults()
    probe_is_due()
    monkeypatch.setattr("blogs.providers.openai._client", lambda: 1 / 0)
    run(factories.pending_generation(shops[3]))
    monkeypatch.undo()
    monkeypatch.setattr(breakers, "_FRESH_SECONDS", 0.0)

    assert run(factories.pending_generation(shops[4])).status == Status.DONE
    assert not is_open("openai")


def test_a_probe_that_meets_a_429_neither_closes_it_nor_keeps_its_turn(sandbox, shops, run) -> None:
    open_openai(sandbox, shops, run)
    sandbox.clear_faults()
    sandbox.fault("openai", "429")
    probe_is_due()

    run(factories.pending_generation(shops[3]))

    left = Breaker.objects.filter(provider="openai").values_list(F("probe_at") - ClockTimestamp(), flat=True)
    assert is_open("openai")
    assert 10 < left.get().total_seconds() <= 15


def test_a_probe_spends_no_longer_than_its_own_deadline(sandbox, shops, run, settings) -> None:
    open_openai(sandbox, shops, run)
    sandbox.clear_faults()
    sandbox.fault("openai", "timeout", seconds=3)
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "idea": 0.3}
    probe_is_due()

    hung = run(factories.pending_generation(shops[3]))

    assert (hung.attempts, hung.waits_for) == (0, "openai")
    assert Breaker.objects.get(provider="openai").code == "timeout"


def test_a_call_that_has_hung_since_before_it_closed_opens_it_not_again(sandbox, shops, run, settings) -> None:
    settings.BREAKER_FAILURES = settings.BREAKER_SITES = 1
    began = time.monotonic()
    breaker_rows.hold_open("openai", by="staff:ada", reason="Down.")
    breaker_rows.close("openai", waiting.resume, by="staff:ada", reason="Up.")
    work = Work(id=1, site=shops[0].pk)
    failure = ProviderFailure("timeout", "It hung.")

    verdict = breaker_rows.judge("openai", work, failure, began, probe=False)

    assert verdict is Verdict.DOUBT
    assert not is_open("openai")


def test_a_blog_that_is_put_off_just_after_it_closed_does_not_wait_for_it(sandbox, shops, run, monkeypatch) -> None:
    """Its worker's knowledge is a second old."""
    breaker_rows.hold_open("openai", by="staff:ada", reason="Down.")
    breakers._known("openai")
    monkeypatch.setattr(breakers, "_FRESH_SECONDS", 1_000.0)
    breakers.forget_states()
    breakers._known("openai")
    breaker_rows.close("openai", waiting.resume, by="staff:ada", reason="Up.")

    late = run(factories.pending_generation(shops[0]))

    assert (late.status, late.waits_for) == (Status.PENDING, "")
    assert (late.run_after - last_event(late).created_at).total_seconds() < 2


def test_what_waits_for_a_provider_that_is_there_is_found_by_housekeeping(sandbox, shops, run) -> None:
    open_openai(sandbox, shops, run)
    waits, forgotten = (run(factories.pending_generation(shop)) for shop in shops[3:5])
    BlogGeneration.objects.filter(pk=forgotten.pk).update(waits_for="replicate")

    waiting.resume_forgotten()
    queue.promote()

    assert BlogGeneration.objects.get(pk=forgotten.pk).ready
    assert BlogGeneration.objects.get(pk=waits.pk).waits_for == "openai"


def test_staff_who_put_a_blog_first_let_it_wait_for_nobody(sandbox, shops, run) -> None:
    open_openai(sandbox, shops, run)
    waits = run(factories.pending_generation(shops[3]))
    assert waits.waits_for == "openai"

    assert waiting.put_first(waits.pk, by="staff:ada").waits_for == ""

"""Nothing is done in a copy until an operator settled it; a promoted server is settled by who finds it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from blogs import pipeline
from blogs.management.commands import run_blog_worker
from blogs.models import BlogGeneration, Status
from blogs.operations import proof
from blogs.restore import copies
from blogs.restore.copies import Unsettled
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.api import Api
from tests.support.blogs.pipeline import Attempt, count, unblock_limits
from tests.support.blogs.restored import after_restore, as_a_copy, as_promoted, end_waiting
from wix.models import Site
from workers.context.process_memory import forget_everything
from workers.database import installation
from workers.database.installation import Verdict
from workers.models import Installation


def _verdict() -> Verdict:
    return installation.look().verdict


@pytest.mark.django_db
def test_a_worker_starts_on_a_new_database_and_on_the_one_that_it_worked_on() -> None:
    copies.require_settled()
    first = Installation.objects.get().renewed_at
    copies.require_settled()

    assert Installation.objects.get().renewed_at > first
    assert copies.problem() == ""


@pytest.mark.django_db(transaction=True)
def test_a_worker_refuses_a_copy_and_names_the_command(settings: Any) -> None:
    settings.OPENAI_API_KEY = settings.REPLICATE_API_TOKEN = "k"
    as_a_copy()

    with pytest.raises(CommandError, match=r"manage\.py after_restore"):
        call_command("run_blog_worker")

    assert "after_restore" in copies.problem()
    assert _verdict() is Verdict.COPIED


@pytest.mark.django_db(transaction=True)
def test_after_a_failover_a_worker_starts_and_its_blogs_look_first() -> None:
    blog = factories.pending_generation()
    as_promoted()
    lost_since = Installation.objects.get().renewed_at

    copies.require_settled()

    blog.refresh_from_db()
    assert blog.draft_search_since == lost_since
    assert _verdict() is Verdict.SAME
    assert factories.pending_generation().pk >= blog.pk + 100_000


@pytest.mark.django_db(transaction=True)
def test_a_server_that_was_recovered_to_a_long_gone_moment_waits_for_an_operator() -> None:
    """It may stand beside an original that still works."""
    as_promoted(seconds_ago=3_600)

    with pytest.raises(Unsettled, match="60 minutes ago"):
        copies.require_settled()


@pytest.mark.django_db(transaction=True)
def test_workers_that_have_worked_here_go_on_after_a_long_outage_and_a_failover() -> None:
    as_promoted(seconds_ago=3_600)

    copies.renew()

    assert _verdict() is Verdict.SAME


@pytest.mark.django_db(transaction=True)
def test_a_running_worker_stops_where_its_database_has_become_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    as_a_copy()
    sent: list[int] = []
    monkeypatch.setattr("os.kill", lambda pid, number: sent.append(number))

    run_blog_worker._renew()

    assert sent == [15]


def test_a_running_worker_creates_no_draft_from_a_copy(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    factories.pending_generation(shop)
    as_a_copy()

    waiting = attempt()

    assert (waiting.status, waiting.events.order_by("-id")[0].code) == (Status.PENDING, "not_settled")
    assert sandbox.drafts() == []
    after_restore("--original-is-stopped")
    end_waiting()
    unblock_limits()
    assert attempt().status == Status.DONE
    assert len(sandbox.drafts()) == 1
    assert proof.discrepancies() == []


def test_a_failover_in_the_middle_of_a_blog_lets_it_look_before_it_creates(
    sandbox: Sandbox, shop: Site, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def promoted_meanwhile(inputs: Any) -> Any:
        as_promoted()
        return media.run(inputs)

    media = next(step for step in pipeline.STEPS if step.stage == "media")
    steps = tuple(step._replace(run=promoted_meanwhile) if step is media else step for step in pipeline.STEPS)
    factories.pending_generation(shop)
    with monkeypatch.context() as failing:
        failing.setattr(pipeline, "STEPS", steps)
        waiting = attempt()
    created = count(sandbox, "draft_create")
    end_waiting()

    done = attempt()

    assert (waiting.status, waiting.attempts, created) == (Status.PENDING, 0, 0)
    assert waiting.draft_search_since
    assert done.status == Status.DONE
    assert count(sandbox, "draft_query") == 1
    assert len(sandbox.requests("openai", "article")) == 1


@pytest.mark.django_db(transaction=True)
def test_no_request_is_taken_into_a_copy() -> None:
    shop = Api(factories.site())
    as_a_copy()
    forget_everything()

    refused = shop.post()
    after_restore("--original-is-stopped")
    taken = shop.post()

    assert (refused.status_code, refused.json()["code"], refused["Retry-After"]) == (503, "database_unavailable", "5")
    assert taken.status_code == 201
    assert BlogGeneration.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_request_after_a_failover_gets_a_number_that_no_other_had() -> None:
    shop = Api(factories.site())
    before = shop.post().json()["id"]
    as_promoted()
    forget_everything()

    after = shop.post().json()["id"]

    assert after >= before + 100_000
    assert BlogGeneration.objects.get(pk=before).draft_search_since
    assert BlogGeneration.objects.get(pk=after).draft_search_since is None


@pytest.mark.django_db(transaction=True)
def test_a_web_process_that_starts_before_any_worker_takes_requests_and_leaves_the_row_to_workers() -> None:
    shop = Api(factories.site())

    assert shop.post().status_code == 201
    assert not Installation.objects.exists()

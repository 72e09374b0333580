"""What the providers do wrong, over real HTTP, and what becomes of the blog and of its credits."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import connection

from blogs import pipeline, queue
from blogs.models import BlogGeneration, GenerationEvent, Stage, StageOutput, Status
from blogs.operations import proof
from credits.models import CreditAccount
from tests.blogs.pipeline.conftest import make_due
from tests.support import factories
from tests.support.sandbox_fixtures import PRODUCTS
from wix.client import http
from wix.posts import author
from workers.context.on_behalf import Work
from workers.models import RateLimit
from workers.outbound import breaker_rows

Kind = GenerationEvent.Kind


def unblock_limits() -> None:
    """The minute that a provider asked for is over."""
    RateLimit.objects.update(blocked_until=None)


def last_event(generation: BlogGeneration) -> GenerationEvent:
    return generation.events.order_by("-id")[0]


def free_and_balance(site: Any) -> tuple[int, int]:
    account = CreditAccount.objects.get(site=site)
    assert proof.discrepancies() == []
    return account.available, account.balance


@pytest.mark.parametrize(
    ("kind", "code", "operation"),
    [
        ("500", "provider_unavailable", "idea"),
        ("500", "provider_unavailable", "article"),
        ("503", "provider_unavailable", "idea"),
        ("timeout", "timeout", "article"),
        ("drip", "timeout", "idea"),
        ("drip_headers", "timeout", "article"),
        ("reset", "provider_unavailable", "idea"),
        ("truncated", "provider_unavailable", "article"),
        ("invalid_json", "provider_unavailable", "idea"),
        ("wrong_json", "provider_unavailable", "article"),
        ("html", "provider_unavailable", "idea"),
        ("length", "content_truncated", "idea"),
        ("length", "content_truncated", "article"),
    ],
)
def test_a_passing_fault_of_openai_costs_an_attempt_only_if_it_is_the_blogs_and_nothing_is_paid_twice(
    sandbox, shop, attempt, settings, operation, kind, code
):
    spent = 1 if kind == "length" else 0
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, operation: 0.6}
    sandbox.fault("openai", kind, operation, seconds=3)
    factories.pending_generation(shop)

    hurt = attempt()

    assert (hurt.status, hurt.attempts, hurt.stage) == (Status.PENDING, spent, operation)
    assert last_event(hurt).code == code
    assert hurt.run_after is not None
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, operation: 60}
    done = attempt()
    assert (done.status, done.attempts) == (Status.DONE, spent + 1)
    other = "article" if operation == "idea" else "idea"
    assert len(sandbox.requests("openai", operation)) == 2
    assert len(sandbox.requests("openai", other)) == 1
    assert len(sandbox.requests("wix", "products_query")) == 1
    assert free_and_balance(shop) == (975, 975)


@pytest.mark.parametrize("kind", ["429", "429_no_retry_after", "slow_down"])
def test_a_refusal_that_is_not_the_blogs_fault_spends_no_attempt_and_holds_all_workers_back(
    sandbox, shop, attempt, kind
):
    sandbox.fault("openai", kind, "idea")
    factories.pending_generation(shop)

    put_off = attempt()

    assert (put_off.status, put_off.attempts) == (Status.PENDING, 0)
    assert put_off.deferred_since is not None
    assert last_event(put_off).kind == Kind.DEFERRED
    assert RateLimit.objects.get(provider="openai").blocked_until is not None
    unblock_limits()
    assert attempt().status == Status.DONE


@pytest.mark.parametrize(
    ("kind", "operation", "code"),
    [
        ("refusal", "idea", "content_refused"),
        ("content_filter", "article", "content_refused"),
        ("request_too_large", "article", "request_too_large"),
    ],
)
def test_what_will_never_succeed_fails_at_once_with_its_credits_back(sandbox, shop, attempt, kind, operation, code):
    sandbox.fault("openai", kind, operation)
    factories.pending_generation(shop)

    failed = attempt()

    assert (failed.status, failed.error_code, failed.attempts) == (Status.FAILED, code, 1)
    assert failed.error_message.endswith(".")
    assert free_and_balance(shop) == (1_000, 1_000)
    assert sandbox.drafts() == []


def test_an_article_that_keeps_naming_products_the_shop_lacks_fails_after_five_attempts(sandbox, shop, attempt):
    sandbox.fault("openai", "invalid_article", "article", times=None)
    factories.pending_generation(shop)

    for expected in (1, 2, 3, 4):
        assert (again := attempt()).status == Status.PENDING
        assert (again.attempts, again.error_code) == (expected, "content_invalid")
    failed = attempt()

    assert (failed.status, failed.error_code, failed.attempts) == (Status.FAILED, "content_invalid", 5)
    assert len(sandbox.requests("openai", "idea")) == 1
    assert free_and_balance(shop) == (1_000, 1_000)


def test_a_cut_article_gets_a_larger_budget_next_time(sandbox, shop, attempt):
    sandbox.fault("openai", "length", "article")
    factories.pending_generation(shop)
    attempt()
    attempt()

    first, second = (request["body"]["max_completion_tokens"] for request in sandbox.requests("openai", "article"))

    assert second > first


@pytest.mark.parametrize("kind", ["prediction_failed", "aborted", "canceled", "401"])
def test_a_picture_that_cannot_be_made_leaves_a_warning_and_no_cover(sandbox, shop, attempt, settings, kind):
    settings.BLOG_IMAGE_PATIENCE_SECONDS = -1  # for 401: as if ten minutes had passed
    sandbox.fault("replicate", kind, "create", times=None)
    factories.pending_generation(shop)

    done = attempt()

    assert done.status == Status.DONE
    assert done.events.filter(kind=Kind.WARNING).exists()
    assert "media" not in sandbox.drafts()[0] or not sandbox.drafts()[0]["media"].get("wixMedia")
    assert free_and_balance(shop) == (975, 975)


@pytest.mark.parametrize(
    "kind", ["500", "timeout", "drip", "drip_headers", "reset", "wrong_json", "invalid_json", "html"]
)
def test_a_passing_fault_of_replicate_is_tried_again(sandbox, shop, attempt, settings, kind):
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "image_order": 0.6}
    sandbox.fault("replicate", kind, "create", seconds=3)
    factories.pending_generation(shop)

    assert (attempt().status, attempt().status) == (Status.PENDING, Status.DONE)
    assert sandbox.drafts()[0]["media"]["wixMedia"]["image"]["id"]


def test_replicates_429_puts_the_blog_off_without_spending_an_attempt(sandbox, shop, attempt):
    sandbox.fault("replicate", "429", "create")
    factories.pending_generation(shop)

    put_off = attempt()

    assert (put_off.status, put_off.attempts, put_off.stage) == (Status.PENDING, 0, "image_order")
    assert RateLimit.objects.get(provider="replicate").rejections == 1


def test_media_that_fails_leaves_a_warning(sandbox, shop, attempt):
    sandbox.fault("wix", "media_failed", "media_import")
    sandbox.fault("wix", "403", "media_upload_url")
    factories.pending_generation(shop)

    done = attempt()

    assert done.status == Status.DONE
    assert done.events.get(kind=Kind.WARNING).code == "media_failed"


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        *((operation, "500") for operation in ("catalog_version", "products_query", "media_import", "tags_query")),
        ("products_query", "reset"),
        ("media_import", "html"),
        ("members_query", "truncated"),
        ("catalog_version", "429"),
        ("members_query", "429"),
    ],
)
def test_a_passing_fault_of_wix_is_tried_again(sandbox, shop, attempt, operation, kind):
    sandbox.fault("wix", kind, operation)
    factories.pending_generation(shop)

    hurt = attempt()
    unblock_limits()

    assert (hurt.status, hurt.attempts) == (Status.PENDING, 0)
    assert attempt().status == Status.DONE
    assert len(sandbox.drafts()) == 1
    assert len(sandbox.requests("openai", "article")) == 1


def test_a_member_that_was_made_between_the_look_and_the_create_is_used(sandbox, shop, attempt, monkeypatch):
    looks = iter([None])
    look = author._called
    monkeypatch.setattr(author, "_called", lambda *site: next(looks) if looks.__length_hint__() else look(*site))
    http.request(
        str(shop.instance_id),
        "POST",
        "/members/v1/members",
        operation="member_create",
        seconds=5,
        body={"member": {"loginEmail": f"author-{shop.instance_id}@authors.invalid"}},
    )
    factories.pending_generation(shop)

    assert attempt().status == Status.DONE


def test_a_stale_token_is_fetched_anew_once(sandbox, shop, attempt):
    sandbox.fault("wix", "401", "products_query")
    factories.pending_generation(shop)

    assert attempt().status == Status.DONE
    assert len(sandbox.requests("wix", "token")) == 2


def test_a_site_that_gives_no_token_any_more_fails_with_a_code_for_support(sandbox, shop, attempt, settings):
    settings.BREAKER_WINDOW_SECONDS = 0  # as if it had passed without another site that gives none
    sandbox.fault("wix", "token_removed", "token", times=None)
    factories.pending_generation(shop)
    assert attempt().status == Status.PENDING

    failed = attempt()

    assert (failed.status, failed.error_code) == (Status.FAILED, "wix_auth_lost")
    assert free_and_balance(shop) == (1_000, 1_000)


@pytest.mark.parametrize("kind", ["drip", "drip_headers"])
@pytest.mark.parametrize("operation", ["products_query", "draft_create"])
def test_a_dripping_wix_is_left_at_the_deadline(sandbox, shop, attempt, settings, operation, kind):
    stage = "products" if operation == "products_query" else "draft"
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, stage: 0.6}
    sandbox.fault("wix", kind, operation, seconds=6)
    factories.pending_generation(shop)
    began = time.monotonic()

    hurt = attempt()

    assert (hurt.status, last_event(hurt).code) == (Status.PENDING, "timeout")
    assert time.monotonic() - began < 3


def test_a_stage_of_many_slow_calls_ends_within_its_deadline_and_the_wait_for_limits(sandbox, shop, attempt, settings):
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "media": 0.7}
    settings.RATE_LIMIT_MAX_WAIT_SECONDS = 0.3
    sandbox.fault("wix", "media_pending_forever", "media_import")
    factories.pending_generation(shop)
    began = time.monotonic()

    hurt = attempt()

    assert (hurt.status, hurt.stage) == (Status.PENDING, "media")
    assert time.monotonic() - began < 3


def test_a_stage_says_until_when_its_lease_is_renewed(sandbox, shop, settings):
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "products": 1_000}
    settings.RATE_LIMIT_MAX_WAIT_SECONDS = 60
    sandbox.fault("wix", "500", "products_query")
    factories.pending_generation(shop)
    (generation,) = queue.claim(factories.WorkerFactory.create(), 1)
    now = time.monotonic()

    pipeline.execute(generation)

    assert now + 1_060 <= generation.renew_until <= now + 1_080


@pytest.mark.parametrize("version", ["V1_CATALOG", "V3_CATALOG"])
def test_a_product_becomes_an_article_about_it(sandbox, attempt, version):
    site = factories.site()
    sandbox.add_shop(str(site.instance_id), "Wool & Co", catalog_version=version, products=PRODUCTS)
    factories.pending_generation(site, source_type="product", source_id=PRODUCTS[1]["id"])

    done = attempt()

    assert done.status == Status.DONE
    products = StageOutput.objects.get(generation=done, stage=Stage.PRODUCTS).output
    assert products["source_text"] == "Lambswool Beanie"
    assert products["products"][0]["text"].startswith("A warm beanie")


@pytest.mark.parametrize("versions", [("V1_CATALOG", "V3_CATALOG"), ("V3_CATALOG", "V1_CATALOG")])
def test_a_shop_is_asked_for_its_catalogue_once_and_again_when_it_has_moved(sandbox, attempt, versions):
    site = factories.site()
    for version in versions:
        sandbox.add_shop(str(site.instance_id), "Wool & Co", catalog_version=version, products=PRODUCTS)
        for _ in range(2):
            generation = factories.pending_generation(site, source_type="product", source_id=PRODUCTS[1]["id"])
            assert attempt().status == Status.DONE
            assert generation.outputs.get(stage=Stage.PRODUCTS).output["source_text"] == "Lambswool Beanie"

    assert len(sandbox.requests("wix", "catalog_version")) == 2


@pytest.mark.parametrize("version", ["V1_CATALOG", "V3_CATALOG", "STORES_NOT_INSTALLED"])
def test_a_product_that_does_not_exist_fails_and_says_so(sandbox, attempt, version):
    site = factories.site()
    sandbox.add_shop(str(site.instance_id), catalog_version=version, products=PRODUCTS)
    factories.pending_generation(site, source_type="product", source_id="99999999-0000-4000-8000-000000000000")

    failed = attempt()

    assert (failed.status, failed.error_code) == (Status.FAILED, "source_not_found")
    assert free_and_balance(site) == (1_000, 1_000)


@pytest.mark.parametrize("version", ["V1_CATALOG", "V3_CATALOG", "STORES_NOT_INSTALLED"])
def test_a_shop_without_products_gets_its_article_all_the_same(sandbox, attempt, version):
    site = factories.site()
    sandbox.add_shop(str(site.instance_id), catalog_version=version)
    factories.pending_generation(site)

    assert attempt().status == Status.DONE


def test_a_published_blog_is_published_and_twice_is_harmless(sandbox, shop, attempt):
    sandbox.fault("wix", "500_after_success", "draft_publish")
    factories.pending_generation(shop, publish=True)

    assert (attempt().status, attempt().status) == (Status.PENDING, Status.DONE)
    (draft,) = sandbox.drafts()
    assert draft["status"] == "PUBLISHED"
    assert free_and_balance(shop) == (975, 975)


def test_publishing_that_never_works_leaves_the_draft_paid_with_a_warning(sandbox, shop, attempt):
    sandbox.fault("wix", "500", "draft_publish", times=None)
    factories.pending_generation(shop, publish=True)

    waiting = [attempt()]
    while waiting[-1].status == Status.PENDING:
        breaker_rows.got_through("wix", Work(id=0, site=0), began=time.monotonic())
        waiting.append(attempt())
    done = waiting.pop()

    assert [again.attempts for again in waiting] == [0, 1, 2, 3, 4]
    assert {again.status for again in waiting} == {Status.PENDING}
    assert done.status == Status.DONE
    assert done.events.get(kind=Kind.WARNING).stage == Stage.PUBLISH
    assert free_and_balance(shop) == (975, 975)


def test_a_poison_blog_disturbs_no_other(sandbox, shop, attempt):
    sandbox.fault("openai", "500", match="poison", times=None)
    factories.pending_generation(shop, source_id="poison")
    assert attempt().status == Status.PENDING
    BlogGeneration.objects.update(priority=1)
    factories.pending_generation(shop, source_id="healthy")

    assert attempt().status == Status.DONE


def test_a_bug_of_ours_is_retried_and_says_internal(sandbox, shop, attempt, monkeypatch, caplog):
    monkeypatch.setattr("blogs.stages.products._fitting", lambda text, products: 1 / 0)
    factories.pending_generation(shop)

    hurt = attempt()

    assert (hurt.status, hurt.error_code) == (Status.PENDING, "internal")
    assert "unexpected error in a stage" in caplog.text


def test_no_secret_reaches_logs_events_or_rows(sandbox, shop, attempt, caplog, settings):
    for kind in ("401", "500", "html"):
        sandbox.fault("openai", kind, "idea")
    factories.pending_generation(shop)
    for _ in range(4):
        attempt()
        unblock_limits()
        make_due()

    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(e::text, ' ') FROM blogs_generationevent e")
        events = cursor.fetchone()[0]
    rows = str(list(BlogGeneration.objects.values())) + str(list(StageOutput.objects.values()))
    written = events + rows + caplog.text + str([record.__dict__ for record in caplog.records])
    for secret in (settings.OPENAI_API_KEY, settings.REPLICATE_API_TOKEN, settings.WIX_APP_SECRET):
        assert secret not in written

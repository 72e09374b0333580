"""Tags and categories of the draft post: what is there is used, the rest is made once, and none is worth the post."""

from __future__ import annotations

import threading
import unicodedata
from contextlib import suppress
from datetime import timedelta
from typing import Any, Literal

import pytest
from django.db.models.functions import Now

from blogs.models import Stage, Status
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.books import last_event
from tests.support.blogs.pipeline import Attempt, count, make_at_wix, warnings
from tests.support.threads import at_once
from wix.models import BlogLabel, Site
from wix.posts import labels
from workers.errors import RateLimited


def make_tag(site: Site, label: str) -> str:
    return str(make_at_wix(site, "/blog/v3/tags", "tag_create", label=label)["tag"]["id"])


def test_tags_and_categories_that_are_there_are_used_whatever_their_capitals(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    wool = make_tag(shop, "WOOL")
    news = make_at_wix(shop, "/blog/v3/categories", "category_create", category={"label": "NEWS"})["category"]["id"]
    factories.pending_generation(shop, categories=["news", "Care Guides"])

    done = attempt()

    (draft,) = sandbox.drafts()
    assert (done.status, warnings(done)) == (Status.DONE, [])
    assert wool in draft["tagIds"]
    assert (draft["categoryIds"][0], len(draft["categoryIds"])) == (news, 2)
    assert count(sandbox, "tag_create") == 1 + 2  # ours here, and two that the article needed


@pytest.mark.parametrize("typed", ["NFC", "NFD"])
def test_a_label_in_unicodes_other_form_is_the_same_label(
    sandbox: Sandbox, shop: Site, attempt: Attempt, typed: Literal["NFC", "NFD"]
) -> None:
    cafe = unicodedata.normalize(typed, "Café au lait")
    news = make_at_wix(shop, "/blog/v3/categories", "category_create", category={"label": cafe})["category"]["id"]
    factories.pending_generation(shop, categories=[unicodedata.normalize("NFC", "CAFÉ au lait")])

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, [])
    assert sandbox.drafts()[0]["categoryIds"] == [news]
    assert count(sandbox, "category_create") == 1


def test_labels_once_known_are_asked_for_no_more(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    for _ in range(3):
        factories.pending_generation(shop, categories=["News"])
        assert attempt().status == Status.DONE

    # The first found none, so that the second read what the first had made.
    assert count(sandbox, "tags_query") == count(sandbox, "categories_list") + 1 == 2
    assert count(sandbox, "category_create") == 1
    labels = [sent["body"]["label"] for sent in sandbox.requests("wix", "tag_create")]
    assert len(labels) == len(set(labels))


def test_a_label_made_by_another_blog_at_the_same_time_is_used(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("wix", "after_success", "tag_create", seconds=0.01)
    factories.pending_generation(shop)
    assert attempt().stage == Stage.DRAFT

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, [])
    labels = [sent["body"]["label"] for sent in sandbox.requests("wix", "tag_create")]
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize("operation", ["tags_query", "tag_create"])
def test_a_blog_is_not_worth_less_for_its_tags(sandbox: Sandbox, shop: Site, attempt: Attempt, operation: str) -> None:
    sandbox.fault("wix", "403", operation, times=None)
    factories.pending_generation(shop)

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, ["labels_failed"])


def test_one_category_that_is_refused_costs_no_other_nor_a_second_list(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    sandbox.fault("wix", "403", "category_create", match="Care", times=None)
    factories.pending_generation(shop, categories=["Care Guides", "News"])

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, ["labels_failed"])
    assert len(sandbox.drafts()[0]["categoryIds"]) == count(sandbox, "categories_list") == 1
    assert not BlogLabel.objects.filter(wix_id="").exists()


def test_a_category_that_another_blog_makes_is_waited_for_until_that_one_must_be_dead(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    make_tag(shop, "any")
    news = make_at_wix(shop, "/blog/v3/categories", "category_create", category={"label": "News"})["category"]["id"]
    BlogLabel.objects.create(site=shop, kind="category", folded="other", wix_id="0", read_at=Now())
    claim = BlogLabel.objects.create(site=shop, kind="category", folded="news", claimed_at=Now())
    factories.pending_generation(shop, categories=["News"])

    waits = attempt()
    assert (waits.status, waits.attempts, last_event(waits).code) == (Status.PENDING, 0, "label_being_made")
    BlogLabel.objects.filter(pk=claim.pk).update(claimed_at=Now() - timedelta(seconds=61))

    assert attempt().status == Status.DONE
    assert sandbox.drafts()[0]["categoryIds"] == [news]
    assert count(sandbox, "category_create") == 1


def test_twenty_blogs_of_a_shop_make_one_category(sandbox: Sandbox, shop: Site) -> None:
    def have() -> list[str]:
        while True:
            with suppress(RateLimited):
                return labels.find_or_make(str(shop.instance_id), labels.CATEGORIES, ["News"], seconds=5).ids
            threading.Event().wait(0.01)

    sets = at_once(*[have] * 20)

    assert len({category for (category,) in sets}) == count(sandbox, "category_create") == 1


def test_slow_labels_are_done_without_and_leave_the_create_its_time(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any
) -> None:
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "draft": 1.2}
    settings.RATE_LIMIT_MAX_WAIT_SECONDS = 0.2
    sandbox.fault("wix", "timeout", "categories_list", seconds=3)
    factories.pending_generation(shop, categories=["News"])

    put_off = attempt()
    assert (put_off.status, put_off.attempts, last_event(put_off).code) == (Status.PENDING, 0, "too_little_time")
    assert count(sandbox, "draft_create") == 0

    sandbox.fault("wix", "timeout", "tags_query", seconds=3)
    done = attempt()
    assert (done.status, warnings(done)) == (Status.DONE, ["labels_failed"])  # not put off again
    assert len(sandbox.drafts()[0]["categoryIds"]) == 1


def test_a_tag_that_the_owner_has_deleted_is_forgotten(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    factories.pending_generation(shop)
    attempt()
    gone = BlogLabel.objects.filter(kind="tag").update(wix_id="00000000-0000-4000-8000-000000000000", read_at=Now())
    assert gone

    factories.pending_generation(shop)
    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, ["post_part_refused"])
    assert not BlogLabel.objects.filter(wix_id="00000000-0000-4000-8000-000000000000").exists()


def test_a_category_that_wix_drops_without_a_word_is_noticed(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    BlogLabel.objects.create(site=shop, kind="category", folded="news", wix_id="00000000-0000-4000-8000-000000000000")
    factories.pending_generation(shop, categories=["News"])

    assert warnings(attempt()) == ["labels_dropped"]
    assert not BlogLabel.objects.filter(kind="category").exists()

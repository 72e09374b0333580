"""The draft post as Wix has it: its author, tags, categories, address, and the time when it is published."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from blogs import ricos
from blogs.models import BlogGeneration, GenerationEvent, Stage, Status
from blogs.stages.draft_post import lighter, link_hosts
from credits import ledger
from tests import factories
from tests.pipeline.test_exactly_one_draft import age_the_create
from tests.threads import at_once
from wix import http, labels
from wix.models import BlogLabel, Site
from workers.errors import RateLimited


def warnings(generation: Any) -> list[str]:
    return list(generation.events.filter(kind=GenerationEvent.Kind.WARNING).values_list("code", flat=True))


def make_at_wix(site: Any, path: str, operation: str, **body: Any) -> dict[str, Any]:
    return http.request(str(site.instance_id), "POST", path, operation=operation, seconds=5, body=body)


def make_tag(site: Any, label: str) -> str:
    return str(make_at_wix(site, "/blog/v3/tags", "tag_create", label=label)["tag"]["id"])


def make_member(site: Any, email: str) -> str:
    return str(make_at_wix(site, "/members/v1/members", "member_create", member={"loginEmail": email})["member"]["id"])


def count(sandbox: Any, operation: str) -> int:
    return len(sandbox.requests("wix", operation))


# --- Tags and categories ----------------------------------------------------------------------------------------------


def test_tags_and_categories_that_are_there_are_used_whatever_their_capitals(sandbox, shop, attempt):
    wool = make_tag(shop, "WOOL")
    news = make_at_wix(shop, "/blog/v3/categories", "category_create", category={"label": "NEWS"})["category"]["id"]
    factories.pending_generation(shop, categories=["news", "Care Guides"])

    done = attempt()

    (draft,) = sandbox.drafts()
    assert (done.status, warnings(done)) == (Status.DONE, [])
    assert wool in draft["tagIds"]
    assert (draft["categoryIds"][0], len(draft["categoryIds"])) == (news, 2)
    assert count(sandbox, "tag_create") == 1 + 2  # ours here, and two that the article needed


def test_labels_once_known_are_asked_for_no_more(sandbox, shop, attempt):
    for _ in range(3):
        factories.pending_generation(shop, categories=["News"])
        assert attempt().status == Status.DONE

    # The first found none, so that the second read what the first had made.
    assert count(sandbox, "tags_query") == count(sandbox, "categories_list") + 1 == 2
    assert count(sandbox, "category_create") == 1
    labels = [sent["body"]["label"] for sent in sandbox.requests("wix", "tag_create")]
    assert len(labels) == len(set(labels))


def test_a_label_made_by_another_blog_at_the_same_time_is_used(sandbox, shop, attempt):
    sandbox.fault("wix", "after_success", "tag_create", seconds=0.01)
    factories.pending_generation(shop)
    assert attempt().stage == Stage.DRAFT

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, [])
    labels = [sent["body"]["label"] for sent in sandbox.requests("wix", "tag_create")]
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize("operation", ["tags_query", "tag_create"])
def test_a_blog_is_not_worth_less_for_its_tags(sandbox, shop, attempt, operation):
    sandbox.fault("wix", "403", operation, times=None)
    factories.pending_generation(shop)

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, ["labels_failed"])


def test_one_category_that_is_refused_costs_no_other_nor_a_second_list(sandbox, shop, attempt):
    sandbox.fault("wix", "403", "category_create", match="Care", times=None)
    factories.pending_generation(shop, categories=["Care Guides", "News"])

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, ["labels_failed"])
    assert len(sandbox.drafts()[0]["categoryIds"]) == count(sandbox, "categories_list") == 1
    assert not BlogLabel.objects.filter(wix_id="").exists()


def test_a_category_that_another_blog_makes_is_waited_for_until_that_one_must_be_dead(sandbox, shop, attempt):
    make_tag(shop, "any")
    news = make_at_wix(shop, "/blog/v3/categories", "category_create", category={"label": "News"})["category"]["id"]
    BlogLabel.objects.create(site=shop, kind="category", folded="other", wix_id="0", read_at=Now())
    claim = BlogLabel.objects.create(site=shop, kind="category", folded="news", claimed_at=Now())
    factories.pending_generation(shop, categories=["News"])

    waits = attempt()
    assert (waits.status, waits.attempts, waits.events.last().code) == (Status.PENDING, 0, "label_being_made")
    BlogLabel.objects.filter(pk=claim.pk).update(claimed_at=Now() - timedelta(seconds=61))

    assert attempt().status == Status.DONE
    assert sandbox.drafts()[0]["categoryIds"] == [news]
    assert count(sandbox, "category_create") == 1


def test_twenty_blogs_of_a_shop_make_one_category(sandbox, shop):
    def have() -> list[str]:
        while True:
            with suppress(RateLimited):
                return labels.find_or_make(str(shop.instance_id), labels.CATEGORIES, ["News"], seconds=5).ids
            threading.Event().wait(0.01)

    sets = at_once(*[have] * 20)

    assert len({category for (category,) in sets}) == count(sandbox, "category_create") == 1


def test_slow_labels_are_done_without_and_leave_the_create_its_time(sandbox, shop, attempt, settings):
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "draft": 1.2}
    settings.RATE_LIMIT_MAX_WAIT_SECONDS = 0.2
    sandbox.fault("wix", "timeout", "categories_list", seconds=3)
    factories.pending_generation(shop, categories=["News"])

    put_off = attempt()
    assert (put_off.status, put_off.attempts, put_off.events.last().code) == (Status.PENDING, 0, "too_little_time")
    assert count(sandbox, "draft_create") == 0

    sandbox.fault("wix", "timeout", "tags_query", seconds=3)
    done = attempt()
    assert (done.status, warnings(done)) == (Status.DONE, ["labels_failed"])  # not put off again
    assert len(sandbox.drafts()[0]["categoryIds"]) == 1


def test_a_tag_that_the_owner_has_deleted_is_forgotten(sandbox, shop, attempt):
    factories.pending_generation(shop)
    attempt()
    gone = BlogLabel.objects.filter(kind="tag").update(wix_id="00000000-0000-4000-8000-000000000000", read_at=Now())
    assert gone

    factories.pending_generation(shop)
    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, ["post_part_refused"])
    assert not BlogLabel.objects.filter(wix_id="00000000-0000-4000-8000-000000000000").exists()


def test_a_category_that_wix_drops_without_a_word_is_noticed(sandbox, shop, attempt):
    BlogLabel.objects.create(site=shop, kind="category", folded="news", wix_id="00000000-0000-4000-8000-000000000000")
    factories.pending_generation(shop, categories=["News"])

    assert warnings(attempt()) == ["labels_dropped"]
    assert not BlogLabel.objects.filter(kind="category").exists()


# --- The author -------------------------------------------------------------------------------------------------------


def test_the_owner_signs_where_the_owner_is_a_member(sandbox, shop, attempt):
    sandbox.change_shop(str(shop.instance_id), ownerEmail="Owner@shop.example")
    make_member(shop, "customer@mail.example")
    owner = make_member(shop, "owner@shop.example")
    factories.pending_generation(shop)

    attempt()

    shop.refresh_from_db()
    assert sandbox.drafts()[0]["memberId"] == str(shop.member_id) == owner


def test_a_customer_does_not_sign_what_we_can_sign_ourselves(sandbox, shop, attempt):
    customer = make_member(shop, "customer@mail.example")
    factories.pending_generation(shop)

    attempt()

    assert sandbox.drafts()[0]["memberId"] != customer
    (made,) = [sent["body"]["member"] for sent in sandbox.requests("wix", "member_create")[1:]]
    assert made["profile"]["nickname"] == "Wool & Co"


def test_one_who_was_made_and_is_not_shown_yet_is_waited_for(sandbox, shop, attempt):
    customer = make_member(shop, "customer@mail.example")
    sandbox.switch(wix_read_lag_seconds="3")
    sandbox.fault("wix", "after_success", "member_create", seconds=0.01)
    factories.pending_generation(shop)
    attempt()
    unseen = attempt()
    sandbox.pass_time(3)

    done = attempt()

    assert (unseen.status, unseen.error_code, done.status) == (Status.PENDING, "author_not_shown", Status.DONE)
    assert sandbox.drafts()[0]["memberId"] != customer
    assert count(sandbox, "member_create") == 1 + 2  # the customer, one unheard of, one refused


@pytest.mark.parametrize(("refused", "signs"), [("members_query", "ours"), ("member_create", "customer")])
def test_only_where_no_member_can_be_made_a_customer_signs(sandbox, shop, attempt, refused, signs):
    customer = make_member(shop, "customer@mail.example")
    sandbox.fault("wix", "403", refused, times=None)
    factories.pending_generation(shop)

    assert attempt().status == Status.DONE
    assert (sandbox.drafts()[0]["memberId"] == customer) == (signs == "customer")


@pytest.mark.parametrize("looked", ["members_query", "members_list"])
def test_without_any_member_the_blog_fails_and_its_credits_come_back(sandbox, shop, attempt, looked):
    sandbox.fault("wix", "403", "member_create", times=None)
    sandbox.fault("wix", "403", looked, times=None)
    factories.pending_generation(shop)

    failed = attempt()

    assert (failed.status, failed.error_code) == (Status.FAILED, "no_author")
    assert ledger.discrepancies() == []


# --- What Wix made of it ----------------------------------------------------------------------------------------------


def test_the_address_and_slug_that_wix_gave_are_kept(sandbox, shop, attempt):
    factories.pending_generation(shop)

    done = attempt()

    (draft,) = sandbox.drafts()
    assert done.draft_post_url == draft["url"]["base"] + draft["url"]["path"]
    assert done.draft_post_slug == draft["url"]["path"].rpartition("/")[2]
    assert draft["seoData"]["settings"]["keywords"][0] == {"term": "wool scarves", "isMain": True}


def test_reads_that_are_behind_show_what_was_just_written(sandbox, shop, attempt):
    sandbox.switch(wix_read_lag_seconds="3")
    factories.pending_generation(shop)

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, [])
    assert count(sandbox, "draft_get") == 1


@pytest.mark.parametrize("kind", ["500", "not_found", "html"])
def test_a_draft_that_cannot_be_looked_at_is_a_draft_all_the_same(sandbox, shop, attempt, kind):
    sandbox.fault("wix", kind, "draft_get")
    factories.pending_generation(shop)

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, ["not_read_back"])
    assert done.draft_post_url


def test_pictures_that_wix_refuses_are_left_out(sandbox, shop, attempt):
    sandbox.fault("wix", "500", "draft_create")
    factories.pending_generation(shop)
    assert attempt().stage == Stage.DRAFT
    age_the_create(90)
    sandbox.reset()  # the owner has emptied the media manager meanwhile

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, ["post_part_refused"] * 2)  # the tags were there, too
    assert len(sandbox.drafts()) == 1


def test_only_what_a_refusal_names_is_left_out():
    image = {"type": "IMAGE", "id": "m", "nodes": []}
    text = {"type": "PARAGRAPH", "id": "m-2", "nodes": []}
    post = {"title": "T", "media": {}, "tagIds": ["1"], "richContent": {"nodes": [image, text], "metadata": {}}}

    assert lighter(post, "tagIds [1] do not exist") == {name: post[name] for name in ("title", "media", "richContent")}
    without = lighter(post, "draftPost.richContent: media a~mv2.jpg does not exist")
    assert without is not None
    assert "media" not in without
    assert without["richContent"]["nodes"] == [{**text, "id": "m"}]
    nothing_else = lighter({**post, "richContent": {"nodes": [image]}}, "no such image")
    assert nothing_else is not None
    assert ricos.has_marker(nothing_else["richContent"], "m")
    assert lighter({"title": "T", "richContent": {"nodes": [text]}}, "no such image") is None
    assert lighter(post, "draftPost.title must not be empty") is None


@pytest.mark.parametrize(
    ("site_url", "addresses", "hosts"),
    [
        ("https://www.wool.example/shop", ["https://a.example/1", None], {"wool.example", "www.wool.example"}),
        ("https://wool.example", ["https://me.wixsite.com/x"], {"wool.example", "www.wool.example", "me.wixsite.com"}),
        ("", ["https://a.example/1", "https://a.example/2", "https://b.example/1"], {"a.example"}),
        ("", ["https://a.example/1", "https://b.example/1"], set()),
        ("", ["https://wixsite.com.b.example/1", "https://evilwixsite.com/1", "https://[nonsense"], set()),
    ],
)
def test_links_lead_to_the_shop_and_not_to_where_one_product_says(site_url, addresses, hosts):
    assert link_hosts(site_url, addresses) == hosts


@pytest.mark.parametrize(("site_url", "leads"), [("", True), ("https://other.example", False)])
def test_an_article_too_large_for_wix_loses_its_end_and_links_elsewhere(sandbox, shop, attempt, site_url, leads):
    Site.objects.update(url=site_url)
    sandbox.fault("wix", "500", "media_import")
    waiting = factories.pending_generation(shop)
    attempt()
    written = waiting.outputs.get(stage=Stage.ARTICLE)
    more = {
        "type": "paragraph",
        "runs": [{"text": "whole " * 3_000, "bold": False, "italic": False, "product_id": None}],
    }
    heading = {"type": "heading", "level": 2, "text": "More"}
    written.output["blocks"] += [heading, more] * 30
    written.save()

    done = attempt()

    (draft,) = sandbox.drafts()
    assert (done.status, warnings(done)) == (Status.DONE, ["article_shortened"])
    assert ricos.SIZE_MAX - 40_000 < ricos.size_bytes(draft["richContent"]) <= ricos.SIZE_MAX
    assert draft["richContent"]["nodes"][-1]["nodes"][0]["textData"]["text"].endswith("whole")
    assert ("https://shop.example/" in str(draft["richContent"])) == leads


# --- Publishing -------------------------------------------------------------------------------------------------------


def test_a_published_posts_address_is_kept(sandbox, shop, attempt):
    factories.pending_generation(shop, publish=True)

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, [])
    assert done.post_url.startswith("https://")


def test_a_post_is_published_at_the_time_that_the_shop_chose(sandbox, shop, attempt):
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    factories.pending_generation(shop, publish=True, publish_at=at)

    done = attempt()

    (draft,) = sandbox.drafts()
    assert (done.status, done.post_url) == (Status.DONE, "")
    assert (draft["status"], draft["scheduledPublishDate"]) == ("SCHEDULED", f"{at:%Y-%m-%dT%H:%M:%S}.000Z")
    assert count(sandbox, "draft_publish") == 0


def test_a_time_that_has_come_meanwhile_is_now(sandbox, shop, attempt):
    pending = factories.pending_generation(shop, publish=True)
    BlogGeneration.objects.filter(pk=pending.pk).update(publish_at=datetime.now(UTC))

    assert attempt().post_url
    assert sandbox.drafts()[0]["status"] == "PUBLISHED"

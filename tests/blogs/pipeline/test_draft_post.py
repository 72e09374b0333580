"""The draft post as Wix has it: its author, its parts, its address, and the time when it is published."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blogs.article import ricos
from blogs.models import BlogGeneration, Stage, Status
from blogs.operations import proof
from blogs.stages.draft_post import lighter, link_hosts
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import Attempt, age_the_create, count, make_at_wix, warnings
from wix.models import Site


def make_member(site: Site, email: str) -> str:
    return str(make_at_wix(site, "/members/v1/members", "member_create", member={"loginEmail": email})["member"]["id"])


# --- The author -------------------------------------------------------------------------------------------------------


def test_the_owner_signs_where_the_owner_is_a_member(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.change_shop(str(shop.instance_id), ownerEmail="Owner@shop.example")
    make_member(shop, "customer@mail.example")
    owner = make_member(shop, "owner@shop.example")
    factories.pending_generation(shop)

    attempt()

    shop.refresh_from_db()
    assert sandbox.drafts()[0]["memberId"] == str(shop.member_id) == owner


def test_a_customer_does_not_sign_what_we_can_sign_ourselves(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    customer = make_member(shop, "customer@mail.example")
    factories.pending_generation(shop)

    attempt()

    assert sandbox.drafts()[0]["memberId"] != customer
    (made,) = [sent["body"]["member"] for sent in sandbox.requests("wix", "member_create")[1:]]
    assert made["profile"]["nickname"] == "Wool & Co"


def test_one_who_was_made_and_is_not_shown_yet_is_waited_for(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
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
def test_only_where_no_member_can_be_made_a_customer_signs(
    sandbox: Sandbox, shop: Site, attempt: Attempt, refused: str, signs: str
) -> None:
    customer = make_member(shop, "customer@mail.example")
    sandbox.fault("wix", "403", refused, times=None)
    factories.pending_generation(shop)

    assert attempt().status == Status.DONE
    assert (sandbox.drafts()[0]["memberId"] == customer) == (signs == "customer")


@pytest.mark.parametrize("looked", ["members_query", "members_list"])
def test_without_any_member_the_blog_fails_and_its_credits_come_back(
    sandbox: Sandbox, shop: Site, attempt: Attempt, looked: str
) -> None:
    sandbox.fault("wix", "403", "member_create", times=None)
    sandbox.fault("wix", "403", looked, times=None)
    factories.pending_generation(shop)

    failed = attempt()

    assert (failed.status, failed.error_code) == (Status.FAILED, "no_author")
    assert proof.discrepancies() == []


# --- What Wix made of it ----------------------------------------------------------------------------------------------


def test_the_address_and_slug_that_wix_gave_are_kept(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    factories.pending_generation(shop)

    done = attempt()

    (draft,) = sandbox.drafts()
    assert done.draft_post_url == draft["url"]["base"] + draft["url"]["path"]
    assert done.draft_post_slug == draft["url"]["path"].rpartition("/")[2]
    assert draft["seoData"]["settings"]["keywords"][0] == {"term": "wool scarves", "isMain": True}


def test_reads_that_are_behind_show_what_was_just_written(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.switch(wix_read_lag_seconds="3")
    factories.pending_generation(shop)

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, [])
    assert count(sandbox, "draft_get") == 1


@pytest.mark.parametrize("kind", ["500", "not_found", "html"])
def test_a_draft_that_cannot_be_looked_at_is_a_draft_still(
    sandbox: Sandbox, shop: Site, attempt: Attempt, kind: str
) -> None:
    sandbox.fault("wix", kind, "draft_get")
    factories.pending_generation(shop)

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, ["not_read_back"])
    assert done.draft_post_url


def test_pictures_that_wix_refuses_are_left_out(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("wix", "500", "draft_create")
    factories.pending_generation(shop)
    assert attempt().stage == Stage.DRAFT
    age_the_create(90)
    sandbox.reset()  # the owner has emptied the media manager meanwhile

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, ["post_part_refused"] * 2)  # the tags were there, too
    assert len(sandbox.drafts()) == 1


def test_only_what_a_refusal_names_is_left_out() -> None:
    image = {"type": "IMAGE", "id": "m", "nodes": []}
    text = {"type": "PARAGRAPH", "id": "m-2", "nodes": [{"type": "TEXT", "id": "", "nodes": []}]}
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
def test_links_lead_to_the_shop_and_not_to_where_one_product_says(
    site_url: str, addresses: list[str | None], hosts: set[str]
) -> None:
    assert link_hosts(site_url, addresses) == hosts


@pytest.mark.parametrize(("site_url", "leads"), [("", True), ("https://other.example", False)])
def test_an_article_too_large_for_wix_loses_its_end_and_links_elsewhere(
    sandbox: Sandbox, shop: Site, attempt: Attempt, site_url: str, leads: bool
) -> None:
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


def test_a_published_posts_address_is_kept(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    factories.pending_generation(shop, publish=True)

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, [])
    assert done.post_url.startswith("https://")


def test_a_post_is_published_at_the_time_that_the_shop_chose(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    factories.pending_generation(shop, publish=True, publish_at=at)

    done = attempt()

    (draft,) = sandbox.drafts()
    assert (done.status, done.post_url) == (Status.DONE, "")
    assert (draft["status"], draft["scheduledPublishDate"]) == ("SCHEDULED", f"{at:%Y-%m-%dT%H:%M:%S}.000Z")
    assert count(sandbox, "draft_publish") == 0


def test_a_time_that_has_come_meanwhile_is_now(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    pending = factories.pending_generation(shop, publish=True)
    BlogGeneration.objects.filter(pk=pending.pk).update(publish_at=datetime.now(UTC))

    assert attempt().post_url
    assert sandbox.drafts()[0]["status"] == "PUBLISHED"

"""A held article: repaired once more, written from the start, or published by a person who has read it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from blogs.batches.moves import Skipped
from blogs.desk.find import blogs
from blogs.models import Article, BlogGeneration, Stage, Status
from blogs.operations import proof
from blogs.post_orders import working
from blogs.words import keeping
from tests.sandbox import Sandbox
from tests.support.api import Api
from tests.support.blogs.books import row
from tests.support.blogs.desk_pages import blog_page
from tests.support.blogs.orders import Shop, ask_to_look, finished, last_order, move, work
from tests.support.blogs.pipeline import free_and_balance
from tests.support.front import Front
from wix.models import Site

pytestmark = pytest.mark.django_db(transaction=True)

PRICE = "$49.90"


@pytest.fixture
def held(sandbox: Sandbox, shop: Site) -> BlogGeneration:
    sandbox.fault("openai", "defect:invented_price", "article")
    sandbox.fault("openai", "changes_nothing", "repair")
    blog = finished(shop, publish=True)
    assert (blog.status, blog.needs_review, blog.post_url) == (Status.DONE, True, "")
    return blog


def text_at_wix(sandbox: Sandbox) -> str:
    (draft,) = sandbox.drafts()
    return json.dumps(draft["richContent"], ensure_ascii=False)


def test_one_more_repair_gives_the_draft_the_new_text(sandbox: Sandbox, shop: Site, held: BlogGeneration) -> None:
    assert PRICE in text_at_wix(sandbox)

    move("repair", held)
    work()

    after = row(held)
    assert (after.status, after.needs_review, after.post_url) == (Status.DONE, False, "")
    assert PRICE not in text_at_wix(sandbox)
    assert PRICE not in json.dumps(Article.objects.get(pk=held.pk).content)
    assert not after.outputs.get(stage=Stage.ARTICLE).output["quality"]["held"]
    assert (len(sandbox.requests("openai", "article")), len(sandbox.requests("openai", "repair"))) == (1, 2)
    assert not after.outputs.filter(stage="revision").exists()
    assert free_and_balance(shop) == (975, 975)


def test_it_can_be_written_from_the_start(sandbox: Sandbox, shop: Site, held: BlogGeneration) -> None:
    move("rewrite", held)
    work()

    assert (row(held).needs_review, len(sandbox.requests("openai", "article"))) == (False, 2)
    assert PRICE not in text_at_wix(sandbox)
    assert proof.discrepancies() == []


def test_what_was_paid_for_is_kept_until_the_draft_has_it(sandbox: Sandbox, shop: Site, held: BlogGeneration) -> None:
    sandbox.fault("wix", "500", "draft_update")
    move("rewrite", held)
    work()
    assert last_order(held).ended_at is None

    work()

    assert (row(held).needs_review, len(sandbox.requests("openai", "article"))) == (False, 2)


def test_a_draft_that_its_shop_has_edited_is_left_alone(sandbox: Sandbox, shop: Site, held: BlogGeneration) -> None:
    Shop(held).edit(title="Mine")

    move("repair", held)
    work()

    assert (row(held).needs_review, last_order(held).code) == (True, "draft_edited")
    assert len(sandbox.requests("openai", "repair")) == 1


def test_a_draft_that_its_shop_edits_while_its_text_is_written_is_left_alone(
    front: Front, sandbox: Sandbox, held: BlogGeneration
) -> None:
    written_before = len(sandbox.requests("openai", "article"))

    def edited_meanwhile(draft: Any) -> Any:
        if len(sandbox.requests("openai", "article")) > written_before:
            draft["draftPost"]["title"] = "Mine"
        return draft

    front.on("GET", "/draft-posts/", edited_meanwhile)

    move("rewrite", held)
    work()

    assert len(sandbox.requests("openai", "article")) == written_before + 1
    assert (row(held).needs_review, last_order(held).code) == (True, "draft_edited")
    assert PRICE in text_at_wix(sandbox)


@pytest.mark.parametrize("act", ["repair", "rewrite"])
def test_a_new_text_of_whose_arrival_nothing_was_heard_is_no_edit_of_the_shops(
    sandbox: Sandbox, shop: Site, held: BlogGeneration, act: str
) -> None:
    """As after a worker's death between Wix's answer and the order's end."""
    sandbox.fault("wix", "500_after_success", "draft_update")
    move(act, held)
    work()
    assert (last_order(held).ended_at, PRICE in text_at_wix(sandbox)) == (None, False)
    paid = len(sandbox.requests("openai"))

    work()

    assert (last_order(held).code, row(held).needs_review) == ("", False)
    assert len(sandbox.requests("openai")) == paid
    assert PRICE not in json.dumps(Article.objects.get(pk=held.pk).content)


@pytest.mark.parametrize(("first", "second"), [("repair", "rewrite"), ("rewrite", "repair")])
def test_what_an_earlier_order_has_mended_is_not_written_again(
    sandbox: Sandbox, held: BlogGeneration, first: str, second: str
) -> None:
    move(first, held)
    move(second, held)
    working.work_off_changes()

    assert (last_order(held).code, row(held).needs_review) == ("not_held", False)
    text = text_at_wix(sandbox)
    assert PRICE not in text
    assert len(sandbox.requests("wix", "draft_update")) == 1


@pytest.mark.parametrize("fault", ["500", None])
def test_what_a_critic_found_stands_until_it_is_gone_from_the_text(
    sandbox: Sandbox, shop: Site, fault: str | None
) -> None:
    sandbox.fault("openai", "finds", "critic")
    sandbox.fault("openai", "changes_nothing", "repair")
    blog = finished(shop, publish=True)
    assert blog.needs_review
    sandbox.fault("openai", "changes_nothing", "repair")
    if fault:
        sandbox.fault("openai", fault, "critic")

    move("repair", blog)
    work()

    after = row(blog)
    report = after.outputs.get(stage=Stage.ARTICLE).output["quality"]
    assert (after.needs_review, report["held"]) == (True, True)
    assert [found["done"] for found in report["findings"] if found["check"].startswith("critic: ")] == [""]
    assert len(sandbox.requests("openai", "repair")) == 2


def test_publishing_waits_for_no_article_that_is_written_again(shop: Site, held: BlogGeneration) -> None:
    move("rewrite", held)

    working.work_off_quick_changes()

    order = last_order(held)
    assert (order.kind, order.ended_at, order.taken_until) == ("rewrite", None, None)


def test_a_shop_has_a_blog_revised_three_times_at_most(sandbox: Sandbox, shop: Site, held: BlogGeneration) -> None:
    api, answers = Api(shop), []
    for _ in range(4):
        sandbox.fault("openai", "changes_nothing", "repair")
        answers.append(api.act(held.pk, "repair"))
        work()

    assert [answer.status_code for answer in answers] == [202, 202, 202, 409]
    assert "revised 3 times" in answers[-1].json()["detail"]
    assert row(held).needs_review
    assert free_and_balance(shop) == (975, 975)


def test_publishing_it_all_the_same_ends_the_review(sandbox: Sandbox, shop: Site, held: BlogGeneration) -> None:
    move("publish_again", held)
    work()

    after = row(held)
    assert (after.needs_review, bool(after.post_url)) == (False, True)
    published = after.events.get(kind="published")
    assert published.message.endswith("Its article was held for a person, and is released by ada.")


def test_once_it_is_published_nothing_says_that_it_is_held(
    sandbox: Sandbox, shop: Site, held: BlogGeneration, client: Client
) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    api, path = Api(shop), f"/api/blog-generation/{held.pk}"
    assert "of 100, held for a person" in blog_page(client, held.pk)

    assert api.act(held.pk, "publish").status_code == 202
    work()

    told: Any = api.get(path).json()
    assert (told["needsReview"], told["quality"]["held"], told["warnings"]) == (False, False, [])
    assert "of 100, was held and is released" in blog_page(client, held.pk)
    assert "is released by shop" in row(held).events.get(kind="published").message


def test_a_shop_that_publishes_it_at_wix_has_decided_too(sandbox: Sandbox, shop: Site, held: BlogGeneration) -> None:
    Shop(held).publish()

    ask_to_look(held)
    work()

    after = row(held)
    assert (after.needs_review, bool(after.post_url)) == (False, True)
    assert "its shop has published it at Wix" in after.events.get(kind="published").message

    ask_to_look(held)
    work()
    assert after.events.filter(kind="published").count() == 1


def test_staff_find_it_by_its_new_title_and_no_more_by_the_old_one(
    front: Front, sandbox: Sandbox, shop: Site, held: BlogGeneration
) -> None:
    Article.objects.filter(pk=held.pk).update(title="Zebra blankets")
    keeping.write_again(held.pk)
    assert blogs.worded("zebra", 9) == [held.pk]

    move("rewrite", held)
    work()

    title = Article.objects.get(pk=held.pk).title
    assert "zebra" not in title.lower()
    assert (blogs.worded("zebra", 9), blogs.worded(title, 9)) == ([], [held.pk])
    assert blogs.worded(held.source_id, 9) == [held.pk]


def test_an_article_that_is_not_held_is_not_revised(sandbox: Sandbox, shop: Site) -> None:
    blog = finished(shop)

    with pytest.raises(Skipped, match="not held"):
        move("repair", blog)


def test_a_shop_sees_why_and_asks_for_a_repair(sandbox: Sandbox, shop: Site, held: BlogGeneration) -> None:
    api, path = Api(shop), f"/api/blog-generation/{held.pk}"
    told: Any = api.get(path).json()
    assert (told["needsReview"], told["quality"]["held"]) == (True, True)
    assert told["possible"] == ["repair", "rewrite", "publish"]
    assert [warning["code"] for warning in told["warnings"]] == ["needs_review"]

    asked = [api.act(held.pk, "repair").status_code for _ in range(2)]
    work()

    assert asked == [202, 202]
    told = api.get(path).json()
    assert (told["needsReview"], told["quality"]["held"], told["warnings"]) == (False, False, [])
    assert api.act(held.pk, "repair").status_code == 409

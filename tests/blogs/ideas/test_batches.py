"""Ideas are asked for several waiting blogs of a site at once, by the real pipeline against the sandbox."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from blogs import pipeline, queue
from blogs.ideas import bank, batches
from blogs.ideas.batches import Leader, Planned
from blogs.models import BlogGeneration, IdeaAsked, StageOutput, Status, Topic
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import Attempt, warnings
from wix.models import Site
from workers.models import ProviderCall

TOPICS = [
    "merino socks", "garden benches", "espresso cups", "beeswax candles", "linen curtains", "leather wallets", "oak shelves",
    "enamel jugs", "rain jackets", "bicycle bells", "copper kettles", "wicker baskets", "felt slippers", "paper lanterns",
    "cast iron pans", "silk pillowcases", "brass hooks", "tea strainers", "bamboo brushes", "clay pots",
]  # fmt: skip


def ideas_calls(sandbox: Sandbox) -> list[Any]:
    return sandbox.requests("openai", "idea")


def test_twenty_blogs_that_wait_take_two_calls_and_get_twenty_titles(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    for topic in TOPICS:
        factories.pending_generation(shop, source_id=topic)

    done = [attempt() for _ in TOPICS]

    assert {blog.status for blog in done} == {Status.DONE}
    assert len(ideas_calls(sandbox)) == 2
    assert len({draft["title"] for draft in sandbox.drafts(str(shop.instance_id))}) == 20
    assert not IdeaAsked.objects.exists()
    assert not any(warnings(blog) for blog in done)


def test_a_blog_that_waits_alone_asks_at_once_and_alone(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    factories.pending_generation(shop)
    factories.pending_generation(factories.site(), source_id="another shop's")

    assert attempt().status == Status.DONE

    assert ProviderCall.objects.filter(operation="blog_idea").count() == 1


def test_what_a_batch_took_is_shared_out_among_its_blogs(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    blogs = [factories.pending_generation(shop, source_id=topic) for topic in TOPICS[:4]]

    attempt()

    shares = ProviderCall.objects.filter(operation="blog_ideas").order_by("work")
    assert [share.work for share in shares] == [blog.pk for blog in blogs]
    assert {share.site for share in shares} == {shop.pk}
    assert max(share.tokens_reserved for share in shares) - min(share.tokens_reserved for share in shares) <= 1
    assert len({share.request_id for share in shares}) == 1
    [call] = ideas_calls(sandbox)
    sent = json.loads(call["body"]) if isinstance(call.get("body"), str) else call["body"]
    assert sum(share.output_max for share in shares) == sent["max_completion_tokens"]


def test_one_bad_and_one_missing_idea_spoil_no_other(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    blogs = [factories.pending_generation(shop, source_id=topic) for topic in TOPICS[:5]]
    sandbox.fault("openai", "uneven_ideas", "idea")

    done = [attempt() for _ in blogs]

    assert {blog.status for blog in done} == {Status.DONE}
    # The batch; then the blog without an idea, and the one whose idea had no sections, each by itself.
    assert len(ideas_calls(sandbox)) == 3
    alone = ProviderCall.objects.filter(operation="blog_idea").order_by("work").values_list("work", flat=True)
    assert list(alone) == [blogs[1].pk, blogs[2].pk]


def test_of_a_batch_that_was_cut_the_whole_ideas_are_used(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    blogs = [factories.pending_generation(shop, source_id=topic) for topic in TOPICS[:6]]
    sandbox.fault("openai", "length", "idea")

    done = [attempt() for _ in blogs]

    assert {blog.status for blog in done} == {Status.DONE}
    # The last ones of the batch, each by itself.
    alone = ProviderCall.objects.filter(operation="blog_idea").order_by("work").values_list("work", flat=True)
    assert list(alone) in ([blogs[4].pk, blogs[5].pk], [blogs[3].pk, blogs[4].pk, blogs[5].pk])


def test_a_prompt_that_is_refused_fails_its_own_blog_alone(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("openai", "refusal", "idea", match="bomb", times=None)
    blogs = [factories.pending_generation(shop, source_id=topic) for topic in [*TOPICS[:3], "bomb"]]

    done = [attempt() for _ in blogs]

    assert [blog.status for blog in done] == [Status.DONE] * 3 + [Status.FAILED]


def test_blogs_that_are_scheduled_or_of_another_language_or_length_are_not_taken_along(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    first = factories.pending_generation(shop, source_id=TOPICS[0])
    later = factories.pending_generation(shop, source_id=TOPICS[1])
    BlogGeneration.objects.filter(pk=later.pk).update(ready=False, run_after="2100-01-01T00:00:00Z")
    factories.pending_generation(shop, source_id=TOPICS[2], language="de")
    factories.pending_generation(shop, source_id=TOPICS[3], length="long")
    claimed = queue.claim(factories.WorkerFactory.create(), 1)

    turn = batches.turn(_leader(claimed[0]))

    assert claimed[0].pk == first.pk
    assert turn.others == ()


def _leader(blog: BlogGeneration) -> Leader:
    return Leader(blog.pk, blog.site_id, blog.lease_token)


def test_two_workers_of_a_site_never_ask_for_the_same_blogs(sandbox: Sandbox, shop: Site) -> None:
    for topic in TOPICS:
        factories.pending_generation(shop, source_id=topic)
    claimed = queue.claim(factories.WorkerFactory.create(), 4)

    def its_turn(blog: BlogGeneration) -> batches.Turn:
        try:
            return batches.turn(_leader(blog))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        turns = list(threads.map(its_turn, claimed))

    asked = [pk for turn in turns for pk in turn.others] + [
        blog.pk for blog, turn in zip(claimed, turns, strict=True) if not turn.waits
    ]
    assert len(asked) == len(set(asked))
    assert sum(turn.waits for turn in turns) == 3


def test_a_killed_workers_batch_is_led_again_and_what_comes_late_is_not_kept(sandbox: Sandbox, shop: Site) -> None:
    for topic in TOPICS[:3]:
        factories.pending_generation(shop, source_id=topic)
    dead, other = queue.claim(factories.WorkerFactory.create(), 2)
    assert len(batches.turn(_leader(dead)).others) == 2
    assert batches.turn(_leader(other)).waits

    BlogGeneration.objects.filter(pk=dead.pk).update(lease_expires_at="2000-01-01T00:00:00Z")
    turn = batches.turn(_leader(other))

    assert not turn.waits
    late = [Planned(other.pk, "socks", "Socks that stay up", "en", {})]
    assert batches.keep(_leader(dead), late) == set()
    assert batches.keep(_leader(other), late) == {other.pk}
    assert Topic.objects.filter(generation_id=other.pk, kind="title").count() == 1


def test_a_plan_that_was_kept_before_a_worker_died_is_not_paid_for_again(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    blog = factories.pending_generation(shop, source_id=TOPICS[0])
    attempt()
    title = Topic.objects.get(generation_id=blog.pk, kind="title").text
    # As if the worker had died between the two.
    StageOutput.objects.filter(generation=blog).exclude(stage="products").delete()
    again = pipeline.inputs_of(BlogGeneration.objects.get(pk=blog.pk))

    assert batches.turn(Leader(blog.pk, shop.pk, None)).plan == {**_plan(blog), "title": title}
    assert again.site_id == shop.pk
    assert len(ideas_calls(sandbox)) == 1


def _plan(blog: BlogGeneration) -> dict[str, Any]:
    plan: dict[str, Any] | None = Topic.objects.values_list("plan", flat=True).get(generation_id=blog.pk, kind="title")
    assert plan
    return plan


@pytest.mark.parametrize("holding", [True, False])
def test_two_workers_with_one_topic_end_with_two_titles_or_a_warning(
    sandbox: Sandbox, shop: Site, holding: bool
) -> None:
    """Both ask at once: of two that hold the same title one is kept; the other is to ask for another."""
    blogs = [
        factories.pending_generation(shop, source_id="wool scarves", length=length) for length in ("short", "long")
    ]
    one, other = queue.claim(factories.WorkerFactory.create(), 2)
    for blog in (one, other):
        batches.turn(_leader(blog))

    def keep(blog: BlogGeneration) -> set[int]:
        try:
            title = "Wool scarves for the cold" if blog.pk == one.pk else "For the cold: WOOL scarves!"
            return batches.keep(_leader(blog), [Planned(blog.pk, "wool", title, "en", {})], holding=holding)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        kept = list(threads.map(keep, (one, other)))

    assert sum(map(len, kept)) == (1 if holding else len(blogs))


def test_of_two_titles_that_are_nearly_one_and_come_at_once_one_is_kept_and_the_other_blog_may_try_again(
    sandbox: Sandbox, shop: Site
) -> None:
    for length in ("short", "long"):
        factories.pending_generation(shop, source_id="shelves", length=length)
    one, other = (_leader(blog) for blog in queue.claim(factories.WorkerFactory.create(), 2))
    for leader in (one, other):
        batches.turn(leader)

    def keep(leader: Leader, title: str) -> set[int]:
        return batches.keep(leader, [Planned(leader.generation_id, "shelves", title, "en", {})])

    assert keep(one, "Getting brass shelves right the first time on a rainy Sunday") == {one.generation_id}
    assert keep(other, "Getting bamboo shelves right the first time on a rainy Sunday") == set()
    assert keep(other, "What a carpenter would never build again") == {other.generation_id}
    assert not IdeaAsked.objects.exists()


def test_a_title_that_comes_close_to_another_is_kept_only_where_there_is_no_better_one(
    sandbox: Sandbox, shop: Site
) -> None:
    """So that of the titles that we choose no two are alike by 0.6, whatever the writer does."""
    for length in ("short", "long"):
        factories.pending_generation(shop, source_id="slippers", length=length)
    one, other = (_leader(blog) for blog in queue.claim(factories.WorkerFactory.create(), 2))
    for leader in (one, other):
        batches.turn(leader)
    first, close = "Felt slippers for cold floors", "Felt slippers for guests with cold feet"

    def keep(leader: Leader, title: str, **more: bool) -> set[int]:
        return batches.keep(leader, [Planned(leader.generation_id, "slippers", title, "en", {})], **more)

    assert keep(one, first) == {one.generation_id}
    [near] = bank.near(shop.pk, close, "en", beside=other.generation_id, kinds=[Topic.Kind.TITLE])
    assert (bank.CLOSE < near.likeness < bank.SAME, near.is_same, near.is_close) == (True, False, True)
    assert keep(other, close) == set()
    assert keep(other, close, close=True) == {other.generation_id}


@pytest.mark.parametrize("on_duplicate", ["warn", "vary"])
def test_a_title_that_the_site_has_is_asked_for_again_twice_and_then_warned_of_or_refused(
    sandbox: Sandbox, shop: Site, attempt: Attempt, on_duplicate: str
) -> None:
    factories.pending_generation(shop, source_id="wool scarves")
    attempt()
    sandbox.fault("openai", "defect:idea_earlier", "idea", times=3)
    factories.pending_generation(shop, source_id="wool scarves for winter", on_duplicate=on_duplicate)

    blog = attempt()

    assert len(ideas_calls(sandbox)) == 1 + 3
    if on_duplicate == "warn":
        assert "duplicate_topic" in str(warnings(blog))
        assert Topic.objects.filter(generation_id=blog.pk, kind="title", holds=False).count() == 1
    else:
        assert (blog.status, blog.error_code) == (Status.PENDING, "duplicate_topic")


def test_an_idea_is_of_use_where_asking_for_another_fails(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    factories.pending_generation(shop, source_id="wool scarves")
    attempt()
    sandbox.fault("openai", "defect:idea_earlier", "idea")
    factories.pending_generation(shop, source_id="wool scarves for winter")
    sandbox.fault("openai", "refusal", "idea")

    blog = attempt()

    assert blog.status == Status.DONE
    assert "duplicate_topic" in str(warnings(blog))

"""*Make the draft again*: another draft of the stored article, exactly one, where the first is gone; no credits, always DONE."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from blogs import sweep
from blogs.models import PostOrder, StageOutput, Status
from blogs.operations import proof
from blogs.post_orders import working
from blogs.restore import aftermath
from credits.models import Credit
from tests.sandbox import Sandbox
from tests.support.blogs.books import row
from tests.support.blogs.orders import Shop, age_the_orders_create, finished, last_order, move, work
from tests.support.blogs.pipeline import warnings
from tests.support.threads import at_once
from wix.models import Site

pytestmark = pytest.mark.django_db(transaction=True)


def lose_the_answer(sandbox: Sandbox) -> None:
    """Let Wix make the next draft, and the connection break before its answer."""
    sandbox.fault("wix", "after_success", "draft_create", seconds=0)


def make_the_sweep_due() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE blog_generations SET draft_sweep_at = clock_timestamp()")


def standing(sandbox: Sandbox) -> list[str]:
    return [draft["id"] for draft in sandbox.drafts() if draft["status"] != "DELETED"]


def test_a_deleted_draft_is_made_again_from_the_stored_article(sandbox: Sandbox, shop: Site) -> None:
    blog = finished(shop, publish=True)
    (first,) = sandbox.drafts()
    Shop(blog).delete()
    entries, articles = Credit.objects.count(), sandbox.stats()["openai"]["byOperation"]["article"]

    move("draft_again", blog)
    work()

    after = row(blog)
    (second,) = [draft for draft in sandbox.drafts() if draft["id"] != first["id"]]
    assert (after.status, str(after.draft_post_id), after.post_url) == (Status.DONE, second["id"], "")
    assert (second["title"], second["richContent"], second["status"]) == (
        first["title"],
        first["richContent"],
        "UNPUBLISHED",
    )
    assert StageOutput.objects.get(generation=blog, stage="draft").output["draft_post_id"] == second["id"]
    assert not StageOutput.objects.filter(generation=blog, stage="publish").exists()
    assert str(last_order(blog).old_draft_id) == first["id"]
    assert blog.events.order_by("-id")[0].kind == "draft_made"
    assert (Credit.objects.count(), sandbox.stats()["openai"]["byOperation"]["article"]) == (entries, articles)
    assert proof.discrepancies() == []


def test_a_draft_that_stands_is_no_reason_for_a_second(sandbox: Sandbox, shop: Site) -> None:
    blog = finished(shop)

    move("draft_again", blog)
    work()

    order = last_order(blog)
    assert (order.code, warnings(blog)) == ("draft_stands", [])  # the blog lacks nothing
    assert order.result.startswith("It stands at Wix as a draft. Its text is ours.")
    assert order.held
    assert order.held["state"] == "draft"
    assert len(sandbox.drafts()) == 1


def test_a_draft_that_was_edited_away_is_left_to_its_shop(sandbox: Sandbox, shop: Site) -> None:
    blog = finished(shop)
    first = str(blog.draft_post_id)
    text = Shop(blog).text()
    marker, *_ = text["nodes"]
    marker = {
        **marker,
        "nodes": [{**marker["nodes"][0], "textData": {"text": "Our own words now.", "decorations": []}}],
    }
    Shop(blog).edit(richContent={**text, "nodes": [marker]})

    move("draft_again", blog)
    work()
    make_the_sweep_due()
    assert sweep.sweep_one()

    assert len(standing(sandbox)) == 2
    assert str(row(blog).draft_post_id) != first
    assert first in standing(sandbox)


def test_a_create_whose_answer_was_lost_is_found_and_not_repeated(sandbox: Sandbox, shop: Site) -> None:
    blog = finished(shop)
    Shop(blog).delete()
    lose_the_answer(sandbox)
    move("draft_again", blog)

    work(2)
    assert last_order(blog).code == "draft_unsure"
    age_the_orders_create(90)
    work()

    (second,) = standing(sandbox)
    assert (str(row(blog).draft_post_id), last_order(blog).code) == (second, "")
    assert len(sandbox.requests("wix", "draft_create")) == 2  # the blog's own, and this one


def test_a_worker_that_is_killed_in_mid_create_leaves_it_to_another(sandbox: Sandbox, shop: Site) -> None:
    blog = finished(shop)
    Shop(blog).delete()
    move("draft_again", blog)

    class Killed(BaseException):
        pass

    def dies(*args: Any, **kwargs: Any) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(working, "_end", dies)
        with pytest.raises(Killed):
            work()
    (second,) = standing(sandbox)
    work()
    assert str(row(blog).draft_post_id) != second  # another worker's still
    PostOrder.objects.update(taken_until="2026-01-01T00:00Z")
    age_the_orders_create(90)
    at_once(*[work] * 3)

    assert standing(sandbox) == [second]
    assert str(row(blog).draft_post_id) == second


def test_a_worker_that_was_stopped_too_long_writes_nothing(sandbox: Sandbox, shop: Site) -> None:
    blog = finished(shop)
    Shop(blog).delete()
    move("draft_again", blog)
    order = working._take(working._CHANGES)
    assert order
    PostOrder.objects.update(taken_until="2026-01-01T00:00Z")
    work()
    second = row(blog).draft_post_id

    working._carry_out(order)

    assert row(blog).draft_post_id == second
    assert len(standing(sandbox)) == 1


def test_a_sweep_and_an_order_take_turns(sandbox: Sandbox, shop: Site) -> None:
    """The sweep would delete a new draft that no row names yet."""
    blog = finished(shop)
    Shop(blog).delete()
    make_the_sweep_due()
    move("draft_again", blog)
    work()
    assert (last_order(blog).code, standing(sandbox)) == ("draft_unsure", [])

    assert sweep.sweep_one()
    lose_the_answer(sandbox)
    work()
    make_the_sweep_due()

    assert not sweep.sweep_one()
    assert len(standing(sandbox)) == 1


def test_an_order_that_fails_after_a_create_leaves_no_draft_behind(sandbox: Sandbox, shop: Site) -> None:
    blog = finished(shop)
    first = blog.draft_post_id
    Shop(blog).delete()
    lose_the_answer(sandbox)
    move("draft_again", blog)
    work()
    age_the_orders_create(90)
    sandbox.fault("wix", "not_found", "draft_query")
    work()
    assert last_order(blog).ended_at
    assert len(standing(sandbox)) == 1

    make_the_sweep_due()
    assert sweep.sweep_one()

    assert standing(sandbox) == []
    assert (row(blog).draft_post_id, row(blog).status) == (first, Status.DONE)


def test_a_draft_that_a_restored_backup_has_forgotten_is_taken(sandbox: Sandbox, shop: Site) -> None:
    blog = finished(shop)
    first = blog.draft_post_id
    Shop(blog).delete()
    move("draft_again", blog)
    work()
    (second,) = standing(sandbox)
    PostOrder.objects.all().delete()
    type(blog).objects.update(draft_post_id=first)

    move("draft_again", blog)
    work()

    assert standing(sandbox) == [second]
    assert str(row(blog).draft_post_id) == second


def test_a_create_in_the_time_that_a_restore_has_lost_is_waited_for_and_its_draft_taken(
    sandbox: Sandbox, shop: Site
) -> None:
    blog = finished(shop)
    first = blog.draft_post_id
    Shop(blog).delete()
    move("draft_again", blog)
    work()
    (second,) = standing(sandbox)
    # As the backup has it: asked for, and not begun.
    PostOrder.objects.update(ended_at=None, taken_until=None, create_started_at=None, old_draft_id=None)
    type(blog).objects.update(draft_post_id=first)

    aftermath._forget()
    work()
    assert (last_order(blog).code, standing(sandbox)) == ("draft_unsure", [second])
    age_the_orders_create(90)
    work()

    assert standing(sandbox) == [second]
    assert str(row(blog).draft_post_id) == second
    assert len(sandbox.requests("wix", "draft_create")) == 2  # the blog's own, and this one


def test_it_can_be_made_again_and_again(sandbox: Sandbox, shop: Site) -> None:
    blog = finished(shop)
    for _ in range(2):
        Shop(row(blog)).delete()
        move("draft_again", blog)
        work()
    assert len(standing(sandbox)) == 1
    assert [str(row(blog).draft_post_id)] == standing(sandbox)

"""Sites take turns with their orders, and a blog's orders are carried out in the order in which they were asked for."""

from __future__ import annotations

import pytest

from blogs.management.commands.run_blog_worker import CHORES
from blogs.models import PostOrder
from blogs.post_orders import asking, working
from tests.sandbox import Sandbox
from tests.support.blogs.orders import ask_to_look, move
from tests.support.factories import done_generation, site
from tests.support.query_plans import plan_of, read_whole
from wix.models import Site
from workers.outbound import breaker_rows

pytestmark = pytest.mark.django_db


def taken() -> list[int]:
    """Take what is due, one after the other, and end each at once."""
    found = []
    while order := working._take(working._CHANGES):
        found.append(order.site_id)
        PostOrder.objects.filter(pk=order.pk).update(ended_at="2026-01-01T00:00Z")
    return found


def test_a_shop_with_one_order_does_not_wait_behind_a_shop_with_many() -> None:
    large, small = site(), site()
    many = [done_generation(large) for _ in range(6)]
    for blog in many[:4]:
        move("publish_again", blog)
    first = working._take(working._CHANGES)
    assert first
    PostOrder.objects.filter(pk=first.pk).update(ended_at="2026-01-01T00:00Z")

    move("publish_again", done_generation(small))
    for blog in many[4:]:
        move("publish_again", blog)

    assert taken().index(small.pk) <= 1


def test_a_site_has_one_order_in_hand_at_a_time_and_looks_wait_for_none() -> None:
    shop = site()
    first, second = done_generation(shop), done_generation(shop)
    for blog in (first, second):
        move("publish_again", blog)
        ask_to_look(blog)

    assert working._take(working._CHANGES)
    assert working._take(working._CHANGES) is None
    assert working._take(working._LOOKS)
    assert working._take(working._LOOKS)


def test_of_a_blog_the_first_order_comes_first_though_it_was_put_off() -> None:
    blog = done_generation(site())
    move("draft_again", blog)
    PostOrder.objects.update(due_at="2999-01-01T00:00Z")
    move("publish_again", blog)

    assert working._take(working._CHANGES) is None


def test_a_worker_that_is_gone_leaves_its_order_to_another() -> None:
    move("publish_again", done_generation(site()))
    assert working._take(working._CHANGES)
    assert working._take(working._CHANGES) is None

    PostOrder.objects.update(taken_until="2026-01-01T00:00Z")

    assert working._take(working._CHANGES)


def test_no_order_costs_a_look_at_the_blogs() -> None:
    plan = plan_of(lambda: working._take(working._CHANGES), "taken_until")

    assert "blog_generations" not in read_whole(plan)


def test_which_sites_are_busy_is_asked_once_and_not_for_each_order() -> None:
    """A shop may have 50,000 orders: asked for each of them, a look of an idle worker took more than a second."""
    plan = plan_of(lambda: working._take(working._CHANGES), "taken_until")

    assert [node for node in plan if "hashed SubPlan" in str(node.get("Filter", ""))]


def test_what_waits_for_its_site_is_looked_at_every_few_seconds_only() -> None:
    shop = site()
    for _ in range(2):
        move("publish_again", done_generation(shop))
    assert working._take(working._CHANGES)

    assert working.work_off_changes() == working._WHILE_BUSY_SECONDS


@pytest.mark.django_db(transaction=True)
def test_while_wix_is_down_one_order_finds_that_out_for_all(sandbox: Sandbox, shop: Site) -> None:
    for _ in range(5):
        move("publish_again", done_generation(shop))
    breaker_rows.hold_open("wix", by="staff:ada", reason="Wix is down")

    again = working.work_off_changes()

    assert again is not None
    assert 1 < again < 60
    assert list(PostOrder.objects.exclude(code="").values_list("code", flat=True)) == ["provider_down"]


def test_each_kind_of_order_wakes_a_thread_of_its_own() -> None:
    channels = [chore.woken_by for chore in CHORES if chore.woken_by]

    assert {channels.count(channel) for channel in (asking.LOOKS, asking.CHANGES, asking.REVISIONS)} == {1}

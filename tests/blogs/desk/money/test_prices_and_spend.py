"""Prices, what is spent, and margins, as staff see and enter them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from blogs.desk.money import margins
from blogs.models import AuditEntry
from tests.support.blogs.desk_pages import blog_page, site_page, text_of, visible
from tests.support.blogs.money import call, picture, price
from tests.support.factories import done_generation, failed_generation, site
from wix.models import Plan, Subscription
from workers.models import Price

pytestmark = pytest.mark.django_db

PRICES, SPEND = "/admin/workers/price/", "/admin/workers/spend/"


def enter(client: Client, **fields: Any) -> Any:
    asked = {"provider": "openai", "model": "gpt", "valid_from": "2026-11-01", "reason": "price list of November"}
    return client.post(f"{PRICES}add/", {**asked, "input_per_million": "1", "output_per_million": "10", **fields})


def test_a_price_is_entered_with_a_reason_and_told_in_the_audit_log(desk: Client) -> None:
    enter(desk)
    enter(desk, input_per_million="1.25", cached_per_million="0.125", reason="a typing mistake")

    kept = Price.objects.order_by("id")
    assert [(each.input_per_million, each.by) for each in kept] == [(Decimal(1), "ada"), (Decimal("1.25"), "ada")]
    entry = AuditEntry.objects.filter(action="set_price").latest("id")
    assert (entry.by, entry.about, entry.reason) == ("ada", "price of gpt", "a typing mistake")
    assert entry.before == {
        "valid_from": "2026-11-01",
        "input_per_million": "1.000000",
        "output_per_million": "10.000000",
    }
    assert entry.after == {
        "valid_from": "2026-11-01",
        "input_per_million": "1.25",
        "cached_per_million": "0.125",
        "output_per_million": "10",
    }
    assert AuditEntry.objects.filter(about__contains="price").count() == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"reason": " "},
        {"model": ""},
        {"valid_from": "banana"},
        {"provider": "wix"},
        {"output_per_million": ""},
        {"input_per_million": "-1"},
        {"per_picture": "1"},
        {"provider": "replicate"},
        {"provider": "replicate", "input_per_million": "", "output_per_million": ""},
        {"nothing": "on"},
        {"input_per_million": "x"},
        {"model": "a\x00b"},
    ],
)
def test_a_price_that_makes_no_sense_is_refused(desk: Client, fields: dict[str, Any]) -> None:
    answer = enter(desk, **fields)

    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode() or "errornote" in answer.content.decode()
    assert not Price.objects.exists()


def test_the_list_says_which_price_is_in_force(desk: Client) -> None:
    price(from_days_ago=50)
    price(from_days_ago=9, input_per_million=3)
    price(from_days_ago=9)
    price(from_days_ago=-5)

    page = visible(text_of(desk, PRICES))

    assert [page.count(word) for word in ("in force", "replaced", "not yet", "until 20")] == [1, 1, 1, 1]


def test_the_list_names_models_that_were_called_and_have_no_price(desk: Client) -> None:
    call(done_generation(), model="gpt-new")

    page = text_of(desk, PRICES)

    assert "gpt-new</b> (openai) has no price for 1 of its calls" in page
    assert f"{PRICES}add/?provider=openai&amp;model=gpt-new" in page
    assert 'value="gpt-new"' in text_of(desk, f"{PRICES}add/", provider="openai", model="gpt-new")


def test_nothing_changes_or_deletes_a_price(desk: Client) -> None:
    kept = price()

    assert desk.post(f"{PRICES}{kept.pk}/change/", {"input_per_million": 5}).status_code == 403
    assert desk.post(f"{PRICES}{kept.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_blogs_page_shows_each_calls_cost_and_the_sum(desk: Client) -> None:
    blog = failed_generation()
    price(input_per_million=500, output_per_million=730)
    call(blog)
    picture(blog)

    page = visible(blog_page(desk, blog.pk))

    assert "$1.23" in page
    assert "at least $1.23, 1 call without a price" in page


def test_a_blog_with_no_price_has_cost_nobody_knows_what(desk: Client) -> None:
    blog = done_generation()
    call(blog)

    assert "It has cost unknown, 1 call without a price" in visible(blog_page(desk, blog.pk))


def test_a_sites_page_shows_this_month_and_the_last(desk: Client) -> None:
    shop = site()
    price(input_per_million=500, output_per_million=730, from_days_ago=100)
    call(done_generation(shop))
    call(done_generation(shop), at=timezone.now().replace(day=1) - timedelta(days=1))
    call(done_generation(shop), at=timezone.now().replace(day=1) - timedelta(days=1))
    call(done_generation(site()))

    assert "this month: $1.23 · last month: $2.46 ." in visible(site_page(desk, shop.pk))


def test_the_page_of_spend_and_the_first_page(desk: Client) -> None:
    price(input_per_million=500, output_per_million=730)
    for days_ago in (0, 0, 1):
        call(done_generation(), at=timezone.now() - timedelta(days=days_ago))

    page = visible(text_of(desk, SPEND))

    assert "$2.46 today" in page
    assert "gpt openai 3 $3.69" in page
    assert "$2.46 spent today" in visible(text_of(desk, "/admin/"))


def test_an_empty_system_has_spent_nothing(desk: Client) -> None:
    assert "$0.00 today" in visible(text_of(desk, SPEND))


def test_who_may_not_see_spend_sees_none(desk_with: Callable[..., Client]) -> None:
    shop = site()
    viewer = desk_with("wix.view_site")

    assert viewer.get(SPEND).status_code == 403
    assert "cost us" not in site_page(viewer, shop.pk)
    assert "spent today" not in text_of(viewer, "/admin/")


@pytest.fixture
def plan() -> Plan:
    return Plan.objects.create(vendor_product_id="gold", name="Gold", monthly_credits=100, monthly_price=Decimal(12))


def subscribed(plan: Plan, **fields: Any) -> Any:
    shop = site()
    Subscription.objects.create(site=shop, plan=plan, vendor_product_id=plan.vendor_product_id, **fields)
    return shop


def test_a_plans_page_shows_what_it_leaves(desk: Client, plan: Plan) -> None:
    price(input_per_million=500, output_per_million=730)
    call(done_generation(subscribed(plan)))
    call(done_generation(subscribed(plan, on_free_trial=True)))
    call(done_generation(site()))

    page = visible(text_of(desk, f"/admin/wix/plan/{plan.pk}/change/"))

    # A shop on a free trial brings nothing, and what its blogs cost is paid all the same. A blog is a quarter of 100 credits.
    assert "its shops this month, so far $12.00 $2.46 $9.54 (80%)" in page
    assert "its shops last month $12.00 $0.00 $12.00 (100%)" in page
    assert "a blog, on average $3.00 $1.23 $1.77 (59%)" in page


def test_a_margin_with_an_unknown_part_says_at_most(plan: Plan) -> None:
    price(input_per_million=500, output_per_million=730)
    shop = subscribed(plan)
    call(done_generation(shop))
    picture(done_generation(shop))

    this_month, *_ = margins.of_plan(plan)["margins"]

    assert this_month.left == "at most $10.77 (90%)"


def test_a_margin_whose_costs_are_unknown_is_unknown(plan: Plan) -> None:
    picture(done_generation(subscribed(plan)))

    assert margins.of_plan(plan)["margins"][0].left == "unknown"


def test_a_plan_without_a_price_has_no_margin(desk: Client, plan: Plan) -> None:
    Plan.objects.update(monthly_price=None)

    assert "Enter what the plan's month brings" in text_of(desk, f"/admin/wix/plan/{plan.pk}/change/")
    assert desk.get("/admin/wix/plan/add/").status_code == 200

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from blogs.models import BlogGeneration, SiteLine
from credits.models import Credit
from tests.support.blogs import roles
from tests.support.blogs.desk_pages import changelists
from tests.support.blogs.desk_rows import written_generation
from tests.support.factories import WorkerFactory, done_generation, failed_generation, pending_generation, site
from wix.models import Plan, Site, Subscription
from workers.models import RateLimit

pytestmark = pytest.mark.django_db

OUR_LISTS = [name for name in changelists() if "auth" not in name]


def rows_of_everything(count: int) -> None:
    for _ in range(count):
        shop = site()
        written_generation(shop)
        failed_generation()
        RateLimit.objects.create(provider="wix", key=str(shop.instance_id), requests_per_minute=200)


def test_every_list_and_every_page_opens(desk: Client) -> None:
    rows_of_everything(1)
    pending_generation()
    WorkerFactory.create()

    assert len(admin.site._registry) > 5
    for model in admin.site._registry:
        list_url = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        assert desk.get(reverse(list_url)).status_code == 200, model
        for row in model._default_manager.all()[:3]:
            url = reverse(list_url.replace("changelist", "change"), args=[row.pk])
            assert desk.get(url).status_code == 200, url


def test_a_list_takes_as_many_queries_for_fifty_rows_as_for_five(desk: Client) -> None:
    def queries_of_each_list() -> dict[str, int]:
        counts = {}
        for url_name in OUR_LISTS:
            with CaptureQueriesContext(connection) as queries:
                desk.get(reverse(url_name))
            counts[url_name] = len(queries)
        return counts

    rows_of_everything(5)
    with_few = queries_of_each_list()
    rows_of_everything(45)

    assert queries_of_each_list() == with_few
    assert max(with_few.values()) <= 8


def test_a_sites_page_takes_as_many_queries_for_fifty_entries_as_for_five(
    desk: Client, admin_user: User, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    shop = site(credits=10_000)
    for _ in range(5):
        pending_generation(shop)
    # Which content types there are is looked up once a process.
    desk.get(reverse("admin:wix_site_change", args=[shop.pk]))
    with django_assert_max_num_queries(15) as few:
        desk.get(reverse("admin:wix_site_change", args=[shop.pk]))

    for _ in range(50):
        pending_generation(shop)
    Credit.objects.bulk_create(
        Credit(account=shop.credit_account, kind="grant", amount=1, balance_change=1, created_by=admin_user)
        for _ in range(9)
    )
    with django_assert_max_num_queries(len(few)):
        desk.get(reverse("admin:wix_site_change", args=[shop.pk]))


def test_the_pages_of_a_paying_shop_whose_line_is_paused_take_few_queries_for_an_admin_by_role(
    client: Client, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    """A superuser's rights are asked of no table, a role's of two."""
    roles.write()
    user = User.objects.create_user("vera", is_staff=True)
    user.groups.add(Group.objects.get(name="Admin"))
    client.force_login(user)
    shop, soon = site(credits=1_000), timezone.now() + timedelta(days=9)
    gold = Plan.objects.create(vendor_product_id="gold", name="Gold", monthly_credits=500)
    Subscription.objects.create(site=shop, vendor_product_id="gold", plan=gold, next_grant_at=soon, read_at=soon)
    WorkerFactory.create()
    done_generation(shop)
    waiting = pending_generation(shop)
    pages = [reverse("admin:wix_site_change", args=[shop.pk])]
    pages += [reverse("admin:blogs_bloggeneration_change", args=[waiting.pk])]

    for paused in (False, True):
        SiteLine.objects.filter(site=shop).update(paused=paused)
        for page in pages:
            # What a process remembers it reads once.
            client.get(page)
            with django_assert_max_num_queries(15):
                client.get(page)


@pytest.mark.parametrize("model", [BlogGeneration, Credit, Site])
def test_staff_without_permissions_see_nothing_of_it(desk_with: Callable[..., Client], model: Any) -> None:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")

    assert desk_with().get(url).status_code == 403


def test_the_admin_passes_djangos_checks() -> None:
    call_command("check", tag=["admin"])

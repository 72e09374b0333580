"""A site's line from its page: its weight, and whether it is paused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from blogs import queue
from blogs.models import AuditEntry, SiteLine
from blogs.queue import lines
from tests.support.blogs.books import sessions_waiting_for_a_lock
from tests.support.blogs.desk_pages import act, site_page, visible
from tests.support.factories import WorkerFactory, pending_generation, site
from tests.support.threads import in_background, wait_until
from wix.models import Site

pytestmark = pytest.mark.django_db

REFUSED = "A weight is a whole number from 1 to 10."


def set_weight(client: Client, shop: Site, weight: Any) -> Any:
    return client.post(f"/admin/wix/site/{shop.pk}/weight/", {"weight": weight}, follow=True)


def told(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def weight_of(shop: Site) -> float:
    return 1 / SiteLine.objects.get(site=shop).step


def trace(shop: Site) -> list[tuple[str, str, Any, Any]]:
    entries = AuditEntry.objects.filter(site_id=shop.pk).order_by("pk")
    return [(entry.by, entry.action, entry.before, entry.after) for entry in entries]


# --- Weight -----------------------------------------------------------------------------------------------------------


def test_a_line_of_weight_three_starts_three_blogs_for_each_one_of_the_other(desk: Client) -> None:
    heavy, light = site(), site()
    for _ in range(12):
        pending_generation(heavy)
        pending_generation(light)

    answer = set_weight(desk, heavy, 3)

    assert told(answer) == "Weight 3 from now on; it was 1."
    assert answer.redirect_chain == [(f"/admin/wix/site/{heavy.pk}/change/", 302)]
    assert trace(heavy) == [("ada", "set_weight", 1, 3)]
    worker = WorkerFactory.create()
    starts = Counter(queue.claim(worker, 1)[0].site_id for _ in range(12))
    assert starts == {heavy.pk: 9, light.pk: 3}


def test_the_page_and_the_list_show_it(desk: Client) -> None:
    shop = site(credits=100)
    pending_generation(shop)
    set_weight(desk, shop, 3)

    page = site_page(desk, shop.pk)

    assert "Weight 3 1 ready, 0 waiting for a time" in visible(page)
    assert 'name="weight" value="3"' in page
    # balance, held, available, waiting, in flight, weight
    assert "100 25 75 1 0 3" in visible(desk.get("/admin/wix/site/").content.decode())


@pytest.mark.parametrize("weight", [0, -1, 11, 1.5, "", "heavy", "1e9", "NaN"])
def test_a_weight_that_makes_no_sense_changes_nothing(desk: Client, weight: Any) -> None:
    shop = site()
    set_weight(desk, shop, 4)

    answer = set_weight(desk, shop, weight)

    assert told(answer) == REFUSED
    assert weight_of(shop) == 4
    assert len(trace(shop)) == 1


def test_the_same_weight_twice_is_told_so_and_leaves_one_trace(desk: Client) -> None:
    shop = site()

    set_weight(desk, shop, 7)
    again = set_weight(desk, shop, 7)

    assert told(again) == "Its weight is 7 already."
    assert len(trace(shop)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_leave_one_trace(desk: Client) -> None:
    shop = site()
    clients = [deepcopy(desk), deepcopy(desk)]

    with transaction.atomic():
        lines.lock(shop.pk)
        threads = [in_background(partial(set_weight, client, shop, 6)) for client in clients]
        wait_until(lambda: sessions_waiting_for_a_lock() == 2)
    for thread in threads:
        thread.join()

    assert weight_of(shop) == 6
    assert trace(shop) == [("ada", "set_weight", 1, 6)]


def test_a_site_that_never_asked_for_a_blog_can_have_a_weight(desk: Client) -> None:
    shop = site()

    set_weight(desk, shop, 2)
    pending_generation(shop)

    assert weight_of(shop) == 2


def test_following_the_address_changes_nothing(desk: Client) -> None:
    shop = site()

    answer = desk.get(f"/admin/wix/site/{shop.pk}/weight/?weight=5", follow=True)

    assert told(answer) == ""
    assert not SiteLine.objects.filter(site=shop).exists()


def test_a_forged_form_is_refused(admin_user: Any) -> None:
    shop = site()
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)

    assert set_weight(client, shop, 5).status_code == 403
    assert not SiteLine.objects.filter(site=shop).exists()


def test_who_may_only_view_sees_the_weight_and_cannot_set_it(desk_with: Callable[..., Client]) -> None:
    shop = site()
    pending_generation(shop)
    viewer = desk_with("wix.view_site")

    page = visible(site_page(viewer, shop.pk))

    assert "Weight 1 " in page
    assert "Set the weight" not in page
    assert "Pause the line" not in page
    assert 'name="weight"' not in site_page(viewer, shop.pk)
    assert set_weight(viewer, shop, 5).status_code == 403
    assert weight_of(shop) == 1


def test_who_may_weigh_lines_may_set_it(desk_with: Callable[..., Client]) -> None:
    shop = site()

    set_weight(desk_with("wix.view_site", "blogs.weigh_lines"), shop, 5)

    assert weight_of(shop) == 5
    assert trace(shop)[0][0] == "vera"


# --- Paused -----------------------------------------------------------------------------------------------------------


def test_the_page_says_how_many_wait_and_has_the_one_button_that_fits(desk: Client) -> None:
    shop = site()
    pending_generation(shop)
    pending_generation(shop)
    pending_generation(shop, scheduled_at=timezone.now() + timedelta(hours=1))
    assert "Pause the line" in visible(site_page(desk, shop.pk))

    message = act(desk, "pause", shop.pk, url_name="admin:wix_site_changelist", query=f"?q={shop.instance_id}")

    assert message == "Paused 1 with 2 blogs waiting."
    page = visible(site_page(desk, shop.pk))
    assert "2 ready, 1 waiting for a time" in page
    assert "None of its blogs starts until it is resumed." in page
    assert "Resume the line" in page
    assert "Pause the line" not in page


def test_a_sites_limits_are_one_click_away(desk: Client) -> None:
    shop = site()

    assert f"/admin/workers/ratelimit/?q={shop.instance_id}" in site_page(desk, shop.pk)


def test_an_action_asked_for_on_a_sites_page_leads_back_there(desk: Client) -> None:
    shop = site()
    data = {"_selected_action": shop.pk, "index": 0, "from_page": "1"}
    own = f"/admin/wix/site/{shop.pk}/change/"

    asked = desk.post("/admin/wix/site/", {**data, "action": "pause"}).content.decode()
    assert 'name="from_page"' in asked
    paused = desk.post("/admin/wix/site/", {**data, "action": "pause", "confirmed": "1", "reason": "ticket 7"})
    assert paused["Location"] == own
    assert desk.post("/admin/wix/site/", {**data, "action": "read_anew"})["Location"] == own
    assert site_page(desk, shop.pk).count('name="from_page"') >= 1

"""What the first page says, what each of its numbers leads to, and its controls."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from blogs.desk.front import state
from blogs.models import BlogGeneration
from blogs.queue import lifecycle, lines
from tests.support.blogs.desk_pages import text_of, visible
from tests.support.factories import (
    WorkerFactory,
    done_generation,
    failed_generation,
    pending_generation,
    processing_generation,
    site,
)
from workers.context.process_memory import forget_everything
from workers.models import RateLimit, RateLimitUsage, WorkerProcess
from workers.outbound import breaker_rows

pytestmark = pytest.mark.django_db

VIEWER = ("blogs.view_bloggeneration",)


def front(client: Client) -> str:
    forget_everything()
    return visible(text_of(client, "/admin/"))


def paused_line(of: BlogGeneration) -> None:
    with transaction.atomic():
        lines.pause(lines.lock(of.site_id))


def test_the_first_page_shows_queue_workers_and_limits(desk: Client) -> None:
    failed_generation()
    processing_generation(worker=WorkerFactory.create(name="x:1", release="1.2", threads=50, in_flight=1))
    pending_generation()
    limit = RateLimit.objects.create(provider="openai", requests_per_minute=450, tokens_per_minute=2_700_000)
    for ago in (10, 200):
        RateLimitUsage.objects.create(
            limit=limit, started_at=timezone.now() - timedelta(seconds=ago), requests=45, tokens=1_350_000
        )

    page = front(desk)

    for expected in (
        "1 ready, in line the oldest 0 s old",
        "1 processing the oldest 0 s old",
        "0 scheduled by its shop none",
        "1 failed, last minute",
        "x:1 1.2 1 of 50 0 s ago works",
        "openai: requests 10% 45 of 450",
        "openai: tokens 50% 1,350,000 of 2,700,000",
    ):
        assert expected in page


def test_an_apps_own_page_leaves_the_service_out(desk: Client) -> None:
    assert "ready, in line" in text_of(desk, "/admin/")
    assert "ready, in line" not in text_of(desk, "/admin/blogs/")


# --- What it says plainly -----------------------------------------------------------------------------------------------


def test_an_empty_system_says_so_and_alarms_no_one(desk: Client) -> None:
    page = front(desk)

    assert "No alert fires." in page
    assert "No worker is alive. No blog waits for one." in page
    assert "No blog is unfinished, and none has ended within the last hour." in page
    assert "now until none waits no blog waits that could start" in page


def test_without_a_worker_it_says_what_to_do(desk: Client) -> None:
    pending_generation()

    page = front(desk)

    assert "Critical: Blogs wait, and no worker is alive. Start a worker. Nothing is lost" in page
    assert "No worker is alive. Blogs wait for one." in page
    assert "never until none waits no worker is alive" in page


def test_when_all_lines_are_paused_it_names_who_since_when_and_why(desk: Client) -> None:
    pending_generation()
    WorkerFactory.create()
    lines.pause_all(by="ada", reason="the prompts are wrong")

    page = front(desk)

    assert re.search(r"All lines are paused by ada since \d{4}-\d\d-\d\d \d\d:\d\d UTC: the prompts are wrong", page)
    assert "0 ready, in line" in page
    assert "1 in a paused line" in page
    assert "never until none waits all lines are paused" in page
    assert "No alert fires." in page


def test_when_each_line_is_paused_by_itself_it_says_that_too(desk: Client) -> None:
    blog = pending_generation(site(name="Harbour"))
    WorkerFactory.create()
    paused_line(blog)

    page = front(desk)

    assert "Every unfinished blog is in a paused line." in page
    assert "No alert fires." in page


def test_the_worst_alert_comes_first_and_leads_into_the_runbook(desk: Client) -> None:
    for _ in range(3):
        failed_generation()
    WorkerProcess.objects.all().delete()
    pending_generation()

    page = text_of(desk, "/admin/")

    assert re.findall(r'href="/admin/runbook/(\w+)/"', page) == ["nobody_works", "errors"]
    assert "nobody_works" in text_of(desk, "/admin/runbook/nobody_works/")


# --- What its numbers lead to -------------------------------------------------------------------------------------------


def test_failures_are_grouped_and_lead_to_exactly_those_blogs(desk: Client) -> None:
    failed, other = failed_generation(), failed_generation()
    lifecycle.requeue(other.pk, by="staff:ada")

    page = text_of(desk, "/admin/")

    found = re.search(r'href="([^"]+ended=hour)">(\w+)</a></th>\s*<td class="number">(\d+)</td>', page)
    assert found
    assert (found[2], found[3]) == (BlogGeneration.objects.get(pk=failed.pk).error_code, "1")
    listed = desk.get(html.unescape(found[1])).context["cl"].result_list
    assert [blog.pk for blog in listed] == [failed.pk]


def pressed(client: Client, page: str, words: str) -> str:
    """Press a button of a part, as a browser does: its own name and address go with the fields of the form that it names."""
    button = next(tag for tag in re.findall(r"<button.*?</button>", page, re.DOTALL) if words in visible(tag))
    named = dict(re.findall(r'(\w+)="([^"]*)"', button))
    form = re.search(rf'<form id="{named["form"]}"(.*?)</form>', page, re.DOTALL)
    assert form
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[1]))
    if "name" in named:
        fields[named["name"]] = named["value"]
    action = re.search(r'action="([^"]*)"', form[1])
    target = named.get("formaction") or (action[1] if action else "")
    response = client.post(html.unescape(target), fields)
    assert response.status_code == 200
    return visible(response.content.decode())


def test_retry_all_asks_first_for_exactly_those(desk: Client) -> None:
    for _ in range(3):
        failed_generation()
    other = failed_generation()
    BlogGeneration.objects.filter(pk=other.pk).update(error_code="another_code")
    code = BlogGeneration.objects.exclude(pk=other.pk)[0].error_code

    asked = pressed(desk, text_of(desk, "/admin/"), f"that failed with {code}")

    assert "3 blogs of 3 shops" in asked
    assert BlogGeneration.objects.filter(status="FAILED").count() == 4


def test_a_shops_line_is_paused_and_resumed_from_here_after_a_question(desk: Client) -> None:
    blog = pending_generation(site(name="Harbour"))

    assert "1 shop with 1 blog in line: Pause the line" in pressed(
        desk, text_of(desk, "/admin/"), "the line of Harbour"
    )

    paused_line(blog)
    page = text_of(desk, "/admin/")
    assert "1 shop with 1 blog in line: Resume the line" in pressed(desk, page, "Resume the line of Harbour")


def test_the_largest_shops_are_named_with_their_share(desk: Client) -> None:
    large, small = site(name="Large"), site(name="Small")
    for _ in range(3):
        pending_generation(large)
    pending_generation(small)

    page = front(desk)

    assert "Large 3 75 %" in page
    assert "Small 1 25 %" in page


def test_a_provider_that_is_held_names_who_and_why(desk: Client) -> None:
    breaker_rows.hold_open("wix", by="staff:ada", reason="the key is being changed")

    page = front(desk)

    assert re.search(r"wix paused by staff:ada since [\d :-]+ UTC: the key is being changed Resume wix", page)
    assert "openai asked Pause openai" in page


def test_a_paused_line_names_who_and_why(desk: Client) -> None:
    shop = site(name="Harbour")
    pending_generation(shop)
    desk.post(
        reverse("admin:wix_site_changelist"),
        {"action": "pause", "_selected_action": shop.pk, "index": 0, "confirmed": "1", "reason": "asked us to"},
    )

    assert re.search(r"Harbour 1 ada, [\d :-]+ UTC: asked us to Resume", front(desk))


# --- Rights -------------------------------------------------------------------------------------------------------------


def test_controls_are_hidden_from_those_who_lack_the_right(desk_with: Callable[..., Client]) -> None:
    failed_generation()
    paused_line(pending_generation())
    pending_generation()

    page = text_of(desk_with(*VIEWER), "/admin/")

    assert "ready, in line" in page
    content = page.split('id="now"')[1].split("<form")[0]
    assert "<button" not in content
    assert "Pause all lines" not in content


def test_a_login_without_a_role_is_told_what_it_lacks(desk_with: Callable[..., Client]) -> None:
    pending_generation(site(name="Harbour"))

    page = visible(text_of(desk_with("blogs.view_batch"), "/admin/"))

    assert "lacks the right to see blogs (blogs.view_bloggeneration)" in page
    assert "Harbour" not in page


# --- What it costs ------------------------------------------------------------------------------------------------------


def test_it_takes_few_queries_however_much_there_is(desk: Client) -> None:
    for number in range(6):
        failed_generation()
        done_generation()
        WorkerFactory.create(name=f"h:{number}")
    for number in range(12):
        blog = pending_generation()
        if number % 2:
            paused_line(blog)
    RateLimit.objects.create(provider="openai", requests_per_minute=450)
    desk.get("/admin/")
    forget_everything()

    with CaptureQueriesContext(connection) as queries:
        desk.get("/admin/")

    assert len(queries) <= 15


@pytest.mark.django_db(transaction=True)
def test_all_numbers_are_of_one_moment() -> None:
    pending_generation()
    forget_everything()

    with CaptureQueriesContext(connection) as queries:
        state.read()

    begun = [query["sql"] for query in queries if query["sql"].startswith(("BEGIN", "SET TRANSACTION"))]
    assert begun == ["BEGIN", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"]
    assert queries.captured_queries[-1]["sql"] == "COMMIT"

"""Views and filters of the list of blogs: what each chooses, how words say it, and what becomes of one that makes no sense."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from blogs.desk.blogs import filters
from blogs.models import BlogGeneration, Status
from blogs.queue import lines
from tests.support.blogs.desk_pages import act, ids_listed, text_of, visible
from tests.support.blogs.money import call, picture, price
from tests.support.factories import done_generation, failed_generation, pending_generation, site
from tests.support.problems import problem
from wix.models import Site

pytestmark = pytest.mark.django_db

LIST = "/admin/blogs/bloggeneration/"


def changed(blog: BlogGeneration, **fields: Any) -> int:
    BlogGeneration.objects.filter(pk=blog.pk).update(**fields)
    return blog.pk


def messages(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def chips(page: str) -> list[str]:
    return [visible(each).removesuffix(" ×") for each in re.findall(r'<a class="chip".*?</a>', page, re.DOTALL)]


# --- Views and places -------------------------------------------------------------------------------------------------


def test_a_view_stands_above_the_list_and_leads_to_its_blogs(desk: Client) -> None:
    waiting = changed(pending_generation(), ready=False, run_after=timezone.now(), waits_for="openai")
    pending_generation()

    page = text_of(desk, LIST)

    shown = re.findall(r'<nav class="views".*?</nav>', page, re.DOTALL)[0]
    words = [visible(each) for each in re.findall(r"<a .*?</a>", shown)]
    assert words[:-4] == list(filters.VIEWS.values())
    assert words[-4:] == ["Waits for OpenAI", "Waits for Replicate", "Waits for Wix", "Scheduled by its shop"]
    assert ids_listed(desk, where="openai") == [waiting]
    assert 'href="?where=openai" aria-current="page"' in text_of(desk, LIST, where="openai")


def test_needs_review(desk: Client) -> None:
    held = changed(done_generation(), needs_review=True)
    done_generation()

    assert ids_listed(desk, view="needs_review") == [held]


def test_retried_more_than_once(desk: Client) -> None:
    _, _, thrice = (changed(failed_generation(), attempts=count) for count in (1, 2, 3))

    assert ids_listed(desk, view="retried") == [thrice]


def test_failed_today_stuck_and_late(desk: Client) -> None:
    now = timezone.now()
    failed = failed_generation().pk
    changed(failed_generation(), finished_at=now - timedelta(days=2))
    stuck = changed(pending_generation(), started_at=now - timedelta(hours=2))
    changed(pending_generation(), started_at=now - timedelta(hours=2), ready=False, run_after=now, waits_for="wix")
    late = changed(pending_generation(), scheduled_at=now - timedelta(minutes=5))
    changed(pending_generation(), scheduled_at=now + timedelta(minutes=5))

    assert ids_listed(desk, view="failed_today") == [failed]
    assert ids_listed(desk, view="stuck") == [stuck]
    assert ids_listed(desk, view="late") == [late]


@pytest.mark.parametrize("provider", ["openai", "replicate", "wix"])
def test_a_row_says_what_it_waits_for_and_not_when(desk: Client, provider: str) -> None:
    soon = timezone.now() + timedelta(minutes=59)
    changed(pending_generation(), ready=False, run_after=soon, waits_for=provider)

    page = visible(text_of(desk, LIST))

    name = {"openai": "OpenAI", "replicate": "Replicate", "wix": "Wix"}[provider]
    assert f"waits for {name}, goes on when it is back" in page
    assert "59 min" not in page


def test_blogs_of_a_paused_line(desk: Client) -> None:
    shop = site()
    paused = pending_generation(shop)
    pending_generation()
    lines.pause(lines.lock(shop.pk))

    assert ids_listed(desk, where="paused") == [paused.pk]
    assert "line is paused" in visible(text_of(desk, LIST, where="paused"))


# --- Filters ----------------------------------------------------------------------------------------------------------


def test_status_stage_source_and_attempts(desk: Client) -> None:
    three = changed(failed_generation(), stage="draft", attempts=4)
    one = changed(pending_generation(source_type="product"), stage="article", attempts=1)

    assert ids_listed(desk, status__exact="PENDING", stage="article", source="product", attempts="1") == [one]
    assert ids_listed(desk, stage="draft") == ids_listed(desk, attempts="3") == [three]
    assert ids_listed(desk, attempts="0") == ids_listed(desk, attempts="2") == []


def test_days_are_included_from_the_first_to_the_last(desk: Client) -> None:
    first, second, third = (
        changed(
            failed_generation(),
            created_at=datetime(2026, 3, day, 23, 59, tzinfo=UTC),
            finished_at=datetime(2026, 3, day + 1, 0, 30, tzinfo=UTC),
        )
        for day in (1, 2, 3)
    )

    assert ids_listed(desk, created_from="2026-03-02") == [third, second]
    assert ids_listed(desk, created_to="2026-03-02") == [second, first]
    assert ids_listed(desk, created_from="2026-03-02", created_to="2026-03-02") == [second]
    assert ids_listed(desk, ended_from="2026-03-03") == [third, second]
    assert ids_listed(desk, ended_to="2026-03-03") == [second, first]
    assert ids_listed(desk, ended_from="2026-03-03", ended_to="2026-03-03") == [second]
    assert ids_listed(desk, created_to="2026-02-01") == ids_listed(desk, ended_from="2026-05-01") == []


def test_what_is_not_over_has_no_day_on_which_it_ended(desk: Client) -> None:
    pending_generation()

    assert ids_listed(desk, ended_to="2999-01-01") == []


def test_cost_bands_and_unknown_is_one(desk: Client) -> None:
    # 1.1 cents for a thousand tokens in and out
    price()
    blogs = {name: done_generation() for name in ("nothing", "5", "10", "50", "more", "unknown")}
    for name, thousands in {"5": 1, "10": 6, "50": 20, "more": 100, "unknown": 1}.items():
        call(blogs[name], prompt_tokens=1_000 * thousands, output_tokens=1_000 * thousands)
    picture(blogs["unknown"])
    call(blogs["nothing"], outcome="rate_limited", prompt_tokens=None, output_tokens=None)

    found = {name: ids_listed(desk, cost=name) for name in filters.CostBand.options}

    assert found == {name: [blog.pk] for name, blog in blogs.items()}


def test_a_shop_is_chosen_by_name_or_instance_id_and_said_in_words(desk: Client) -> None:
    shop, other = site(name="Nordlicht Wolle"), site(name="Nordstern")
    wanted = pending_generation(shop).pk
    pending_generation(other)

    for text in ("nordlicht", str(shop.instance_id)):
        page = desk.get(LIST, {"shop": text}, follow=True)
        assert [row.pk for row in page.context["cl"].result_list] == [wanted]
        assert chips(page.content.decode()) == ["shop: Nordlicht Wolle"]
    assert "Several shops called “nord…”" in messages(desk.get(LIST, {"shop": "nord"}, follow=True))
    assert "No shop called “xyz…”" in messages(desk.get(LIST, {"shop": "xyz"}, follow=True))


def test_of_shops_whose_names_begin_alike_the_one_that_is_called_exactly_so(desk: Client) -> None:
    shop = site(name="Nord")
    site(name="Nordstern")
    wanted = pending_generation(shop).pk

    page = desk.get(LIST, {"shop": "nord"}, follow=True)

    assert [row.pk for row in page.context["cl"].result_list] == [wanted]


# --- In words ---------------------------------------------------------------------------------------------------------


def everything(shop: Site) -> dict[str, str]:
    """Name a value for each filter there is."""
    chosen = {spec.parameter_name: next(iter(spec.options)) for spec in filters.FILTERS if hasattr(spec, "options")}
    ranges = {"created_from": "2026-01-01", "created_to": "2026-02-01", "ended": "week", "ended_to": "2026-03-01"}
    return {**chosen, **ranges, "error": "content_refused", "site__id__exact": str(shop.pk)}


def test_each_filter_is_a_chip_that_leaves_out_itself_alone(desk: Client) -> None:
    shop = site(name="Harbour Coffee")
    page = text_of(desk, LIST, **everything(shop))

    said = chips(page)
    assert {each.partition(":")[0] for each in said} == {spec.title for spec in filters.FILTERS}
    assert "shop: Harbour Coffee" in said
    assert "created: from 2026-01-01 to 2026-02-01" in said
    links = re.findall(r'<a class="chip" href="([^"]+)"', page)
    for link, words in zip(links, said, strict=True):
        left = set(chips(text_of(desk, LIST + link.replace("&amp;", "&"))))
        assert words not in left
        alike = {each for each in said if each.startswith(words.partition(":")[0] + ":")}
        assert left == set(said) - alike


def test_the_forms_of_a_filter_keep_all_others(desk: Client) -> None:
    page = text_of(desk, LIST, **everything(site()))

    forms = re.findall(r'<form class="filter-form".*?</form>', page, re.DOTALL)
    assert len(forms) == 3
    for form in forms:
        kept = set(re.findall(r'type="hidden" name="([^"]+)"', form))
        assert kept >= {"view", "where", "status__exact", "stage", "attempts", "source", "cost", "error"}


def test_a_batch_and_an_export_are_of_what_is_filtered_and_say_so(desk: Client) -> None:
    shop = site(name="Harbour Coffee")
    wanted, other = pending_generation(shop), pending_generation()
    query = f"?site__id__exact={shop.pk}&created=hour"

    asked = desk.post(
        LIST + query, {"action": "cancel", "select_across": "1", "_selected_action": wanted.pk, "index": 0}
    )
    exported = b"".join(desk.get(f"{LIST}export/csv/{query}")).decode()
    act(desk, "cancel", wanted.pk, query=query, select_across="1")

    assert "all blogs with shop: Harbour Coffee; created: In the last hour" in visible(asked.content.decode())
    assert [row["id"] for row in csv.DictReader(exported.splitlines())] == [str(wanted.pk)]
    statuses = dict(BlogGeneration.objects.values_list("pk", "status"))
    assert statuses == {wanted.pk: Status.CANCELLED, other.pk: Status.PENDING}


# --- What makes no sense ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("status__exact=LOST", "The filter “status” can't be “LOST”"),
        ("created_from=banana", "The filter “created” can't be “banana”"),
        ("created_to=2026-02-30", "The filter “created” can't be “2026-02-30”, which is no day"),
        ("ended_from=2026-11-28T10:00", "The filter “ended” can't be"),
        ("ended_from=9999-12-31", "The filter “ended” can't be"),
        ("ended=%F0%9F%8D%8C", "The filter “ended” can't be “🍌”"),
        ("created_from=2026-03-02&created_to=2026-03-01", "The filter “created” ends before it begins"),
        ("created_from=2026-3-2&created_to=2026-03-01", "The filter “created” ends before it begins"),
        ("view=banana", "The filter “view” can't be “banana”"),
        ("where=banana", "The filter “where it stands” can't be “banana”"),
        ("stage=banana", "The filter “stage (newest 100,000)” can't be “banana”"),
        ("attempts=-1", "The filter “attempts (newest 100,000)” can't be “-1”"),
        ("source=banana", "The filter “source (newest 100,000)” can't be “banana”"),
        ("cost=banana", "The filter “cost (newest 5,000)” can't be “banana”"),
        ("error=" + "x" * 999, "The filter “last error” can't be"),
        ("site__id__exact=banana", "The filter “shop” can't be “banana”"),
        ("site=99999999999", "The filter “shop” can't be “99999999999”, since no shop has that number"),
        ("site=" + "9" * 40, "The filter “shop” can't be"),
        ("banana=1", "There is no filter “banana”"),
        ("draft_post_id__regex=(((", "There is no filter “draft_post_id__regex”"),
    ],
)
def test_a_patched_address_is_told_what_is_wrong_and_keeps_the_rest(desk: Client, query: str, told: str) -> None:
    failed = failed_generation().pk
    pending_generation()

    answer = desk.get(
        f"{LIST}?error=content_refused&{query}" if "error" not in query else f"{LIST}?{query}", follow=True
    )

    assert answer.status_code == 200
    assert told in messages(answer)
    assert "left out" in messages(answer)
    if "error" not in query:
        assert [row.pk for row in answer.context["cl"].result_list] == [failed]
        (address, _), *_ = answer.redirect_chain
        assert parse_qs(urlsplit(address).query) == {"error": ["content_refused"]}


@pytest.mark.parametrize(
    ("query", "named"), [("status=%00", "“status”"), ("a=1&created_from=%00&%00=x", "“created_from”, “␀”")]
)
def test_a_nul_is_refused_at_the_door_which_names_where_it_stands(desk: Client, query: str, named: str) -> None:
    answer = problem(desk.get(f"{LIST}?{query}"), 400, "malformed")

    assert answer["detail"] == f"A NUL character is no part of any name or value: leave it out of {named}."


@pytest.mark.parametrize("query", ["status__exact=LOST", "banana=1", "created_from=banana", "site=999999999"])
def test_an_action_on_a_patched_address_does_nothing(desk: Client, query: str) -> None:
    blog = pending_generation()

    said = act(desk, "cancel", blog.pk, query=f"?{query}", select_across="1")

    assert "Nothing was done" in said
    assert BlogGeneration.objects.get().status == Status.PENDING


@pytest.mark.parametrize("query", ["status__exact=LOST", "banana=1", "created_from=banana"])
def test_an_export_of_a_patched_address_is_refused(desk: Client, query: str) -> None:
    answer = desk.get(f"{LIST}export/csv/?{query}")

    assert answer.status_code == 400
    assert "left out" in answer.content.decode()


def test_empty_fields_of_a_form_ask_for_nothing(desk: Client) -> None:
    blog = pending_generation()

    answer = desk.get(LIST, {"created_from": "", "created_to": "2999-01-01", "shop": ""}, follow=True)

    assert [row.pk for row in answer.context["cl"].result_list] == [blog.pk]
    assert not messages(answer)
    assert answer.redirect_chain[0][0].endswith("?created_to=2999-01-01")


@pytest.mark.parametrize(
    "query",
    ["created_from=2026-1-5&created_to=2999-01-01", "created_from=٢٠٢٦-01-05", "ended_from=&created_from=20260105"],
)
def test_a_day_may_be_written_in_other_ways(desk: Client, query: str) -> None:
    blog = pending_generation()

    answer = desk.get(f"{LIST}?{query}", follow=True)

    assert [row.pk for row in answer.context["cl"].result_list] == [blog.pk]
    assert not messages(answer)


def test_an_error_code_that_no_blog_has_finds_none_and_is_a_chip(desk: Client) -> None:
    failed_generation()

    page = text_of(desk, LIST, error="xyz")

    assert ids_listed(desk, error="xyz") == []
    assert chips(page) == ["last error: xyz"]


def test_counts_follow_the_filter(desk: Client) -> None:
    shop = site()
    for _ in range(3):
        pending_generation(shop)
    pending_generation()

    assert "3 blog generations" in visible(text_of(desk, LIST, site__id__exact=str(shop.pk)))

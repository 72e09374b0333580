from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client

from blogs.audit import Actor
from blogs.batches import starting, working
from blogs.models import AuditEntry, BlogGeneration, GenerationEvent
from blogs.operations import proof
from credits import ledger
from credits.models import Credit, CreditAccount
from tests.support.blogs.desk_pages import act, blog_page, hidden_key, site_page, text_of, visible
from tests.support.factories import done_generation, pending_generation, site
from tests.support.threads import at_once
from wix.models import Site

pytestmark = pytest.mark.django_db


def ask(client: Client, shop: Site, **fields: Any) -> Any:
    data = {"amount": 100, "reason": "Sorry for the outage", "key": uuid4(), **fields}
    return client.post(f"/admin/wix/site/{shop.pk}/credits/", data, follow=True)


def account(shop: Site) -> CreditAccount:
    return CreditAccount.objects.get(site=shop)


def test_a_grant_adds_credits_and_records_who_and_why(desk: Client, admin_user: User) -> None:
    shop = site(credits=10)

    ask(desk, shop)

    entry = Credit.objects.latest("id")
    assert account(shop).balance == 110
    assert (entry.kind, entry.amount, entry.created_by, entry.reason) == (
        "grant",
        100,
        admin_user,
        "Sorry for the outage",
    )
    assert proof.discrepancies() == []


def test_a_double_click_grants_once(desk: Client) -> None:
    shop = site(credits=0)
    key = hidden_key(site_page(desk, shop.pk))

    ask(desk, shop, key=key)
    again = ask(desk, shop, key=key)

    assert account(shop).balance == 100
    assert "This form was used before" in again.content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_grant_once(desk: Client) -> None:
    shop = site(credits=0)
    key = uuid4()
    clients = [deepcopy(desk), deepcopy(desk)]

    answers = at_once(*(lambda client=client: ask(client, shop, key=key).status_code for client in clients))

    assert answers == [200, 200]
    assert account(shop).balance == 100


def test_two_forms_grant_twice(desk: Client) -> None:
    shop = site(credits=0)

    keys = {hidden_key(site_page(desk, shop.pk)) for _ in range(2)}
    for key in keys:
        ask(desk, shop, key=key)

    assert account(shop).balance == 200


def test_a_negative_amount_takes_what_is_free_and_owes_the_rest(desk: Client) -> None:
    shop = site(credits=100)
    pending_generation(shop)

    ask(desk, shop, amount=-90, reason="Chargeback")

    assert (account(shop).balance, account(shop).held, account(shop).debt) == (25, 25, 15)
    assert Credit.objects.latest("id").kind == "adjust"
    assert proof.discrepancies() == []


@pytest.mark.parametrize(
    "fields", [{"amount": 0}, {"amount": ""}, {"amount": 10**7}, {"reason": " "}, {"reason": "x" * 201}, {"key": "x"}]
)
def test_a_form_that_makes_no_sense_changes_nothing(desk: Client, fields: dict[str, Any]) -> None:
    shop = site(credits=10)

    answer = ask(desk, shop, **fields)

    assert answer.status_code == 200
    assert account(shop).balance == 10
    assert "errorlist" in answer.content.decode()


def test_who_may_not_add_credits_sees_no_form_and_is_refused(desk_with: Callable[..., Client]) -> None:
    support = desk_with("wix.view_site", "wix.change_site", "credits.view_credit")
    shop = site(credits=10)

    assert "Grant or adjust" not in site_page(support, shop.pk)
    assert ask(support, shop).status_code == 403
    assert account(shop).balance == 10


@pytest.mark.parametrize("may_read", [False, True])
def test_entries_are_shown_only_to_who_may_read_the_ledger(desk_with: Callable[..., Client], may_read: bool) -> None:
    more = ["credits.view_credit"] if may_read else ["credits.view_creditaccount", "credits.grant_credits"]
    support = desk_with("wix.view_site", "blogs.view_bloggeneration", *more)
    shop = site(credits=0)
    with transaction.atomic():
        ledger.grant(ledger.lock(shop.pk), 100, reason="a private reason")
    generation = pending_generation(shop)

    on_site, on_blog = site_page(support, shop.pk), blog_page(support, generation.pk)

    assert ("a private reason" in on_site, ">hold<" in on_site, ">hold<" in on_blog) == (may_read,) * 3


@pytest.mark.parametrize("more", [[], ["credits.view_credit"]])
def test_a_sites_history_tells_of_credits_only_to_who_may_read_the_ledger(
    desk: Client, desk_with: Callable[..., Client], more: list[str]
) -> None:
    shop = site(credits=0)
    ask(desk, shop, amount=4321, reason="a private reason")

    history = text_of(desk_with("wix.view_site", *more), f"/admin/wix/site/{shop.pk}/history/")

    assert ("a private reason" in history, "4321" in history) == (bool(more),) * 2


def test_who_may_not_see_the_site_is_refused(desk_with: Callable[..., Client]) -> None:
    assert ask(desk_with("credits.grant_credits"), site()).status_code == 403


def test_the_ledger_itself_cannot_be_edited(desk: Client) -> None:
    site(credits=10)
    entry = Credit.objects.get()

    assert desk.post(f"/admin/credits/credit/{entry.pk}/change/", {"amount": 5}).status_code == 403
    assert desk.post("/admin/credits/credit/add/", {}).status_code == 403


def test_the_ledger_is_found_by_blog_and_by_site(desk: Client) -> None:
    shop = site(name="Nordlicht")
    generation = pending_generation(shop)
    site(name="Zebra")

    by_blog = desk.get("/admin/credits/credit/", {"q": generation.pk}).context["cl"].result_list
    by_site = desk.get("/admin/credits/credit/", {"q": "nord"}).context["cl"].result_list

    assert [entry.kind for entry in by_blog] == ["hold"]
    assert [entry.kind for entry in by_site] == ["hold", "grant"]


def test_a_sites_page_shows_its_credits_and_the_last_entries(desk: Client) -> None:
    shop = site(credits=100)
    pending_generation(shop)

    page = visible(site_page(desk, shop.pk))

    assert "balance 100 , held 25 , available 75 , debt 0" in page
    assert "grant 100 +100" in page


@pytest.mark.parametrize(
    ("amount", "more", "allowed"),
    [
        (1_000, [], True),
        (1_001, [], False),
        (-1_001, ["credits.put_in_debt"], False),
        (1_001, ["credits.grant_many_credits"], True),
        (-10, [], True),
        (-11, [], False),
        (-11, ["credits.put_in_debt"], True),
    ],
)
def test_a_role_has_a_cap_and_a_debt_needs_a_right_of_its_own(
    desk_with: Callable[..., Client], amount: int, more: list[str], allowed: bool
) -> None:
    shop = site(credits=10)

    ask(desk_with("wix.view_site", "credits.grant_credits", *more), shop, amount=amount, reason="ticket 7")

    assert Credit.objects.filter(reason="ticket 7").exists() == allowed


def test_a_refund_on_the_desk_is_seen_on_the_blog_and_in_its_ledger(desk: Client) -> None:
    shop = site(credits=100)
    blog = done_generation(shop)

    message = act(desk, "refund", blog.pk)
    again = act(desk, "refund", blog.pk)

    assert message == "Refunded 25 credits: 1."
    assert again == "Changed none. Skipped 1: its credits were given back before."
    page = visible(blog_page(desk, blog.pk))
    assert "refund 25 +25" in page
    assert "Its 25 credits were given back." in page
    assert proof.discrepancies() == []


def test_a_refund_is_an_entry_that_blog_site_and_ledger_show_and_link_to_the_blog(desk: Client) -> None:
    shop = site(credits=100)
    blog = done_generation(shop)
    act(desk, "refund", blog.pk, reason="wrong language")

    entry = Credit.objects.get(kind="refund")
    assert (entry.amount, entry.generation_id, entry.reason) == (25, blog.pk, "wrong language")
    link = f'<a href="/admin/blogs/bloggeneration/{blog.pk}/change/">{blog.pk}</a>'
    on_site = text_of(desk, f"/admin/wix/site/{shop.pk}/change/")
    for page in (on_site, text_of(desk, "/admin/credits/credit/"), text_of(desk, "/admin/credits/credit/", q=blog.pk)):
        (row,) = [row for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL) if re.search(r">\s*refund\s*<", row, re.I)]
        assert link in row
        assert "wrong language" in row
    assert "wrong language" in visible(blog_page(desk, blog.pk))
    assert account(shop).balance == 100


@pytest.mark.django_db(transaction=True)
def test_however_many_refund_at_once_at_most_the_price_comes_back(desk: Client) -> None:
    shop = site(credits=100)
    blog = done_generation(shop)
    clients = [deepcopy(desk) for _ in range(4)]

    at_once(*(lambda client=client: act(client, "refund", blog.pk) for client in clients))

    assert account(shop).balance == 100
    assert GenerationEvent.objects.filter(generation=blog, kind="refunded").count() == 1
    assert AuditEntry.objects.filter(action="refund", blog_id=blog.pk).count() == 1
    assert Credit.objects.filter(kind="refund").count() == 1
    assert proof.discrepancies() == []


def test_credits_are_not_moved_without_a_reason_nor_by_a_get(desk: Client) -> None:
    shop = site(credits=10)

    ask(desk, shop, reason="")
    desk.get(f"/admin/wix/site/{shop.pk}/credits/", {"amount": "100", "reason": "x", "key": str(uuid4())})

    assert account(shop).balance == 10


def test_a_refund_of_more_than_a_role_moves_at_once_is_forbidden(
    desk_with: Callable[..., Client], settings: Any
) -> None:
    settings.DESK_CREDITS_CAP = 49
    shop = site(credits=100)
    blogs = [done_generation(shop), done_generation(shop)]
    billing = desk_with("blogs.view_bloggeneration", "blogs.refund_blogs")

    assert act(billing, "refund", *(blog.pk for blog in blogs)) == ""
    assert not Credit.objects.filter(kind="refund").exists()
    assert act(billing, "refund", blogs[0].pk) == "Refunded 25 credits: 1."


def test_what_a_batch_did_to_a_blog_is_in_its_history(desk: Client) -> None:
    blog = pending_generation()
    batch = starting.start(
        Actor("vera"), "cancel", BlogGeneration.objects.all(), in_words="all", reason="ticket 9", options={}
    )
    working.work_off()

    history = visible(text_of(desk, f"/admin/blogs/bloggeneration/{blog.pk}/history/"))

    assert f"cancel: Batch {batch.pk}" in history
    assert "ticket 9" in history

"""What matters of a shop stands at the head of its page, in few queries that read no big table in sequence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from blogs.desk.sites import balance, facts
from blogs.models import BlogGeneration, SiteLine
from credits import ledger
from credits.models import CreditAccount
from tests.support.blogs.desk_pages import act, site_page, visible
from tests.support.blogs.desk_rows import thousands_of_blogs
from tests.support.factories import done_generation, failed_generation, pending_generation, site
from tests.support.query_plans import indexes, plan_of, read_whole
from wix.models import AccessToken, Catalogue, Plan, Site, Subscription, WebhookDelivery

pytestmark = pytest.mark.django_db


def page_of(client: Client, shop: Site) -> str:
    return visible(site_page(client, shop.pk))


def test_a_new_shops_page_opens(desk: Client) -> None:
    page = page_of(desk, site(credits=0))

    for said in (
        "Credits available 0 no account yet",
        "Failed, last 7 days – 0 failed, 0 done",
        "Plan free no credits by a plan",
        "it has never asked for a blog",
        "Connection to Wix fine The app is installed; we have asked Wix for no access yet. Last webhook: never.",
        "Catalogue 0 products Read never; read next with the first blog that needs it.",
        "unfinished blogs: 5,000, half the queue",
    ):
        assert said in page, said


def test_blogs_by_state_lead_to_exactly_those_and_failures_have_a_rate(desk: Client) -> None:
    shop = site()
    for _ in range(3):
        done_generation(shop)
    failed_generation(shop)
    old = failed_generation(shop)
    BlogGeneration.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=8))
    pending_generation(shop)
    pending_generation(shop, scheduled_at=timezone.now() + timedelta(hours=1))
    failed_generation()

    page = site_page(desk, shop.pk)

    assert "25 % 1 failed, 3 done" in visible(page)
    assert "PENDING 2 PROCESSING 0 DONE 3 FAILED 2 CANCELLED 0" in visible(page)
    assert "1 ready, 1 waiting for a time" in visible(page)
    assert f"?site__id__exact={shop.pk}&amp;status__exact=FAILED" in page
    answer = desk.get(f"/admin/blogs/bloggeneration/?site__id__exact={shop.pk}&status__exact=FAILED")
    assert answer.context["cl"].result_count == 2


def test_its_last_blogs_have_their_sentences(desk: Client) -> None:
    shop = site()
    for _ in range(facts.BLOGS_SHOWN):
        failed_generation(shop)
    first = BlogGeneration.objects.order_by("pk")[0].pk
    last = pending_generation(shop).pk

    page = site_page(desk, shop.pk).partition('id="recent"')[2].partition("</section>")[0]

    assert page.count("OpenAI declined the topic.") == facts.BLOGS_SHOWN - 1
    assert f">{last}</a>" in page
    assert f">{first}</a>" not in page


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("blog_not_installed", "broken Its last blog failed: the site has no Wix Blog app. The shop installs Wix Blog"),
        ("wix_auth_lost", "broken Its last blog failed: Wix gives us no access to this site."),
        ("content_refused", "fine The app is installed"),
    ],
)
def test_the_connection_is_judged_by_how_the_last_blog_ended(desk: Client, code: str, said: str) -> None:
    shop = site()
    failed_generation(shop, code)
    pending_generation(shop)
    assert said in page_of(desk, shop)

    BlogGeneration.objects.filter(site=shop, status="PENDING").delete()
    done_generation(shop)

    assert "Connection to Wix fine" in page_of(desk, shop)


def test_the_last_signs_of_wix(desk: Client) -> None:
    shop, now = site(), timezone.now()
    token = AccessToken.objects.create(instance_id=shop.instance_id, sealed="x", expires_at=now + timedelta(hours=3.1))
    event = {"event_type": "x", "data": {}, "received_at": now - timedelta(minutes=7)}
    WebhookDelivery.objects.create(digest="1", instance_id=shop.instance_id, **event)
    WebhookDelivery.objects.create(digest="2", instance_id=site().instance_id, event_type="x", data={})
    Catalogue.objects.create(instance_id=shop.instance_id, products=12, read_at=now - timedelta(minutes=20))

    page = page_of(desk, shop)
    assert "our access is good for 3 h. Last webhook: 7 min ago." in page
    assert "12 products Read 20 min ago; read next with the first blog in 40 min or later." in page

    AccessToken.objects.filter(pk=token.pk).update(expires_at=now - timedelta(days=3))
    Catalogue.objects.update(wanted_at=now)
    Site.objects.filter(pk=shop.pk).update(removed_at=now - timedelta(days=2, hours=1))
    page = page_of(desk, shop)
    assert "broken The app was removed 2 d ago" in page
    assert "read next with the next blog: it has changed since." in page


def test_plan_and_caps(desk: Client) -> None:
    shop = site()
    pending_generation(shop)
    gold = Plan.objects.create(vendor_product_id="gold", name="Gold", monthly_credits=500)
    soon = timezone.now() + timedelta(days=9)
    Subscription.objects.create(site=shop, vendor_product_id="gold", plan=gold, next_grant_at=soon, read_at=soon)
    SiteLine.objects.filter(site=shop).update(waiting_max=40)

    page = page_of(desk, shop)

    assert f"Plan Gold next credits {soon:%Y-%m-%d}" in page
    assert "unfinished blogs: 40, by its plan" in page


def test_a_paused_line_says_by_whom_since_when_and_why(desk: Client) -> None:
    shop = site()
    pending_generation(shop)

    act(desk, "pause", shop.pk, url_name="admin:wix_site_changelist", reason="moves house")

    page = page_of(desk, shop)
    assert "Its line is paused by ada since 2" in page
    assert ": moves house. None of its blogs starts until it is resumed." in page


# --- Balance ----------------------------------------------------------------------------------------------------------


def backdated(account: CreditAccount, *changes: tuple[int, int]) -> None:
    """Add an entry for each pair of days ago and credits. The ledger's own moves are for now only."""
    with connection.cursor() as cursor:
        for ago, amount in changes:
            cursor.execute(
                "INSERT INTO credits_credit (account_id, kind, amount, balance_change, debt_change, reason, created_at)"
                " VALUES (%s, 'adjust', %s, %s, 0, 'x', statement_timestamp() - %s * interval '1 day')",
                [account.pk, abs(amount), amount, ago],
            )


def balances(shop: Site) -> dict[str, Any]:
    account = CreditAccount.objects.get(site=shop)
    drawn = balance.chart(account)
    assert drawn is not None
    return dict(zip(drawn.times.names, drawn.series[0].amounts, strict=True))


def day(ago: int) -> str:
    return f"{timezone.now().date() - timedelta(days=ago)}"


def test_the_balance_of_each_day_is_counted_back_from_today() -> None:
    shop = site(credits=0)
    with transaction.atomic():
        account = ledger.lock(shop.pk)
    backdated(account, (100, 50), (10, 30), (2, -20))
    CreditAccount.objects.filter(pk=account.pk).update(balance=60)

    found = balances(shop)

    assert len(found) == balance.DAYS + 1
    expected = {day(90): 50, day(11): 50, day(10): 80, day(3): 80, day(2): 60, day(0): 60}
    assert {name: found[name] for name in expected} == expected


def test_days_of_which_entries_were_left_out_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(balance, "_ENTRIES_READ", 2)
    shop = site(credits=0)
    with transaction.atomic():
        account = ledger.lock(shop.pk)
    backdated(account, (30, 5), (10, 30), (2, -20))
    CreditAccount.objects.filter(pk=account.pk).update(balance=15)

    found = balances(shop)

    assert {name: found[name] for name in (day(11), day(10), day(9), day(2))} == {
        day(11): None,
        day(10): 35,
        day(9): 35,
        day(2): 15,
    }


def test_the_chart_stands_on_the_page_of_who_may_read_the_ledger(desk: Client, desk_with: Any) -> None:
    shop = site()

    assert 'id="chart-balance"' in site_page(desk, shop.pk)
    assert 'id="chart-balance"' not in site_page(desk_with("wix.view_site"), shop.pk)


# --- Size -------------------------------------------------------------------------------------------------------------


def test_a_large_shops_page_reads_no_big_table_in_sequence_and_takes_few_queries(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "COUNTED", 500)
    shop, other = site(), site()
    thousands_of_blogs(shop, 1_000)
    thousands_of_blogs(other, 15_000)

    # What a process looks up once.
    page_of(desk, other)
    with CaptureQueriesContext(connection) as queries:
        page = page_of(desk, shop)

    assert len(queries) <= 15, "\n".join(each["sql"][:120].replace("\n", " ") for each in queries)
    assert "DONE 500+" in page
    for call, text in ((lambda: facts.read(shop), "wix_accesstoken"), (lambda: site_page(desk, shop.pk), "LIMIT 10")):
        plan = plan_of(call, text)
        assert "blog_generations" not in read_whole(plan)
        assert indexes(plan) & {"blog_of_site", "blog_of_site_by_status"}

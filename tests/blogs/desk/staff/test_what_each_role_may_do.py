"""Each role against each action: the button is there exactly for who may, and the server refuses the forged POST of all others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from blogs.audit import Actor
from blogs.batches import starting, working
from blogs.batches.moves import MOVES
from blogs.desk.staff.roles import ROLES
from blogs.models import (
    AuditEntry,
    BlogGeneration,
    GenerationEvent,
    Note,
    PostOrder,
    SiteLine,
    SiteProfile,
    Status,
    WebhookMessage,
)
from blogs.outgoing import endpoints
from blogs.queue import lines
from credits.models import Credit
from tests.support.blogs import roles
from tests.support.blogs.desk_pages import blog_page, site_page, text_of
from tests.support.factories import done_generation, failed_generation, pending_generation, site
from tests.support.webhook_rows import endpoint
from wix.models import ApiKey, Plan, Site
from workers.models import Breaker, Price
from workers.outbound import breaker_rows

pytestmark = pytest.mark.django_db

_ALL = tuple(ROLES)
# Who may do what, as docs/desk.md says it, and not as `roles.py` does.
MOVE_ROLES = {
    "retry": {"Support", "Operator", "Admin"},
    "retry_from_scratch": {"Support", "Operator", "Admin"},
    "cancel": {"Support", "Operator", "Admin"},
    "put_first": {"Support", "Operator", "Admin"},
    "reschedule": {"Support", "Operator", "Admin"},
    "refund": {"Billing", "Admin"},
    "publish_again": {"Support", "Operator", "Admin"},
    "draft_again": {"Support", "Operator", "Admin"},
    "repair": {"Support", "Operator", "Admin"},
    "rewrite": {"Support", "Operator", "Admin"},
}


@pytest.fixture(params=[*_ALL, "no role"])
def role(request: Any) -> str:
    return str(request.param)


@pytest.fixture
def colleague(role: str) -> Client:
    roles.write()
    user = User.objects.create_user("vera", is_staff=True)
    user.groups.set(Group.objects.filter(name=role))
    client = Client()
    client.force_login(user)
    return client


def held_generation() -> BlogGeneration:
    blog = done_generation()
    BlogGeneration.objects.filter(pk=blog.pk).update(needs_review=True)
    return blog


def blog_for(move: str) -> BlogGeneration:
    make: dict[str, Callable[[], BlogGeneration]] = {
        "retry": failed_generation,
        "retry_from_scratch": failed_generation,
        "refund": done_generation,
        "reschedule": lambda: pending_generation(scheduled_at=timezone.now() + timedelta(days=1)),
        "publish_again": done_generation,
        "draft_again": done_generation,
        "repair": held_generation,
        "rewrite": held_generation,
    }
    return make.get(move, pending_generation)()


def test_the_table_here_names_each_move() -> None:
    assert set(MOVE_ROLES) == set(MOVES)


@pytest.mark.parametrize("move", MOVE_ROLES)
def test_moves_of_blogs(colleague: Client, role: str, move: str) -> None:
    blog, may = blog_for(move), role in MOVE_ROLES[move]
    events = GenerationEvent.objects.filter(generation=blog).count()

    if role != "no role":
        button = f'name="action" value="{move}"'
        assert (button in blog_page(colleague, blog.pk)) == may
    act_or_be_refused(colleague, move, blog.pk)

    assert (GenerationEvent.objects.filter(generation=blog).count() > events) == may


def act_or_be_refused(
    client: Client, action: str, *ids: int, url_name: str = "admin:blogs_bloggeneration_changelist"
) -> None:
    answer = client.post(
        reverse(url_name),
        {"action": action, "_selected_action": ids, "index": 0, "confirmed": "1", "reason": "ticket 7"},
    )
    assert answer.status_code in (200, 302, 403)


def test_asking_what_wix_holds(colleague: Client, role: str) -> None:
    blog, may = done_generation(), role != "no role"

    if may:
        assert "What does Wix hold now?" in blog_page(colleague, blog.pk)
    colleague.post(reverse("admin:blogs_bloggeneration_look", args=[blog.pk]))
    assert PostOrder.objects.exists() == may

    piece = colleague.get(reverse("admin:blogs_bloggeneration_at_wix", args=[blog.pk]))
    assert (piece.status_code == 200) == may


def test_pausing_a_line(colleague: Client, role: str) -> None:
    shop, may = site(), role in {"Operator", "Admin"}
    pending_generation(shop)

    if role != "no role":
        assert ('value="pause"' in site_page(colleague, shop.pk)) == may
    act_or_be_refused(colleague, "pause", shop.pk, url_name="admin:wix_site_changelist")

    assert SiteLine.objects.get(site=shop).paused == may


@pytest.mark.parametrize("on", ["blog", "site"])
def test_writing_a_note(colleague: Client, role: str, on: str) -> None:
    blog, may = failed_generation(), role in {"Support", "Billing", "Operator", "Admin"}
    page = (blog_page, blog.pk) if on == "blog" else (site_page, blog.site_id)
    address = (
        f"/admin/blogs/bloggeneration/{blog.pk}/note/" if on == "blog" else f"/admin/wix/site/{blog.site_id}/note/"
    )

    if role != "no role":
        assert ("Write the note" in page[0](colleague, page[1])) == may
    answer = colleague.post(address, {"text": "Calls on Mondays."})

    assert (answer.status_code == 302) == may
    assert Note.objects.exists() == may
    if not may and role != "no role":
        assert "blogs.add_note" in answer.content.decode()


def test_seeing_what_a_shop_sees(colleague: Client, role: str) -> None:
    shop, may = site(), role in {"Support", "Billing", "Operator", "Admin"}

    if role != "no role":
        assert ("/as-shop/" in site_page(colleague, shop.pk)) == may
    answer = colleague.get(f"/admin/wix/site/{shop.pk}/as-shop/")

    assert (answer.status_code == 200) == may


def test_seeing_a_shops_ideas_and_topics(colleague: Client, role: str) -> None:
    shop, may = site(), role != "no role"
    address = reverse("admin:wix_site_topics", args=[shop.pk])

    if may:
        assert address in site_page(colleague, shop.pk)
    assert (colleague.get(address).status_code == 200) == may


def test_editing_a_shops_profile(colleague: Client, role: str) -> None:
    shop, may = site(), role in {"Support", "Operator", "Admin"}
    page = f"/admin/wix/site/{shop.pk}/profile/"

    if role != "no role":
        assert ("profile/edit/" in text_of(colleague, page)) == may
    fields = {"version": 0, "brand": "New", "confirmed": "1", "reason": "ticket 7"}
    answer = colleague.post(f"{page}edit/", fields)

    assert SiteProfile.objects.exists() == may
    if not may and role != "no role":
        assert (answer.status_code, "blogs.edit_profiles" in answer.content.decode()) == (403, True)


def test_exporting_the_audit_log(colleague: Client, role: str) -> None:
    may = role in {"Operator", "Admin"}

    if may:
        assert "/auditentry/export/csv/" in colleague.get("/admin/blogs/auditentry/").content.decode()
    answer = colleague.get("/admin/blogs/auditentry/export/csv/")
    b"".join(answer)  # or it keeps one of the process's two places

    assert (answer.status_code == 200) == may
    assert AuditEntry.objects.filter(action="export").exists() == may


def test_weighing_a_line(colleague: Client, role: str) -> None:
    shop, may = site(), role in {"Operator", "Admin"}
    pending_generation(shop)

    answer = colleague.post(f"/admin/wix/site/{shop.pk}/weight/", {"weight": 5})

    assert (answer.status_code == 302) == may
    assert (SiteLine.objects.get(site=shop).step == 0.2) == may


@pytest.mark.parametrize(
    ("amount", "allowed"),
    [(100, {"Billing", "Admin"}), (5_000, {"Admin"}), (-100, {"Admin"})],
    ids=["up to the cap", "beyond the cap", "into debt"],
)
def test_moving_credits(colleague: Client, role: str, amount: int, allowed: set[str]) -> None:
    shop, may = site(credits=10), role in allowed

    if role != "no role":
        assert ("Grant or adjust" in site_page(colleague, shop.pk)) == (role in {"Billing", "Admin"})
    fields = {"amount": amount, "reason": "ticket 7", "key": "6f1c1a52-5c4b-4e0e-9d2c-0f8a4f1f9a11"}
    colleague.post(f"/admin/wix/site/{shop.pk}/credits/", fields)

    assert Credit.objects.filter(reason="ticket 7").exists() == may


def test_making_an_api_key(colleague: Client, role: str) -> None:
    shop, may = site(), role in {"Operator", "Admin"}

    colleague.post(f"/admin/wix/site/{shop.pk}/api-keys/", {"label": "ERP"})

    assert ApiKey.objects.exists() == may


def test_holding_a_breaker(colleague: Client, role: str) -> None:
    (breaker, _), may = Breaker.objects.get_or_create(provider="openai"), role in {"Operator", "Admin"}

    if role != "no role":
        assert ("Pause openai" in text_of(colleague, "/admin/workers/breaker/openai/change/")) == may
    colleague.post("/admin/workers/breaker/openai/pause/", {"reason": "ticket 7"})
    assert (Breaker.objects.get(pk=breaker.pk).held_by != "") == may

    breaker_rows.hold_open("openai", by="bob", reason="x")
    colleague.post("/admin/workers/breaker/openai/resume/", {"reason": "ticket 7"})
    assert (Breaker.objects.get(pk=breaker.pk).held_by == "") == may


def test_pausing_and_resuming_all_lines(colleague: Client, role: str) -> None:
    may = role in {"Operator", "Admin"}

    paused = colleague.post(reverse("admin:desk_pause_all"), {"reason": "ticket 7"})
    assert (lines.pause_of_all() is not None) == may
    if not may and role != "no role":
        assert (paused.status_code, "blogs.pause_lines" in paused.content.decode()) == (403, True)

    lines.pause_all(by="bob", reason="x")
    colleague.post(reverse("admin:desk_resume_all"), {"reason": "ticket 7"})
    assert (lines.pause_of_all() is None) == may


def test_adding_a_plan(colleague: Client, role: str) -> None:
    fields = {"vendor_product_id": "gold", "name": "Gold", "monthly_credits": 1, "weight": 1, "open_blogs_max": 5}

    colleague.post("/admin/wix/plan/add/", fields)

    assert Plan.objects.exists() == (role in {"Billing", "Admin"})


def test_entering_a_price(colleague: Client, role: str) -> None:
    asked = {"provider": "replicate", "model": "flux", "valid_from": "2026-11-01", "per_picture": "0.04", "reason": "x"}

    if role != "no role":
        assert ("/admin/workers/price/add/" in colleague.get("/admin/workers/price/").content.decode()) == (
            role in {"Billing", "Admin"}
        )
    colleague.post("/admin/workers/price/add/", asked)

    assert Price.objects.exists() == (role in {"Billing", "Admin"})


def test_seeing_what_is_spent(colleague: Client, role: str) -> None:
    for page in ("price", "spend"):
        assert (colleague.get(f"/admin/workers/{page}/").status_code == 200) == (role != "no role")


def test_naming_a_shop(colleague: Client, role: str) -> None:
    shop = site(name="Old")

    colleague.post(f"/admin/wix/site/{shop.pk}/change/", {"name": "New", "language": ""})

    assert (Site.objects.get(pk=shop.pk).name == "New") == (role in {"Support", "Operator", "Admin"})


def test_steering_a_webhook_endpoint(colleague: Client, role: str) -> None:
    made, may = endpoint(site(credits=0)).endpoint, role in {"Support", "Operator", "Admin"}
    message = endpoints.send_test(made)
    WebhookMessage.objects.update(state="failed", due_at=None)
    page = f"/admin/blogs/webhookendpoint/{made.pk}/"

    if role != "no role":
        shown = text_of(colleague, f"{page}change/")
        assert ("Switch off" in shown, "Send again" in shown) == (may, may)
    refused = {}
    for act in (f"messages/{message.pk}/again/", "off/", "on/"):
        answer = colleague.post(f"{page}{act}", {"confirmed": "1", "reason": "ticket 7"})
        refused[act] = answer.status_code == 403
        if not may and role != "no role":
            assert "blogs.steer_webhooks" in answer.content.decode()

    assert set(refused.values()) == {not may}
    done = set(AuditEntry.objects.values_list("action", flat=True)) - {"login"}
    assert done == ({"webhook_send_again", "webhook_switch_off", "webhook_switch_on"} if may else set())


def test_reading_the_audit_log_and_the_ledger(colleague: Client, role: str) -> None:
    audit, ledger = colleague.get("/admin/blogs/auditentry/"), colleague.get("/admin/credits/credit/")

    assert (audit.status_code == 200) == (role in {"Operator", "Admin"})
    assert (ledger.status_code == 200) == (role != "no role")


def test_stopping_and_undoing_a_batch(colleague: Client, role: str) -> None:
    blog, may = pending_generation(), role in {"Support", "Operator", "Admin"}
    chosen = BlogGeneration.objects.filter(pk=blog.pk)
    over = starting.start(Actor("ada"), "cancel", chosen, in_words="a test", reason="x", options={})
    working.work_off()
    open_one = starting.start(Actor("ada"), "cancel", chosen, in_words="a test", reason="x", options={})

    stopped = colleague.post(f"/admin/blogs/batch/{open_one.pk}/stop/")
    undone = colleague.post(f"/admin/blogs/batch/{over.pk}/undo/", {"confirmed": "1", "reason": "ticket 7"})

    assert ((stopped.status_code, undone.status_code) == (302, 302)) == may
    working.work_off()
    assert (BlogGeneration.objects.get(pk=blog.pk).status == Status.CANCELLED) or may

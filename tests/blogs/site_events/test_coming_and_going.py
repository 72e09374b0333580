"""AppInstalled and AppRemoved, in any order, twice, and with a worker killed in the middle; and owners' pages."""

from __future__ import annotations

import itertools
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from blogs.models import BlogGeneration, SiteLine
from blogs.operations import proof
from blogs.queue import admission, lifecycle, lines, submitting
from blogs.site_events import coming_and_going, handlers
from credits.models import Credit
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.books import sessions_waiting_for_a_lock
from tests.support.front import Front
from tests.support.threads import at_once, in_background, wait_until
from tests.support.wix.plans import available
from tests.support.wix.webhooks import Killed, deliver, deliver_and_work, make_due, work_off
from wix.identity import api_keys, sites
from wix.models import Site, Subscription, WebhookDelivery
from wix.webhooks import deliveries

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("wix_signs")]

DAY = 86_400


def test_a_site_is_made_as_wix_describes_it_with_its_trial(instance: uuid.UUID) -> None:
    assert deliver_and_work("AppInstalled", instance) == "installed; free"

    site = Site.objects.get()
    assert (site.name, site.url, site.language, site.currency) == (
        "Wool & Co",
        "https://wool.example",
        "de",
        "EUR",
    )
    assert available(instance) == 50


@pytest.mark.parametrize("odd", ["\ud83e", "\x00"], ids=ascii)
def test_a_site_whose_name_cannot_be_stored_is_installed_with_what_can(
    instance: uuid.UUID, front: Front, odd: str
) -> None:
    named = {"siteDisplayName": f"Odd {odd}", "locale": f"de{odd}", "url": f"https://{odd}.example"}
    front.on("GET", "/apps/v1/instance", lambda answer: {**answer, "site": {**answer["site"], **named}})

    assert deliver_and_work("AppInstalled", instance) == "installed; free"

    assert Site.objects.get().name == "Odd �"


def test_reinstalling_revives_it_and_gives_no_second_trial(instance: uuid.UUID, sandbox: Sandbox) -> None:
    member = uuid.uuid4()
    deliver_and_work("AppInstalled", instance, at=0)
    Site.objects.update(member_id=member, language="fr")
    sandbox.uninstall(str(instance))
    deliver_and_work("AppRemoved", instance, at=10)
    assert Site.objects.get().removed_at
    sandbox.change_shop(str(instance), removed=False)

    # Both look like the first ones, but for when Wix signed them.
    deliver_and_work("AppInstalled", instance, at=20)

    site = Site.objects.get()
    assert (site.removed_at, site.member_id, site.language) == (None, member, "fr")
    assert available(instance) == 50
    sandbox.uninstall(str(instance))
    deliver_and_work("AppRemoved", instance, at=30)
    assert Site.objects.get().removed_at


def test_removal_cancels_what_waits_and_stops_what_runs(shop: Site, sandbox: Sandbox) -> None:
    done = factories.done_generation(shop)
    running = factories.processing_generation(shop)
    waiting = [factories.pending_generation(shop) for _ in range(3)]
    sandbox.uninstall(str(shop.instance_id))

    said = deliver_and_work("AppRemoved", shop.instance_id)

    assert said == "removed; 4 blogs cancelled or asked to stop"
    statuses = dict(BlogGeneration.objects.values_list("pk", "status"))
    assert statuses == {done.pk: "DONE", running.pk: "PROCESSING"} | {blog.pk: "CANCELLED" for blog in waiting}
    assert lifecycle.honour_cancel(running)
    assert shop.credit_account.held == 0
    assert proof.discrepancies() == []


def test_a_request_that_was_let_in_just_before_the_removal_is_cancelled_too(shop: Site) -> None:
    lines.open_line(shop.pk)
    with transaction.atomic():
        # A request takes the account first. It is held up at the line while the shop is removed.
        SiteLine.objects.select_for_update().get(site=shop)
        submission = in_background(lambda: factories.pending_generation(shop))
        wait_until(lambda: sessions_waiting_for_a_lock() == 1)
        at_once(lambda: Site.objects.update(removed_at=timezone.now()))
        removal = in_background(lambda: coming_and_going.cancel_all(shop))
        wait_until(lambda: sessions_waiting_for_a_lock() == 2)

    submission.join()
    removal.join()
    assert BlogGeneration.objects.get().status == "CANCELLED"
    with pytest.raises(submitting.SiteRemoved):
        factories.pending_generation(shop)


def test_requests_at_once_never_have_more_open_than_the_plan_allows(shop: Site) -> None:
    factories.processing_generation(shop)
    SiteLine.objects.filter(pk=shop.pk).update(waiting_max=3)

    def submit() -> bool:
        try:
            return bool(factories.pending_generation(shop))
        except admission.NoRoom as refused:
            return refused.code != admission.PLAN_LIMIT

    assert sum(at_once(*[submit] * 6)) == 2


def test_a_worker_killed_between_any_two_steps_loses_nothing_and_does_nothing_twice(
    shop: Site, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        factories.pending_generation(shop)
    sandbox.uninstall(str(shop.instance_id))
    deliver("AppRemoved", shop.instance_id)
    whole, calls = lifecycle.cancel, itertools.count()

    def cancel(*args: Any, **fields: Any) -> Any:
        if next(calls) in (0, 2):
            raise Killed
        return whole(*args, **fields)

    monkeypatch.setattr(lifecycle, "cancel", cancel)
    for _ in range(2):
        with pytest.raises(Killed):
            handlers.work_off()
        assert handlers.work_off() == 0  # not before its time
        make_due()

    assert work_off() == "removed; 2 blogs cancelled or asked to stop"
    assert set(BlogGeneration.objects.values_list("status", flat=True)) == {"CANCELLED"}
    assert Credit.objects.filter(kind="release").count() == 3
    assert proof.discrepancies() == []


# Installed at 0, removed at 10, installed again at 20, and perhaps removed for good at 30: signed then, delivered in any order.
@pytest.mark.parametrize("gone_for_good", [False, True])
def test_whatever_their_order_the_site_ends_as_it_is_at_wix(
    instance: uuid.UUID, sandbox: Sandbox, gone_for_good: bool
) -> None:
    history = [("AppInstalled", 0), ("AppRemoved", 10), ("AppInstalled", 20)]
    if gone_for_good:
        history.append(("AppRemoved", 30))
        sandbox.uninstall(str(instance))
    for order in list(itertools.permutations(history))[:: 5 if gone_for_good else 1]:
        WebhookDelivery.objects.all().delete()
        Site.objects.update(removed_at=None)
        for event_type, at in order:
            deliver(event_type, instance, at=at)
            handlers.work_off()

        site = Site.objects.filter(instance_id=instance).first()
        is_connected = site is not None and site.removed_at is None
        assert is_connected is not gone_for_good, order
    assert Credit.objects.count() <= 1


def test_an_old_removal_needs_no_answer_of_wix(shop: Site, sandbox: Sandbox) -> None:
    deliver_and_work("AppInstalled", shop.instance_id, at=-3 * DAY)
    sandbox.fault("wix", "500", "*", times=None)

    deliver_and_work("AppRemoved", shop.instance_id, at=0)

    assert Site.objects.get().removed_at


def test_a_removal_from_before_needs_none_either(shop: Site, sandbox: Sandbox) -> None:
    deliver("AppInstalled", shop.instance_id, at=10)
    WebhookDelivery.objects.update(due_at=None, status="done")
    sandbox.fault("wix", "500", "*", times=None)

    assert deliver_and_work("AppRemoved", shop.instance_id, at=0) == "installed again since"
    assert Site.objects.get().removed_at is None


def test_a_resend_of_a_removal_signed_later_does_not_remove_who_is_back(shop: Site, sandbox: Sandbox) -> None:
    deliver_and_work("AppInstalled", shop.instance_id, at=0)
    tokens = len(sandbox.requests("wix", "token"))

    assert deliver_and_work("AppRemoved", shop.instance_id, at=60) == "installed again since, says Wix"
    # By a token of now: whether one from before still opens the door is not known.
    assert len(sandbox.requests("wix", "token")) == tokens + 1
    assert Site.objects.get().removed_at is None


MINUTE = 60
HOUR = 60 * MINUTE


def test_a_removal_of_just_now_is_asked_about_again_while_wix_still_lets_us_in(shop: Site, sandbox: Sandbox) -> None:
    deliver_and_work("AppInstalled", shop.instance_id, at=0)
    deliver("AppRemoved", shop.instance_id, at=HOUR)
    assert handlers.work_off() == 1
    assert Site.objects.get().removed_at is None
    assert 0 < waits() <= MINUTE

    sandbox.uninstall(str(shop.instance_id))
    make_due()
    assert work_off().startswith("removed")
    # Nor does an installation of before, delivered now, bring it back: not even if Wix lets us in once more.
    sandbox.change_shop(str(shop.instance_id), removed=False)
    WebhookDelivery.objects.filter(event_type="AppInstalled").update(status="received", due_at=timezone.now())
    assert handlers.work_off() == 1
    assert Site.objects.get().removed_at
    make_due()
    assert handlers.work_off() == 1
    assert MINUTE < waits() <= 10 * MINUTE


def waits() -> float:
    due_at = WebhookDelivery.objects.exclude(due_at=None).get().due_at
    assert due_at
    return (due_at - timezone.now()).total_seconds()


@pytest.mark.parametrize("first", [True, False])
def test_an_old_installation_signed_later_after_the_removal_installs_nothing(
    shop: Site, sandbox: Sandbox, first: bool
) -> None:
    """Where it is the first that we get of it, only that Wix gives no access tells; and that is asked three times."""
    if not first:
        deliver_and_work("AppInstalled", shop.instance_id, at=0)
    sandbox.uninstall(str(shop.instance_id))
    deliver_and_work("AppRemoved", shop.instance_id, at=10)
    deliver("AppInstalled", shop.instance_id, at=60)
    for _ in range(3):
        assert handlers.work_off() == 1
        make_due()

    assert Site.objects.get().removed_at
    # And the removal, whenever it is looked at again, is not taken for one of before.
    if not first:
        deliveries.replay(WebhookDelivery.objects.filter(event_type="AppRemoved"))
        assert work_off().startswith("removed")


def test_with_the_app_go_its_keys_and_its_months(shop: Site, sandbox: Sandbox) -> None:
    key, _ = api_keys.issue(shop, "server")
    Subscription.objects.create(site=shop, next_grant_at=timezone.now())
    sandbox.uninstall(str(shop.instance_id))

    deliver_and_work("AppRemoved", shop.instance_id)

    key.refresh_from_db()
    assert key.revoked_at
    assert Subscription.objects.get().next_grant_at is None


def test_a_copy_of_a_site_gets_no_trial_however_it_is_first_seen(sandbox: Sandbox, instance: uuid.UUID) -> None:
    deliver_and_work("AppInstalled", instance)
    copies = [uuid.uuid4() for _ in range(4)]
    for copy in copies:
        sandbox.add_shop(str(copy), "Copy")
    told_by_wix, opened_first, told_by_the_instance, opened_again = copies
    sandbox.change_shop(str(told_by_the_instance), originInstanceId=str(instance))
    sites.seen(opened_first)
    sites.seen(opened_again)
    assert available(opened_first) == 50

    for copy in (told_by_wix, opened_first):
        deliver_and_work("AppInstalled", copy, {"appId": "x", "originInstanceId": str(instance)})
    deliver_and_work("AppInstalled", told_by_the_instance)

    sites.seen(opened_again, instance)

    for copy in copies:
        site = Site.objects.get(instance_id=copy)
        assert site.origin_instance_id == instance
        account = getattr(site, "credit_account", None)
        assert account is None or account.available == 0
    assert available(instance) == 50
    assert proof.discrepancies() == []


def test_a_page_signed_long_after_the_removal_has_wix_asked_once_and_the_site_back(
    shop: Site, sandbox: Sandbox, api: Any
) -> None:
    Site.objects.update(removed_at=timezone.now() - timedelta(minutes=1))
    assert api(shop).get("/api/blog-generation").status_code == 403
    assert not WebhookDelivery.objects.exists()
    Site.objects.update(removed_at=timezone.now() - timedelta(days=1))
    for _ in range(2):
        assert api(shop).get("/api/blog-generation").status_code == 403

    assert work_off() == "seen; free"

    assert WebhookDelivery.objects.get().event_type == "InstanceSeen"
    assert api(shop).get("/api/blog-generation").status_code == 200


def test_a_page_signed_for_another_plan_than_we_know_has_wix_asked(shop: Site, sandbox: Sandbox, api: Any) -> None:
    Subscription.objects.create(site=shop, vendor_product_id="ended")

    assert api(shop).get("/api/blog-generation").status_code == 200

    assert work_off() == "seen; free"
    assert Subscription.objects.get().vendor_product_id == ""

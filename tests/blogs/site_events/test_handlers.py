"""How a worker works off the stored deliveries: failures, kills, and several workers at once."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from blogs.site_events import handlers
from tests.sandbox import Sandbox
from tests.sandbox.wix_webhooks import token
from tests.support.threads import at_once
from tests.support.wix.plans import available
from tests.support.wix.webhooks import Killed, deliver, make_due, post, signed
from wix.models import Site, WebhookDelivery

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("wix_signs")]


def test_wix_away_puts_it_off_and_after_many_tries_staff_are_told(instance: uuid.UUID, sandbox: Sandbox) -> None:
    sandbox.fault("wix", "500", "*", times=None)
    deliver("AppInstalled", instance)
    for _ in range(10):
        assert handlers.work_off() == 1
        make_due()

    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.attempts, delivery.due_at) == ("failed", 10, None)
    assert "wix_unavailable" in delivery.outcome
    assert handlers.work_off() == 0


def test_a_bug_in_one_handler_keeps_no_other_waiting(instance: uuid.UUID, shop: Site) -> None:
    def broken(*args: Any) -> str:
        raise ZeroDivisionError

    deliver("AppRemoved", shop.instance_id)
    deliver("AppInstalled", instance)

    assert handlers.work_off(handlers={**handlers.HANDLERS, "AppRemoved": broken}) == 2

    assert Site.objects.filter(instance_id=instance, removed_at=None).exists()
    assert WebhookDelivery.objects.get(event_type="AppRemoved").outcome == "unexpected: ZeroDivisionError"


def test_one_that_kills_each_worker_is_given_up(shop: Site) -> None:
    def poison(*args: Any) -> str:
        raise Killed

    deliver("AppRemoved", shop.instance_id)
    for _ in range(10):
        with pytest.raises(Killed):
            handlers.work_off(handlers={"AppRemoved": poison})
        make_due()

    assert handlers.work_off(handlers={"AppRemoved": poison}) == 1

    assert WebhookDelivery.objects.get().status == "failed"


def test_without_the_database_it_is_due_again_by_itself(shop: Site) -> None:
    def away(*args: Any) -> str:
        raise OperationalError

    deliver("AppRemoved", shop.instance_id)

    with pytest.raises(OperationalError):
        handlers.work_off(handlers={**handlers.HANDLERS, "AppRemoved": away})

    assert WebhookDelivery.objects.get().status == "received"
    assert WebhookDelivery.objects.get().due_at


def test_many_workers_and_many_copies_make_one_site_and_one_trial(instance: uuid.UUID) -> None:
    body = token("AppInstalled", instance)

    answers = at_once(*[lambda: post(body).status_code] * 8)
    worked = at_once(*[handlers.work_off] * 4)

    assert answers == [200] * 8
    assert sum(worked) == 1
    assert WebhookDelivery.objects.get().received == 8
    assert available(instance) == 50


def test_what_one_worker_is_taking_keeps_no_other_waiting(shop: Site) -> None:
    deliver("AppRemoved", shop.instance_id)

    def look() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '5s'")
        return handlers.work_off()

    with transaction.atomic():
        WebhookDelivery.objects.select_for_update().get()
        assert at_once(look) == [0]


def test_a_resend_that_comes_while_it_is_worked_on_has_it_done_again(instance: uuid.UUID) -> None:
    deliver("AppInstalled", instance, at=0)
    whole = handlers.HANDLERS["AppInstalled"]
    came: list[int] = []

    def handle(*args: Any) -> str:
        if not came:
            came.append(post(token("AppInstalled", instance, iat=signed(5), exp=None)).status_code)
        return whole(*args)

    assert handlers.work_off(handlers={"AppInstalled": handle}) == 2

    assert available(instance) == 50
    assert WebhookDelivery.objects.get().status == "done"


def test_unknown_types_and_instances_do_nothing(sandbox: Sandbox) -> None:
    deliver("wix.unheard.of", uuid.uuid4())
    assert handlers.work_off() == 0
    assert WebhookDelivery.objects.get().status == "ignored"

    for event_type in ("AppInstalled", "AppRemoved", "PaidPlanPurchased", "InvoiceStatusUpdated"):
        deliver(event_type, uuid.uuid4())
    assert handlers.work_off() == 4

    # Wix said that it was installed there, so it is, though it doesn't let us in yet.
    assert Site.objects.count() == 1
    statuses = dict(WebhookDelivery.objects.values_list("event_type", "status"))
    assert {event for event, status in statuses.items() if status != "received"} == {"wix.unheard.of", "AppRemoved"}

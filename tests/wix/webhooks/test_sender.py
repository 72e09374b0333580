"""`manage.py send_webhook`, against a server of ours."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from blogs.site_events import handlers
from wix.identity import sightings
from wix.models import WebhookDelivery
from wix.webhooks import sender

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_is_signed_sent_and_believed_in_development(live_server: Any, settings: Any, tmp_path: Any) -> None:
    settings.DEBUG = True
    settings.WIX_WEBHOOK_DEV_PRIVATE_KEY_FILE = str(tmp_path / "made" / "key.pem")
    instance = uuid.uuid4()

    url = f"{live_server.url}/wix/webhooks"
    call_command("send_webhook", "PaidPlanPurchased", instance=instance, data={"cycle": "YEARLY"}, times=2, url=url)

    delivery = WebhookDelivery.objects.get()
    assert (delivery.instance_id, delivery.received) == (instance, 2)
    assert (delivery.data["cycle"], delivery.data["vendorProductId"]) == ("YEARLY", "basic")
    assert delivery.happened_at


def test_each_event_that_does_something_can_be_sent() -> None:
    assert set(handlers.HANDLERS) - {sightings.EVENT} <= set(sender.EVENT_TYPES)
    assert sender.sample("wix.categories.v1.category_item_added_to_category")["slug"] == "item_added_to_category"


def test_the_domain_events_are_named_as_wix_names_them() -> None:
    assert {name for name in sender.EVENT_TYPES if name.startswith("wix.")} >= {
        "wix.media.site_media.v1.file_descriptor_file_ready",
        "wix.blog.v3.draft_created",
    }
    assert sender.sample("wix.blog.v3.draft_created")["entityFqdn"] == "wix.blog.v3.draft"


def test_nothing_is_signed_in_production(settings: Any) -> None:
    settings.DEBUG = False

    with pytest.raises(CommandError, match="DEBUG"):
        call_command("send_webhook", "AppRemoved", instance=uuid.uuid4())

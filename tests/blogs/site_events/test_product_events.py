"""An event about a shop's products makes its catalog due to be read again; a shop without a catalog is left alone."""

from __future__ import annotations

import uuid

import pytest

from tests.support.wix.webhooks import deliver, deliver_and_work
from wix import catalog
from wix.models import Catalogue, WebhookDelivery

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("wix_signs")]


def test_each_kind_of_change_makes_the_catalog_due() -> None:
    for event_type in catalog.CHANGES:
        catalog_row = Catalogue.objects.create(instance_id=uuid.uuid4())

        deliver_and_work(event_type, catalog_row.pk, {"id": str(uuid.uuid4()), "entityFqdn": "wix.stores"})

        catalog_row.refresh_from_db()
        assert catalog_row.wanted_at, event_type


def test_events_of_a_shop_without_a_catalog_change_nothing() -> None:
    deliver("wix.stores.catalog.v3.product_updated", uuid.uuid4(), {"id": "1", "entityFqdn": "wix.stores"})

    assert WebhookDelivery.objects.get().status == WebhookDelivery.Status.RECEIVED
    assert not Catalogue.objects.exists()

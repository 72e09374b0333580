"""The sample shops in the product's tables and at the stand-ins."""

from __future__ import annotations

from collections.abc import Sequence

from tests.sandbox.client import SandboxClient
from tests.support.shops import Shop


def make_shops(sandbox: SandboxClient, shops: Sequence[Shop], credits: int) -> None:
    """Make those that are missing, with these credits each. The stand-ins are told of all, since they forget when they end."""
    from django.db import transaction

    from credits import ledger
    from wix.models import Site

    for shop in shops:
        named = {"name": shop.name, "url": f"https://{shop.host}", "language": "en"}
        site, made = Site.objects.get_or_create(instance_id=shop.instance_id, defaults=named)
        if made:
            with transaction.atomic():
                ledger.grant(ledger.lock(site.pk), credits, reason="sample data")
        sandbox.add_shop(shop.instance_id, shop.name, catalog_version=shop.catalog_version, products=shop.catalog())

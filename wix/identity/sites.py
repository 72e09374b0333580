"""Makes sites known: with their owner's first request, or with Wix's event that the app was installed."""

from __future__ import annotations

from uuid import UUID

from django.db import connection, transaction

from wix.billing import trial
from wix.models import Site
from workers.database.prepared import Prepared
from workers.database.rows import columns, instance

# ON CONFLICT waits for another transaction that makes the same site, and then makes none.
_MAKE = """
INSERT INTO wix_site (instance_id, name, url, language, origin_instance_id) VALUES (%s, '', '', '', %s)
ON CONFLICT (instance_id) DO NOTHING RETURNING id
"""
# Every request asks this, so it is one prepared statement.
_FIND = Prepared(
    "site",
    f"""
SELECT coalesce(subscription.vendor_product_id, ''), {columns(Site, "site")}
  FROM wix_site site LEFT JOIN wix_subscription subscription ON subscription.site_id = site.id
 WHERE site.instance_id = %(instance_id)s
""",
)


def seen(instance_id: UUID, origin_instance_id: UUID | None = None) -> Site:
    """Return this instance's site, made with trial credits if it is new; `origin_instance_id` says which site it is a copy of."""
    known = _find(instance_id)
    if known:
        if origin_instance_id and known.origin_instance_id is None:
            with transaction.atomic():
                trial.mark_copy(known, origin_instance_id)
            known.origin_instance_id = origin_instance_id
        return known
    with transaction.atomic():
        made = _make(instance_id, origin_instance_id)
        site = Site.objects.get(instance_id=instance_id)
        if made:
            trial.grant(site)
    return site


def _find(instance_id: UUID) -> Site | None:
    with connection.cursor() as cursor:
        _FIND.execute(cursor, {"instance_id": instance_id})
        row = cursor.fetchone()
    if row is None:
        return None
    site = instance(Site, row[1:])
    site.pays_for = row[0]
    return site


def _make(instance_id: UUID, origin_instance_id: UUID | None) -> bool:
    """Make the site; False where another request has made it just now."""
    with connection.cursor() as cursor:
        cursor.execute(_MAKE, [instance_id, origin_instance_id])
        return cursor.fetchone() is not None

"""Removes what is no longer needed: rows of earlier readings, and catalogs that no blog asks for."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from wix.catalog.store import RESUMABLE
from wix.models import Catalogue, CatalogueProduct, Site
from workers.database.clock import ClockTimestamp
from workers.database.connections import briefly

_UNUSED = timedelta(days=30)
_REMOVED_AT_ONCE = 2_000


def remove_outdated(instance_id: UUID | str) -> int:
    """Remove rows of readings that are neither shown nor under way, some in each transaction; return how many."""
    removed = 0
    while chunk := _remove_some(instance_id):
        removed += chunk
    return removed


_REMOVE_SOME = """
WITH removed AS (
    DELETE FROM wix_catalogueproduct WHERE id = ANY(ARRAY(
        SELECT p.id FROM wix_catalogue c JOIN wix_catalogueproduct p ON p.catalogue_id = c.instance_id
         WHERE c.instance_id = %(id)s AND p.reading <> c.shown AND (p.reading <> c.reading OR c.reading_began_at IS NULL)
         LIMIT %(limit)s))
    RETURNING 1)
SELECT count(*) FROM removed
"""


@briefly
def _remove_some(instance_id: UUID | str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_REMOVE_SOME, {"id": str(instance_id), "limit": _REMOVED_AT_ONCE})
        removed = int(cursor.fetchone()[0])
    if not removed:
        Catalogue.objects.filter(pk=instance_id, reading_began_at__isnull=True).update(has_outdated=False)
    return removed


def prune() -> None:
    """Remove catalogs of removed sites and of 30 days without use, and the rows that killed readers left behind. A chore."""
    connected = Site.objects.filter(removed_at__isnull=True).values("instance_id")
    stale = Q(used_at__lt=ClockTimestamp() - _UNUSED) | ~Q(pk__in=connected)
    for instance_id in Catalogue.objects.filter(stale).values_list("pk", flat=True):
        _forget(instance_id)
    _give_up_old_readings()
    for instance_id in Catalogue.objects.filter(has_outdated=True).values_list("pk", flat=True):
        remove_outdated(instance_id)


def _forget(instance_id: UUID | str) -> None:
    with transaction.atomic():
        # Under the row's lock, so that no page comes in between.
        for row in Catalogue.objects.select_for_update().filter(pk=instance_id):
            CatalogueProduct.objects.filter(catalogue_id=row.pk).delete()
            row.delete()


def _give_up_old_readings() -> None:
    abandoned = Catalogue.objects.filter(reading_began_at__lt=ClockTimestamp() - RESUMABLE)
    alive = Q(reading_until__gt=ClockTimestamp())
    abandoned.exclude(alive).update(reading_began_at=None, reading_until=None, has_outdated=True)

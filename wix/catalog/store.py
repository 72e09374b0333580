"""The catalogs in our database: which reading is shown, which one is under way, and how far it has come.

A reading writes rows of its own number, a page and its position in one transaction, so that the next reader goes on where one
stopped. Only the last page changes what is shown: at once, and completely. Between two pages no transaction is open, and no
connection held.

`reading_until` is a claim: while it lasts, others do not ask Wix for the same pages. It only saves calls. The rows are right
without it, since a page is accepted only if it was read from the position that the row names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet, Subquery
from django.db.models.functions import Greatest

from wix.catalog import words
from wix.catalog.api import VERSIONS, Page
from wix.models import Catalogue, CatalogueProduct
from workers.database.clock import ClockTimestamp, seconds_from_now
from workers.database.connections import briefly

# After this time without a page a reader is dead, or waits for the site's limit: another one may try.
READER_SECONDS = 20.0
# For how long a reading can be resumed. Wix may refuse an older cursor, and pages of different hours are no catalog.
RESUMABLE = timedelta(minutes=15)
# How old a reading may be that is used while another one is under way, or fails.
_USABLE = timedelta(days=1)
# A change counts only after this time: else each blog of a shop that edits products all day would read all of them.
_CHANGED_AFTER = timedelta(minutes=5)
# How long a site counts as having no Stores; they may be installed at any time.
_NOTHING_FOR = timedelta(minutes=10)
# More would not make better articles; and if Wix's pages never end, reading must.
_PRODUCTS_MAX = 50_000

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading as its reader knows it. Its next page is accepted only while the row has the same number and position."""

    instance_id: str
    number: int
    version: str
    position: str = ""
    found: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """Another reader is at work, and probably needs this long still."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Shown:
    version: str


def state(instance_id: str) -> Shown | Wait | Reading:
    """Say what a blog is to do: use what is shown, wait, or read. A Reading is claimed for the caller."""
    return _seen(instance_id) or _taken(instance_id)


@briefly
def _seen(instance_id: str) -> Shown | Wait | None:
    """Look without a lock, which is enough most of the time; None if the row must be locked."""
    row = _with_the_time(Catalogue.objects.filter(pk=instance_id)).first()
    if row is None:
        return None
    if row.now - row.used_at > timedelta(days=1):
        Catalogue.objects.filter(pk=instance_id).update(used_at=ClockTimestamp())
    return _without_reading(row)


@briefly
def _taken(instance_id: str) -> Shown | Wait | Reading:
    Catalogue.objects.bulk_create([Catalogue(instance_id=instance_id)], ignore_conflicts=True)
    with transaction.atomic():
        row = _with_the_time(Catalogue.objects.select_for_update()).get(pk=instance_id)
        if settled := _without_reading(row):
            return settled
        resumed = row.reading_began_at is not None and row.now - row.reading_began_at < RESUMABLE
        if not resumed:
            _begin(instance_id, has_outdated=row.has_outdated or row.reading_began_at is not None)
        Catalogue.objects.filter(pk=instance_id).update(reading_until=seconds_from_now(READER_SECONDS))
    if resumed:
        return Reading(instance_id, row.reading, row.version, row.position, row.found)
    return Reading(instance_id, row.reading + 1, row.version)


def _with_the_time(catalogs: QuerySet[Catalogue]) -> QuerySet[Any]:
    """Add PostgreSQL's time, as `now`."""
    return catalogs.annotate(now=ClockTimestamp())


def _without_reading(row: Any) -> Shown | Wait | None:
    """Return None where the catalog has to be read, and no reader is at work."""
    if _is_fresh(row):
        return Shown(row.version)
    if row.reading_until is None or row.reading_until <= row.now:
        return None
    return Shown(row.version) if _is_usable(row) else Wait(_remaining_seconds(row))


def _is_usable(row: Any) -> bool:
    return row.read_at is not None and row.now - row.read_at < _USABLE


def _is_fresh(row: Any) -> bool:
    if row.read_at is None:
        return False
    age = row.now - row.read_at
    if row.wanted_at is not None and row.wanted_at > row.read_at and age > _CHANGED_AFTER:
        return False
    longest = timedelta(seconds=settings.WIX_CATALOGUE_MAX_AGE_SECONDS)
    return bool(age < (longest if row.version in VERSIONS else min(longest, _NOTHING_FOR)))


def _remaining_seconds(row: Any) -> float:
    """Estimate by the pace so far, if it is known how many products there are; else as long as it has taken."""
    so_far = (row.now - row.reading_began_at).total_seconds()
    there, expected = row.found, row.expected or row.products
    left = so_far * (expected - there) / there if 0 < there < expected else so_far
    return float(min(max(left, 1.0), 30.0))


@briefly
def start_over(reading: Reading, version: str) -> Reading | None:
    """Begin again at the first page, perhaps in the other family; None if another reader has gone on since."""
    mine = Catalogue.objects.filter(pk=reading.instance_id, reading=reading.number, position=reading.position)
    with transaction.atomic():
        if not mine.exists() or not _begin(reading.instance_id, number=reading.number, has_outdated=True):
            return None
        Catalogue.objects.filter(pk=reading.instance_id).update(
            version=version, reading_until=seconds_from_now(READER_SECONDS)
        )
    return Reading(reading.instance_id, reading.number + 1, version)


def _begin(instance_id: str, *, has_outdated: bool, number: int | None = None) -> int:
    row = Catalogue.objects.filter(pk=instance_id, **({} if number is None else {"reading": number}))
    return row.update(
        reading=F("reading") + 1,
        reading_began_at=ClockTimestamp(),
        position="",
        found=0,
        expected=0,
        has_outdated=has_outdated,
    )


@briefly
def keep(reading: Reading, page: Page) -> Reading | None:
    """Store a page and return what to read next, or None where another reader was quicker. The last page shows all of them."""
    rows = [
        CatalogueProduct(
            catalogue_id=reading.instance_id,
            reading=reading.number,
            product_id=product.id[:100],
            in_stock=product.in_stock,
            collection_ids=list(product.collection_ids),
            words=words.vector(product),
            data=product.as_dict(),
        )
        for product in page.products
    ]
    found = reading.found + len(rows)
    following = page.following if found < _PRODUCTS_MAX else ""
    with transaction.atomic():
        if not _mine(reading).update(
            position=following,
            found=F("found") + len(rows),
            expected=Greatest(F("expected"), page.total),
            reading_until=seconds_from_now(READER_SECONDS),
        ):
            return None
        # A product that moved in Wix's list while we read may come twice.
        CatalogueProduct.objects.bulk_create(rows, ignore_conflicts=True)
        if not following:
            _show(reading, reading.version)
    return Reading(reading.instance_id, reading.number, reading.version, following, found)


@briefly
def show_nothing(reading: Reading, version: str) -> None:
    """Show an empty catalog: the site has no Stores."""
    with transaction.atomic():
        if _mine(reading).update(found=0):
            _show(reading, version)


def _mine(reading: Reading) -> QuerySet[Catalogue]:
    return Catalogue.objects.filter(
        pk=reading.instance_id,
        reading=reading.number,
        position=reading.position,
        reading_began_at__isnull=False,
    )


def _show(reading: Reading, version: str) -> None:
    Catalogue.objects.filter(pk=reading.instance_id).update(
        version=version,
        shown=reading.number,
        products=F("found"),
        read_at=F("reading_began_at"),
        used_at=ClockTimestamp(),
        reading_began_at=None,
        reading_until=None,
        position="",
        has_outdated=True,
    )


@briefly
def leave_off(reading: Reading) -> None:
    """Give up the claim, so that the next reader need not wait until it runs out."""
    Catalogue.objects.filter(pk=reading.instance_id, reading=reading.number).update(reading_until=None)


@briefly
def usable_products(instance_id: str) -> int | None:
    """Count the products that are shown; None where nothing is shown, or only a reading that is too old to use."""
    row = _with_the_time(Catalogue.objects.filter(pk=instance_id)).first()
    return row.products if row and _is_usable(row) else None


@briefly
def named(instance_id: str, product_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return those of these products that are shown, each by its id."""
    shown = Catalogue.objects.filter(pk=instance_id).values("shown")
    rows = CatalogueProduct.objects.filter(
        catalogue_id=instance_id, reading=Subquery(shown), product_id__in=product_ids
    )
    return dict(rows.values_list("product_id", "data"))


def unknown(instance_id: str, product_ids: Sequence[str]) -> list[str]:
    """Return those that a fresh reading lacks. While there is none, no product counts as unknown."""
    row = _with_the_time(Catalogue.objects.filter(pk=instance_id)).first()
    changed = row and row.wanted_at is not None and row.read_at is not None and row.wanted_at > row.read_at
    if row is None or changed or not _is_fresh(row) or row.version not in VERSIONS or row.products >= _PRODUCTS_MAX:
        return []
    known = named(instance_id, product_ids)
    return [each for each in product_ids if each not in known]


@briefly
def known_version(instance_id: str) -> str:
    """Return the version that the site had when we last asked; "" where it is not known."""
    return Catalogue.objects.filter(pk=instance_id).values_list("version", flat=True).first() or ""


@briefly
def remember_version(instance_id: str, version: str) -> None:
    """Store the version. If it changes, a reading under way ends: its pages are of the other family."""
    row, made = Catalogue.objects.get_or_create(pk=instance_id, defaults={"version": version})
    if made or row.version == version:
        return
    over = {"reading_began_at": None, "reading_until": None, "has_outdated": True} if row.version in VERSIONS else {}
    Catalogue.objects.filter(pk=instance_id, version=row.version).update(version=version, **over)


def refresh(instance_id: UUID | str) -> bool:
    """Have a catalog read again when its next blog needs it: its products have changed. Cheap enough for thousands of events."""
    seen = Greatest("read_at", "reading_began_at")
    known = Catalogue.objects.filter(pk=instance_id).alias(seen=seen)
    return bool(
        known.filter(Q(wanted_at__isnull=True) | Q(wanted_at__lte=F("seen"))).update(wanted_at=ClockTimestamp())
    )

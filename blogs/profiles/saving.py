"""How a profile gets its next version: from the shop, from staff, or from Wix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction

from blogs.models import SiteProfile
from blogs.profiles.settings import newest
from wix.models import Site
from workers.database.clock import seconds_from_now

# What people save in a day. Versions are kept, so a program that saves in a loop would fill the table.
SAVES_A_DAY = 100
WIX = "Wix"


class ChangedMeanwhile(Exception):
    """The profile was saved again since it was read."""


class TooManySaves(Exception):
    """The profile was saved `SAVES_A_DAY` times within a day."""

    retry_after = int(timedelta(hours=1).total_seconds())


Change = Callable[[SiteProfile | None], Mapping[str, Any]]


def tell(site: Site, change: Change, *, by: str, reason: str = "") -> SiteProfile | None:
    """Save what people set. `change` gets the newest version, behind a lock, and returns all that is set from now on.

    What changes nothing makes no version. Raises TooManySaves, and whatever `change` raises.
    """
    with transaction.atomic():
        known = _locked(site)
        told = dict(change(known))
        if told == (known.told if known else {}):
            return known
        _require_pause(site)
        return _save(site, known, told=told, found=known.found if known else {}, by=by, reason=reason)


def find(site: Site, found: Mapping[str, Any]) -> SiteProfile | None:
    """Save what Wix says. What people have set stays as it is, and counts."""
    with transaction.atomic():
        known = _locked(site)
        if dict(found) == (known.found if known else {}):
            return known
        return _save(site, known, told=known.told if known else {}, found=dict(found), by=WIX)


def _locked(site: Site) -> SiteProfile | None:
    """Return the newest version. Who saves waits for the other who does; requests for blogs wait for neither."""
    Site.objects.select_for_update(no_key=True).filter(pk=site.pk).values_list("pk").get()
    return newest(site.pk)


def _require_pause(site: Site) -> None:
    saved = SiteProfile.objects.filter(site=site).exclude(by=WIX).order_by("-version")
    nth = saved.values_list("pk", flat=True)[SAVES_A_DAY - 1 : SAVES_A_DAY]
    if SiteProfile.objects.filter(pk__in=list(nth), created_at__gt=seconds_from_now(-86_400)).exists():
        raise TooManySaves


def _save(site: Site, known: SiteProfile | None, **columns: Any) -> SiteProfile:
    made = SiteProfile.objects.create(site=site, version=known.version + 1 if known else 1, **columns)
    made.refresh_from_db(fields=["created_at"])
    return made

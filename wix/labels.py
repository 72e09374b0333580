"""Tags and categories of a site's blog: what is there is used, whatever its capitals; the rest is made.

Wix's list is read when a label is missing, an hour apart at most, and remembered in the database with what we made since: a post
that uses known labels asks Wix for nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Max

from wix import http
from wix.models import BlogLabel, Site
from workers.database_clock import ClockTimestamp
from workers.outage import outlasts_an_outage

_PAGE = 100
# A blog of more than a thousand tags doesn't miss one of ours that is far behind in its list.
_PAGES = 10
_READ_AGAIN_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Family:
    kind: BlogLabel.Kind
    path: str
    listed_as: str
    label_max: int
    made_at_most: int
    """For one post: each is a call of the site's 200 a minute, and one more page of its blog with a single post on it."""


TAGS = Family(BlogLabel.Kind.TAG, "/blog/v3/tags", "tags", 100, 2)
CATEGORIES = Family(BlogLabel.Kind.CATEGORY, "/blog/v3/categories", "categories", 35, 10)


def ids(instance_id: str, family: Family, labels: Iterable[str], *, seconds: float) -> list[str]:
    """Wix's ids for these labels, without those that would be one too many to make. Raises WorkError."""
    site_id = _site(instance_id)
    wanted = _wanted(family, labels)
    known = _remembered(site_id, family, wanted)
    if len(known) < len(wanted) and not _was_read_lately(site_id, family):
        _read(instance_id, site_id, family, seconds)
        known = _remembered(site_id, family, wanted)
    for folded in [folded for folded in wanted if folded not in known][: family.made_at_most]:
        known[folded] = _make(instance_id, site_id, family, wanted[folded], seconds)
    return [known[folded] for folded in wanted if folded in known]


def known(instance_id: str, family: Family, labels: Iterable[str]) -> list[str]:
    """The ids of those that Wix need not be asked for."""
    wanted = _wanted(family, labels)
    return list(_remembered(_site(instance_id), family, wanted).values()) if wanted else []


def _wanted(family: Family, labels: Iterable[str]) -> dict[str, str]:
    return {_folded(label): label for label in labels if label.strip() and len(label) <= family.label_max}


@outlasts_an_outage
def _site(instance_id: str) -> int:
    return Site.objects.values_list("pk", flat=True).get(instance_id=instance_id)


@outlasts_an_outage
def forget(instance_id: str, family: Family, wix_ids: Collection[str]) -> None:
    """Wix doesn't know them any more."""
    BlogLabel.objects.filter(site__instance_id=instance_id, kind=family.kind, wix_id__in=wix_ids).delete()


def _folded(label: str) -> str:
    return " ".join(label.split()).casefold()[:100]


@outlasts_an_outage
def _remembered(site_id: int, family: Family, folded: Collection[str]) -> dict[str, str]:
    labels = BlogLabel.objects.filter(site_id=site_id, kind=family.kind, folded__in=folded)
    return dict(labels.values_list("folded", "wix_id"))


@outlasts_an_outage
def _was_read_lately(site_id: int, family: Family) -> bool:
    labels = BlogLabel.objects.filter(site_id=site_id, kind=family.kind)
    age = labels.aggregate(age=ClockTimestamp() - Max("read_at"))["age"]
    return age is not None and age.total_seconds() < _READ_AGAIN_SECONDS


def _read(instance_id: str, site_id: int, family: Family, seconds: float) -> None:
    found = {_folded(str(item["label"])): str(item["id"]) for item in _listed(instance_id, family, seconds)}
    _remember(site_id, family, found, listed=True)


def _listed(instance_id: str, family: Family, seconds: float) -> Iterator[dict[str, Any]]:
    for page in range(_PAGES):
        items = http.pick(_page(instance_id, family, page * _PAGE, seconds), family.listed_as)
        yield from (item for item in items if item.get("label") and item.get("id"))
        if len(items) < _PAGE:
            return


def _page(instance_id: str, family: Family, offset: int, seconds: float) -> dict[str, Any]:
    """Tags are queried, categories listed: Wix's two ways for the same."""
    if family is TAGS:
        body = {"query": {"paging": {"limit": _PAGE, "offset": offset}}}
        path = f"{family.path}/query"
        return http.request(instance_id, "POST", path, operation="tags_query", seconds=seconds, body=body)
    params = {"paging.limit": _PAGE, "paging.offset": offset}
    return http.request(instance_id, "GET", family.path, operation="categories_list", seconds=seconds, params=params)


def _make(instance_id: str, site_id: int, family: Family, label: str, seconds: float) -> str:
    body = {"label": label} if family is TAGS else {"category": {"label": label}}
    operation = f"{family.kind}_create"
    try:
        answer = http.request(instance_id, "POST", family.path, operation=operation, seconds=seconds, body=body)
    except http.WixRefused:
        # Another blog of this site, or its owner, made it a moment ago: labels are unique.
        _read(instance_id, site_id, family, seconds)
        if known := _remembered(site_id, family, [_folded(label)]):
            return known[_folded(label)]
        raise
    wix_id = str(http.pick(answer, family.kind.value, "id"))
    _remember(site_id, family, {_folded(label): wix_id})
    return wix_id


# In order: many blogs of a site may do it at the same time, and each locks the rows of the others.
_REMEMBER = """
INSERT INTO wix_bloglabel (site_id, kind, folded, wix_id, read_at)
SELECT %(site)s, %(kind)s, folded, wix_id, CASE WHEN %(listed)s THEN clock_timestamp() END
  FROM unnest(%(folded)s::text[], %(ids)s::text[]) AS found (folded, wix_id) ORDER BY folded
    ON CONFLICT (site_id, kind, folded) DO UPDATE SET wix_id = excluded.wix_id, read_at = excluded.read_at
"""


@outlasts_an_outage
def _remember(site_id: int, family: Family, found: dict[str, str], *, listed: bool = False) -> None:
    about = {"site": site_id, "kind": family.kind, "listed": listed}
    with connection.cursor() as cursor:
        cursor.execute(_REMEMBER, {**about, "folded": list(found), "ids": list(found.values())})

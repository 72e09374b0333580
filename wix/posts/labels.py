"""Tags and categories of a site's blog: those that exist are used, in whatever capitals; the others are made.

We read Wix's list when a label is missing, at most once an hour, and keep it in the database with what we made since. So a post
with known labels makes no call to Wix.

Whether Wix makes two categories of one name is not documented. So a blog claims a label before it makes it, by a row without
Wix's id. If it gave the claim up, or died, the label may have been made: the blog that takes the claim over reads the list first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Q, QuerySet

from wix.client import http
from wix.client.fields import picked_id, picked_objects, text_in
from wix.models import BlogLabel, Site
from wix.writing_systems import normalized
from workers.context.deadline import DeadlineExceeded
from workers.database.clock import ClockTimestamp
from workers.database.outage import outlasts_an_outage
from workers.errors import PermanentError, RateLimited, TransientError, WorkError

_PAGE = 100
# As long as its column.
_ID_MAX = 40
# How much of Wix's list is read: of more than a thousand tags, one of ours far behind in the list is not missed.
_PAGES = 10
_READ_AGAIN_SECONDS = 3_600
# Longer than a draft's stage spends on labels.
_CLAIM_DIES_AFTER = timedelta(minutes=1)
# How soon a blog that waits for another's claim looks again.
_LOOK_AGAIN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Family:
    kind: BlogLabel.Kind
    path: str
    listed_as: str
    label_max: int
    made_at_most: int
    """How many one post may make: each is a call of the site's 200 a minute, and a page of its blog with a single post on it."""


TAGS = Family(BlogLabel.Kind.TAG, "/blog/v3/tags", "tags", 100, 2)
CATEGORIES = Family(BlogLabel.Kind.CATEGORY, "/blog/v3/categories", "categories", 35, 10)


@dataclass(frozen=True, slots=True)
class Found:
    ids: list[str]
    lacking: WorkError | None = None
    """The error that kept us from finding or making all of them, if there was one."""


def find_or_make(instance_id: str, family: Family, labels: Iterable[str], *, seconds: float) -> Found:
    """Return Wix's ids for these labels, without those that failed and those beyond `made_at_most`.

    Raises RateLimited, also while another blog of the site makes one of these categories.
    """
    wanted = _wanted(family, labels)
    site = _Labels(instance_id, _site(instance_id), family, seconds)
    known = site.remembered(wanted)
    lacking: WorkError | None = None
    try:
        if len(known) < len(wanted) and not site.was_read_lately():
            site.read()
            known = site.remembered(wanted)
        for folded in [folded for folded in wanted if folded not in known][: family.made_at_most]:
            try:
                known |= site.make(folded, wanted[folded])
            except http.WixRefused as refused:
                lacking = lacking or refused
    except (PermanentError, TransientError) as error:
        lacking = error
    except DeadlineExceeded:
        lacking = TransientError("timeout", "Wix took too long.")
    return Found([known[folded] for folded in wanted if folded in known], lacking)


def known(instance_id: str, family: Family, labels: Iterable[str]) -> list[str]:
    """Return the ids of those labels that our database knows. Makes no call to Wix."""
    wanted = _wanted(family, labels)
    return list(_Labels(instance_id, _site(instance_id), family).remembered(wanted).values())


def _wanted(family: Family, labels: Iterable[str]) -> dict[str, str]:
    return {_folded(label): label for label in labels if label.strip() and len(label) <= family.label_max}


@outlasts_an_outage
def _site(instance_id: str) -> int:
    return Site.objects.values_list("pk", flat=True).get(instance_id=instance_id)


@outlasts_an_outage
def forget(instance_id: str, family: Family, wix_ids: Collection[str]) -> None:
    """Remove labels that Wix doesn't know any more."""
    BlogLabel.objects.filter(site__instance_id=instance_id, kind=family.kind, wix_id__in=wix_ids).delete()


def _folded(label: str) -> str:
    """Return the form by which labels are compared: in whatever capitals, in Unicode's composed form."""
    return normalized("NFC", " ".join(label.split()).casefold())[:100]


@dataclass(slots=True)
class _Labels:
    """A site's labels of one family, during one call."""

    instance_id: str
    site_id: int
    family: Family
    seconds: float = 0.0
    was_read: bool = False

    def make(self, folded: str, label: str) -> dict[str, str]:
        """Make a label and return its id by its folded form; empty for a tag that another blog makes just now."""
        claim = self._claim(folded)
        if claim is None:
            known = self.remembered([folded])
            if self.family is CATEGORIES and not known:
                raise RateLimited("label_being_made", "A category is being made.", guess=_LOOK_AGAIN_SECONDS)
            return known
        try:
            if claim.may_have_been_made:
                self._read_once()
            return self.remembered([folded]) or self._made(folded, label)
        except http.WixRefused:
            # Perhaps the site's owner made it a moment ago: tags are unique.
            self._read_once()
            if known := self.remembered([folded]):
                return known
            self._claims(folded).delete()
            raise
        except (WorkError, DeadlineExceeded):
            self._give_up(folded)
            raise

    def _made(self, folded: str, label: str) -> dict[str, str]:
        body = {"label": label} if self.family is TAGS else {"category": {"label": label}}
        kind = self.family.kind.value
        answer = http.request(
            self.instance_id, "POST", self.family.path, operation=f"{kind}_create", seconds=self.seconds, body=body
        )
        made = {folded: picked_id(answer, kind, "id", most=_ID_MAX)}
        self._remember(made)
        return made

    # --- Wix's list ---------------------------------------------------------------------------------------------------

    def read(self) -> None:
        self.was_read = True
        self._remember({_folded(item["label"]): item["id"] for item in self._listed()}, listed=True)

    def _read_once(self) -> None:
        if not self.was_read:
            self.read()

    def _listed(self) -> Iterator[dict[str, Any]]:
        for page in range(_PAGES):
            items = picked_objects(self._page(page * _PAGE), self.family.listed_as)
            yield from (item for item in items if text_in(item, "label") and 0 < len(text_in(item, "id")) <= _ID_MAX)
            if len(items) < _PAGE:
                return

    def _page(self, offset: int) -> dict[str, Any]:
        """Ask for one page. Wix has two ways for the same: tags are queried, categories listed."""
        path = self.family.path
        about: dict[str, Any] = {"seconds": self.seconds}
        if self.family is TAGS:
            body = {"query": {"paging": {"limit": _PAGE, "offset": offset}}}
            return http.request(self.instance_id, "POST", f"{path}/query", operation="tags_query", body=body, **about)
        params = {"paging.limit": _PAGE, "paging.offset": offset}
        return http.request(self.instance_id, "GET", path, operation="categories_list", params=params, **about)

    # --- Our rows -----------------------------------------------------------------------------------------------------

    def _rows(self) -> QuerySet[BlogLabel]:
        return BlogLabel.objects.filter(site_id=self.site_id, kind=self.family.kind)

    @outlasts_an_outage
    def remembered(self, folded: Collection[str]) -> dict[str, str]:
        labels = self._rows().filter(folded__in=folded).exclude(wix_id="")
        return dict(labels.values_list("folded", "wix_id"))

    @outlasts_an_outage
    def was_read_lately(self) -> bool:
        age = self._rows().aggregate(age=ClockTimestamp() - Max("read_at"))["age"]
        return age is not None and age.total_seconds() < _READ_AGAIN_SECONDS

    @outlasts_an_outage
    def _remember(self, found: dict[str, str], *, listed: bool = False) -> None:
        about: dict[str, Any] = {"site": self.site_id, "kind": self.family.kind, "listed": listed}
        with connection.cursor() as cursor:
            cursor.execute(_REMEMBER, {**about, "folded": list(found), "ids": list(found.values())})

    def _claims(self, folded: str) -> QuerySet[BlogLabel]:
        return self._rows().filter(folded=folded, wix_id="")

    @outlasts_an_outage
    def _claim(self, folded: str) -> _Claim | None:
        """Claim a label; None where another blog has claimed it, or it is made by now."""
        with transaction.atomic():
            _, is_new = BlogLabel.objects.get_or_create(
                site_id=self.site_id,
                kind=self.family.kind,
                folded=folded,
                defaults={"claimed_at": ClockTimestamp()},
            )
        if is_new:
            return _Claim(may_have_been_made=False)
        dead = Q(claimed_at__isnull=True) | Q(claimed_at__lt=ClockTimestamp() - _CLAIM_DIES_AFTER)
        taken_over = self._claims(folded).filter(dead).update(claimed_at=ClockTimestamp())
        return _Claim(may_have_been_made=True) if taken_over else None

    @outlasts_an_outage
    def _give_up(self, folded: str) -> None:
        self._claims(folded).update(claimed_at=None)


@dataclass(frozen=True, slots=True)
class _Claim:
    may_have_been_made: bool


# In order, against deadlocks: many blogs of a site may do this at the same time, and each locks the same rows.
_REMEMBER = """
INSERT INTO wix_bloglabel (site_id, kind, folded, wix_id, read_at)
SELECT %(site)s, %(kind)s, folded, wix_id, CASE WHEN %(listed)s THEN clock_timestamp() END
  FROM unnest(%(folded)s::text[], %(ids)s::text[]) AS found (folded, wix_id) ORDER BY folded
    ON CONFLICT (site_id, kind, folded) DO UPDATE SET wix_id = excluded.wix_id, read_at = excluded.read_at
"""

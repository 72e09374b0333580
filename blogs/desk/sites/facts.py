"""What matters of a shop at a glance: its blogs by state, how many fail, how it is connected to Wix, and what it may have.

One statement reads all that stands in no row of the shop's own, each part by an index and bounded: a shop may have 100,000 blogs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from blogs.desk.base import COUNTED, span
from blogs.desk.blogs import causes, sentence
from blogs.desk.find.blogs import called
from blogs.models import BlogGeneration, SiteLine, Status
from blogs.queue import admission
from wix.models import Catalogue, Site

BLOGS_SHOWN = 10
# A failure by one of these says that the shop must act before any blog of it can be made.
_DISCONNECTED = ("blog_not_installed", "no_author", "wix_auth_lost", "wix_not_connected")
# More webhooks of one shop are not looked through for the last.
_WEBHOOKS_READ = 10_000
_WEEK = timedelta(days=7)

# Each in the order of an index. Without an order, PostgreSQL may read the table from its beginning until it has enough rows.
_BOUNDED = (
    "(SELECT count(*) FROM (SELECT 1 FROM blog_generations WHERE site_id = %(site)s AND {} ORDER BY {} DESC"
    " LIMIT %(most)s) AS blogs)"
)
_FACTS = f"""
WITH pause AS (
    SELECT by, created_at, reason FROM blogs_auditentry
     WHERE site_id = %(site)s AND action = 'pause_line' ORDER BY id DESC LIMIT 1
)
SELECT {", ".join(_BOUNDED.format(f"status = '{status}'", "id") for status in Status.values)},
       {_BOUNDED.format("status = 'PENDING' AND NOT ready", "id")},
       {_BOUNDED.format("status = 'FAILED' AND finished_at > statement_timestamp() - interval '7 days'", "finished_at")},
       (SELECT count(*) FROM (
            SELECT finished_at FROM blog_generations WHERE site_id = %(site)s AND status = 'DONE' ORDER BY id DESC LIMIT %(most)s
        ) AS newest WHERE finished_at > statement_timestamp() - interval '7 days'),
       (SELECT expires_at FROM wix_accesstoken WHERE instance_id = %(instance)s),
       (SELECT max(received_at) FROM (
            SELECT received_at FROM wix_webhookdelivery WHERE instance_id = %(instance)s LIMIT %(webhooks)s) AS its),
       (SELECT by FROM pause), (SELECT created_at FROM pause), (SELECT reason FROM pause)
"""


@dataclass(frozen=True, slots=True)
class Count:
    """A number that is counted no further than staff turn pages."""

    number: int

    def __str__(self) -> str:
        return f"{self.number:,}" if self.number <= COUNTED else f"{COUNTED:,}+"


@dataclass(frozen=True, slots=True)
class Pause:
    """Who paused the line last, when and why."""

    by: str
    created_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Blogs by status, those that wait outside the line, how the last seven days ended, the last signs of Wix, the last pause."""

    states: list[tuple[str, Count]]
    outside: Count
    failed: Count
    done: Count
    token_until: datetime | None
    last_webhook: datetime | None
    pause: Pause | None

    @property
    def failure_rate(self) -> float | None:
        """The share of failures among what ended within seven days; None where nothing did."""
        ended = self.failed.number + self.done.number
        return 100 * self.failed.number / ended if ended else None


def context(site: Site, line: SiteLine | None, catalogue: Catalogue | None) -> dict[str, Any]:
    """Read all of it for the site's page, in three queries."""
    facts = read(site)
    newest = (
        BlogGeneration.objects.filter(site_id=site.pk).select_related("words").defer("words__words").order_by("-id")
    )
    blogs = list(newest[:BLOGS_SHOWN])
    for blog in blogs:
        blog.site = site
    said = sentence.answers(blogs)
    return {
        "facts": facts,
        "paused_by": facts.pause if line and line.paused else None,
        "recent": [(blog, called(blog), said[blog.pk]) for blog in blogs],
        "connection": _connection(site, facts, blogs),
        "catalogue_due": _catalogue_due(catalogue),
        "caps": _caps(line),
        "ago": {"webhook": _ago(facts.last_webhook), "catalogue": _ago(catalogue.read_at if catalogue else None)},
    }


def read(site: Site) -> Facts:
    asked: dict[str, Any] = {
        "site": site.pk,
        "instance": str(site.instance_id),
        "most": COUNTED + 1,
        "webhooks": _WEBHOOKS_READ,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, asked)
        *counts, token_until, last_webhook, by, paused_at, why = cursor.fetchone()
    pause = Pause(by, paused_at, why) if paused_at else None
    *states, outside, failed, done = map(Count, counts)
    return Facts(list(zip(Status.values, states, strict=True)), outside, failed, done, token_until, last_webhook, pause)


def _connection(site: Site, facts: Facts, newest: list[BlogGeneration]) -> tuple[bool, str]:
    """Say whether blogs of this shop can reach Wix, and why not: by what it removed, and by how its last blog ended."""
    if site.removed_at:
        return (
            False,
            f"The app was removed {_ago(site.removed_at)}: its requests are refused, and its blogs were cancelled.",
        )
    ended = next((blog for blog in newest if blog.status in (Status.DONE, Status.FAILED)), None)
    if ended and ended.status == Status.FAILED and ended.error_code in _DISCONNECTED:
        cause = causes.of(ended.error_code)
        return False, f"Its last blog failed: {cause.what}. {cause.helps}"
    if facts.token_until is None:
        return True, "The app is installed; we have asked Wix for no access yet."
    ahead = (facts.token_until - timezone.now()).total_seconds()
    if ahead > 0:
        return True, f"The app is installed; our access is good for {span(ahead)}."
    return True, f"The app is installed; our last access ended {span(-ahead)} ago, and the next blog gets another."


def _catalogue_due(catalogue: Catalogue | None) -> str:
    """Say when the catalog is read next. A blog that needs it reads it; nothing else does."""
    if not catalogue or not catalogue.read_at:
        return "with the first blog that needs it"
    if catalogue.reading_began_at:
        return "now: it is being read"
    if catalogue.wanted_at and catalogue.wanted_at > catalogue.read_at:
        return "with the next blog: it has changed since"
    ahead = settings.WIX_CATALOGUE_MAX_AGE_SECONDS - (timezone.now() - catalogue.read_at).total_seconds()
    return f"with the first blog in {span(ahead)} or later" if ahead > 0 else "with the next blog: it is old"


def _caps(line: SiteLine | None) -> list[tuple[str, str]]:
    """List what this shop may have at most, each with its number."""
    places = admission.places_of_a_site()
    unfinished = line.waiting_max if line and line.waiting_max is not None else None
    failed = settings.BLOG_FAILED_LIMIT_PER_SITE
    return [
        (
            "unfinished blogs",
            f"{unfinished:,}, by its plan" if unfinished is not None else f"{places:,}, half the queue",
        ),
        ("scheduled blogs", f"{settings.BLOG_SCHEDULED_LIMIT_PER_SITE:,}"),
        ("failures a day by what it asks for", f"{failed:,}" if failed > 0 else "any number"),
        ("requests a minute", f"{settings.SITE_REQUESTS_PER_MINUTE:,}"),
    ]


def _ago(moment: datetime | None) -> str:
    return f"{span((timezone.now() - moment).total_seconds())} ago" if moment else "never"

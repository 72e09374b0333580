"""Checks what must be true of all rows at any time, and moves their clocks."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db import connection, transaction
from django.db.models import Count

from blogs import queue
from blogs.models import BlogGeneration, GenerationEvent, SiteLine
from blogs.operations import proof
from blogs.queue import lines
from credits.models import CreditAccount
from tests.support import factories
from wix.models import Site
from workers import limits
from workers.limits import Limit
from workers.models import WorkerProcess


def assert_books_are_right() -> None:
    assert proof.discrepancies() == []
    ready = BlogGeneration.objects.filter(ready=True).values_list("site").annotate(Count("id"))
    counted = SiteLine.objects.filter(waiting__gt=0).values_list("site", "waiting")
    assert dict(counted) == dict(ready)


def row(generation: BlogGeneration) -> BlogGeneration:
    return BlogGeneration.objects.get(pk=generation.pk)


def history(generation: BlogGeneration) -> list[str]:
    return list(GenerationEvent.objects.filter(generation=generation).order_by("id").values_list("kind", flat=True))


def last_event(generation: BlogGeneration) -> GenerationEvent:
    event = GenerationEvent.objects.filter(generation=generation).order_by("id").last()
    assert event
    return event


def credits_of(site: Site) -> tuple[int, int]:
    """Return the balance, and how much of it is held."""
    account = CreditAccount.objects.get(site=site)
    return account.balance, account.held


def line_of(site: Site) -> SiteLine:
    return SiteLine.objects.get(pk=site.pk)


def in_line(site: Site) -> int:
    return SiteLine.objects.filter(pk=site.pk).values_list("waiting", flat=True).first() or 0


def in_hand(worker: WorkerProcess) -> list[BlogGeneration]:
    """Return the blogs on its seats, as its pool would."""
    return list(BlogGeneration.objects.filter(worker=worker, status="PROCESSING"))


def site_with(blogs: int) -> Site:
    """Make a site with this many blogs in its line."""
    site = factories.site(credits=25 * blogs)
    for _ in range(blogs):
        factories.pending_generation(site)
    return site


def starts(worker: WorkerProcess, count: int) -> list[int]:
    """Claim this many blogs, one claim each. Return their sites."""
    return [queue.claim(worker, 1, in_hand(worker))[0].site_id for _ in range(count)]


def shares(claimed: list[BlogGeneration]) -> Counter[int]:
    """Count the claimed blogs of each site."""
    return Counter(generation.site_id for generation in claimed)


def set_turn(site: Site, turn: float) -> None:
    with_line(site)
    SiteLine.objects.filter(pk=site.pk).update(turn=turn)


def with_line(site: Site) -> SiteLine:
    """Return the site's line, made if there is none yet."""
    with transaction.atomic():
        return lines.lock(site.pk)


def block_wix(site: Site, seconds: float) -> None:
    """Let Wix have told this site alone to wait."""
    limits.block(Limit("wix", key=str(site.instance_id)), seconds)


def make_due(**condition: Any) -> int:
    """Let blogs that wait for a time have waited long enough."""
    return _move("run_after", "-1 second", status="PENDING", ready=False, **condition)


def expire_leases(**condition: Any) -> int:
    """Let leases be over, as if their workers had stopped renewing."""
    return _move("lease_expires_at", "-1 second", status="PROCESSING", **condition)


def sessions_waiting_for_a_lock() -> int:
    with connection.cursor() as cursor:
        # Within a transaction a second look would show what the first one saw.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def _move(column: str, by: str, **condition: Any) -> int:
    ids = list(BlogGeneration.objects.filter(**condition).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE blog_generations SET {column} = clock_timestamp() + %s::interval"
            f" WHERE id = ANY(%s) AND {column} IS NOT NULL",
            [by, ids],
        )
        return int(cursor.rowcount)

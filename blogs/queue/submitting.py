"""How a request becomes a blog: PENDING, with its credits held and its place in its site's line."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from blogs.models import BlogGeneration, GenerationEvent
from blogs.queue import admission, failures, history, lines, statements
from blogs.queue.failures import TooManyFailures
from blogs.queue.request import BlogRequest, asked_before, is_later
from blogs.words import of_blogs
from credits import ledger
from wix.models import Site
from workers.database import wakeup
from workers.database.rows import instance


class SiteRemoved(Exception):
    """The app was removed from this site just now."""


def submit(
    *, site: Site, request: BlogRequest, idempotency_key: str | None = None, wakes: bool = True
) -> BlogGeneration:
    """Accept a request and hold its credits. The same key again returns the same blog, with one hold.

    `wakes`: False where the caller wakes the workers, after its own commit.

    Raises admission.NoRoom, failures.TooManyFailures, ledger.InsufficientCredits, SiteRemoved, SchedulePassed or
    IdempotencyConflict; then no blog is stored, and no credits are held.
    """
    if idempotency_key and (known := asked_before(site, request, idempotency_key)):
        return known
    scheduled = is_later(request.scheduled_at)
    is_later(request.publish_at, field="publishAt")
    admission.require_room_in_queue(site.pk, scheduled=scheduled)
    generation = BlogGeneration(
        site=site,
        idempotency_key=idempotency_key,
        ready=not scheduled,
        run_after=request.scheduled_at if scheduled else None,
        **request.columns(),
    )
    try:
        # A statement alone is a transaction. Inside another it needs a savepoint, to survive a key that is there already.
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            generation = _enter(generation, request)
    except (IntegrityError, admission.NoRoom, TooManyFailures, ledger.InsufficientCredits):
        # The same request at the same moment may have got the key, the last place, or the last credits.
        if idempotency_key and (known := asked_before(site, request, idempotency_key)):
            return known
        raise
    if wakes and not scheduled:
        wakeup.notify_soon()
    return generation


def _enter(new: BlogGeneration, request: BlogRequest, *, counted: bool = False) -> BlogGeneration:
    """Store a blog by ENTER. `counted`: under its account's lock, the site has fewer unfinished blogs than its plan allows."""
    site, price, places = new.site, settings.BLOG_CREDITS, admission.places_of_a_site()
    values = {
        field.attname: field.get_db_prep_save(field.pre_save(new, add=True), connection) for field in statements.NEW
    }
    with connection.cursor() as cursor:
        failed_max = settings.BLOG_FAILED_LIMIT_PER_SITE
        asked = {"amount": price, "places": places, "counted": counted, "failed_max": failed_max}
        asked["queue_room"] = admission.queue_room() if new.ready else None
        statements.ENTER.execute(
            cursor, {**values, **asked, **_details(request), "words": of_blogs.of_request(new, request.metadata)}
        )
        row = cursor.fetchone()
    if row is None:
        ledger.open_account(site.pk)
        lines.open_line(site.pk)
        return _enter(new, request)
    removed, too_many, has_room, waiting, waiting_max, *stored = row
    if stored[0] is None:
        if removed:
            raise SiteRemoved(site.pk)
        if too_many:
            raise failures.too_many(site.pk)
        if not has_room:
            raise admission.queue_full()
        if waiting_max is not None and waiting_max < places and not counted:
            return _enter_counted(new, request, waiting_max)
        admission.require_room_of_site(waiting, scheduled=not new.ready)
        if Site.objects.filter(pk=site.pk, removed_at__isnull=False).exists():
            # While the statement waited for the account.
            raise SiteRemoved(site.pk)
        raise ledger.insufficient(site.pk, price)
    generation = instance(BlogGeneration, stored)
    generation.site, generation.details, generation.is_new = site, request.details(), True
    history.announce(generation, GenerationEvent.Kind.SUBMITTED)
    return generation


def _details(request: BlogRequest) -> dict[str, Any]:
    """Return what ENTER takes of the details; a request without any makes no row of them."""
    details = request.details()
    return {
        "detailed": any(
            (details.time_zone, details.metadata, details.product_ids, details.instructions, details.on_duplicate)
        ),
        "time_zone": details.time_zone,
        "metadata": json.dumps(details.metadata),
        "product_ids": details.product_ids,
        "instructions": details.instructions,
        "on_duplicate": details.on_duplicate,
    }


def _enter_counted(new: BlogGeneration, request: BlogRequest, open_max: int) -> BlogGeneration:
    """Enter one request of the site after the other: its plan says how many blogs may be unfinished."""
    with transaction.atomic():
        ledger.lock(new.site_id)
        admission.require_room_in_plan(new.site_id, open_max)
        return _enter(new, request, counted=True)

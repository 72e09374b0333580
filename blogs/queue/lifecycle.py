"""The state machine: the only file that writes a blog's `status`.

    submit        -          -> PENDING                 hold
    START         PENDING    -> PROCESSING              (in `queue.claim`)              attempts + 1
    checkpoint    PROCESSING -> PROCESSING
    start_over    PROCESSING -> PROCESSING              (stages whose outputs are of no use any more)
    succeed       PROCESSING -> DONE                    capture
    defer         PROCESSING -> PENDING                                                 attempts - 1
    retry_later   PROCESSING -> PENDING, or fail
    fail          PROCESSING -> FAILED                  release
    hand_back     PROCESSING -> PENDING                                                 attempts - 1
    rescue        PROCESSING -> PENDING, or FAILED      (release)                       attempts - 1, rescues + 1
    cancel        PENDING    -> CANCELLED               release      (PROCESSING: asked for, honoured at the next checkpoint)
    requeue       FAILED     -> PENDING                 hold again                      attempts = 0

Each function is one transaction: it updates conditionally (the row count is the answer), moves credits, writes an event, and logs
after the commit. Every write of a worker's thread carries its lease token; a thread whose lease was lost gets LeaseLost and
leaves. Once a draft's id is stored the blog can only become DONE: with nothing left to do in the same transaction, else after
publishing, where every failure is a warning. Locks are taken in the order of `lines.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Case, F, QuerySet, When
from django.db.models.functions import Coalesce

from blogs.models import Article, BlogGeneration, GenerationEvent, SiteLine, Stage, Status
from blogs.queue import admission, backoff, history, lines
from blogs.queue.request import BlogRequest, asked_before, is_later
from credits import ledger
from credits.models import CreditAccount
from wix.models import Site
from workers.database import wakeup
from workers.database.clock import ClockTimestamp, seconds_from_now
from workers.database.outage import outlasts_an_outage
from workers.database.prepared import Prepared
from workers.database.rows import columns, instance
from workers.errors import LeaseLost, PermanentError, ProviderDown, RateLimited, WorkError

Kind = GenerationEvent.Kind

# What `queue.claim` sets; here, because this file alone writes `status`.
START = """
    status = 'PROCESSING', ready = false, attempts = attempts + 1, waits_for = '',
    lease_token = gen_random_uuid(), lease_expires_at = clock_timestamp() + %(lease)s * interval '1 second',
    worker_id = %(worker)s, started_at = coalesce(started_at, clock_timestamp())
"""


class WrongState(Exception):
    """The blog isn't in a state that allows this; str() says why, for a person."""


# --- Entering ---------------------------------------------------------------------------------------------------------


class SiteRemoved(Exception):
    """The app was removed from this site just now."""


def submit(*, site: Site, request: BlogRequest, idempotency_key: str | None = None) -> BlogGeneration:
    """Accept a request and hold its credits. The same key again returns the same blog, with one hold.

    Raises admission.NoRoom, ledger.InsufficientCredits, SiteRemoved, SchedulePassed or IdempotencyConflict; then no blog is stored,
    and no credits are held.
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
            generation = _enter(generation)
    except (IntegrityError, admission.NoRoom, ledger.InsufficientCredits):
        # The same request at the same moment may have got the key, the last place, or the last credits.
        if idempotency_key and (known := asked_before(site, request, idempotency_key)):
            return known
        raise
    if not scheduled:
        wakeup.notify()
    return generation


# In one statement, because a shop waits for each round trip and all its other requests wait behind its account. The line, for which
# all claims wait while it is locked, comes last: it reads what the others return. (A scheduled blog only needs a line to be there,
# for `queue.promote`.)
_NEW = [
    field
    for field in BlogGeneration._meta.concrete_fields
    if not field.primary_key and (field.has_default() or not field.has_db_default())
]
_ENTER = Prepared(
    "submit",
    f"""
WITH place AS (
    SELECT account.id AS account_id, line.waiting, line.waiting_max, site.removed_at IS NOT NULL AS removed,
           site.removed_at IS NULL AND (NOT %(ready)s OR line.waiting < %(places)s)
           AND (%(counted)s OR coalesce(line.waiting_max >= %(places)s, true)) AS free
      FROM credits_creditaccount account JOIN blogs_siteline line USING (site_id) JOIN wix_site site ON site.id = site_id
     WHERE site_id = %(site_id)s
), account AS (
    {ledger.SET_ASIDE.format(account="(SELECT account_id FROM place WHERE free)")}
), blog AS (
    INSERT INTO blog_generations ({", ".join(field.attname for field in _NEW)})
    SELECT {", ".join(f"%({field.attname})s" for field in _NEW)} FROM account
    RETURNING *
), hold AS (
    {ledger.HOLD.format(blog="blog.id", holding="account, blog")}
), event AS (
    {history.SUBMITTED}
), line AS (
    {lines.ENTER}
)
SELECT place.removed, place.waiting, place.waiting_max, {columns(BlogGeneration, "blog")} FROM place LEFT JOIN blog ON true
""",
)


def _enter(new: BlogGeneration, *, counted: bool = False) -> BlogGeneration:
    """`counted`: under its account's lock, the site has fewer open blogs than its plan allows."""
    site, price, places = new.site, settings.BLOG_CREDITS, admission.places_of_a_site()
    values = {field.attname: field.get_db_prep_save(field.pre_save(new, add=True), connection) for field in _NEW}
    with connection.cursor() as cursor:
        _ENTER.execute(cursor, {**values, "amount": price, "places": places, "counted": counted})
        row = cursor.fetchone()
    if row is None:
        ledger.open_account(site.pk)
        lines.open_line(site.pk)
        return _enter(new)
    removed, waiting, waiting_max, *stored = row
    if stored[0] is None:
        if removed:
            raise SiteRemoved(site.pk)
        if waiting_max is not None and waiting_max < places and not counted:
            return _enter_counted(new, waiting_max)
        admission.require_room_of_site(waiting, scheduled=not new.ready)
        raise ledger.insufficient(site.pk, price)
    generation = instance(BlogGeneration, stored)
    generation.site = site
    history.announce(generation, Kind.SUBMITTED)
    return generation


def _enter_counted(new: BlogGeneration, open_max: int) -> BlogGeneration:
    """Where a plan says how many, its site's requests come in one after the other."""
    with transaction.atomic():
        ledger.lock(new.site_id)
        admission.require_room_in_plan(new.site_id, open_max)
        return _enter(new, counted=True)


def requeue(generation_id: int, *, by: str) -> BlogGeneration:
    """A FAILED blog starts again at the stage that failed. Raises WrongState or ledger.InsufficientCredits."""
    with transaction.atomic():
        account, line, generation = locked(generation_id)
        if generation.status != Status.FAILED:
            raise WrongState(f"it is {generation.status}; only FAILED blogs can be retried")
        ledger.hold(account, generation.pk, settings.BLOG_CREDITS)
        forgotten = {"cancel_requested_at": None, "error_code": "", "error_message": ""}
        _join(line, generation, attempts=0, rescues=0, finished_at=None, **forgotten)
        history.record(generation, Kind.REQUEUED, by=by)
    wakeup.notify()
    return generation


# --- A worker's thread, holding the lease -----------------------------------------------------------------------------


@outlasts_an_outage
def checkpoint(
    generation: BlogGeneration,
    stage: Stage,
    output: dict[str, Any],
    *,
    next_stage: Stage,
    article: Article | None = None,
    warnings: Sequence[WorkError] = (),
    **post: str,
) -> bool:
    """Save a stage's output, once, and move on to the next stage. False: it was cancelled here, as somebody had asked.

    `post`: those of POST_COLUMNS that the stage has found out.
    """
    saving = history.Saving(generation, stage, output, warnings)
    # Without an article it is one statement, and so one round trip.
    with transaction.atomic() if article else nullcontext():
        wants_to_cancel = _save_mine(_CHECKPOINT, saving, post, next_stage=next_stage)
        if article:
            Article.objects.bulk_create([article], ignore_conflicts=True)
    generation.stage = next_stage
    return not (wants_to_cancel and honour_cancel(generation))


@outlasts_an_outage
def start_over(generation: BlogGeneration, stage: Stage, *, forgetting: Sequence[Stage], because: WorkError) -> None:
    """What some stages have produced is of no use any more, so they run again, in this same attempt."""
    with transaction.atomic():
        _update_mine(generation, stage=stage)
        generation.outputs.filter(stage__in=forgetting).delete()
        history.record(generation, Kind.RETRYING, because, stage=stage)
    generation.stage = stage


@outlasts_an_outage
def note_draft_create(generation: BlogGeneration) -> None:
    """A create is about to leave. After this, whoever finds no draft id must look before creating again.

    One that was to be swept may have a draft that its sweeper condemned and did not live to delete.
    """
    again = generation.draft_create_started_at is not None or generation.draft_sweep_at is not None
    sweep_at = seconds_from_now(settings.BLOG_DRAFT_SWEEP_SECONDS) if again else None
    _update_mine(generation, draft_create_started_at=ClockTimestamp(), draft_sweep_at=sweep_at)


@outlasts_an_outage
def succeed(
    generation: BlogGeneration,
    stage: Stage,
    output: dict[str, Any],
    *,
    warnings: Sequence[WorkError] = (),
    **post: str,
) -> None:
    """The last stage is through: DONE, its output saved and the credits captured, all at once. `post` as for `checkpoint`."""
    with transaction.atomic():
        account = ledger.lock(generation.site_id)
        _save_mine(_SUCCEED, history.Saving(generation, stage, output, warnings, outcome=Kind.DONE), post)
        ledger.capture(account, generation.pk)


@outlasts_an_outage
def defer(generation: BlogGeneration, limited: RateLimited, *, at_most: float = math.inf) -> None:
    """Put off without spending an attempt; after 24 hours of nothing else, give up."""
    with transaction.atomic():
        elapsed = _deferred_for(generation)
        if elapsed > settings.BLOG_MAX_DEFERRAL_SECONDS:
            fail(generation, _DOWN_FOR_TOO_LONG if isinstance(limited, ProviderDown) else limited)
            return
        if isinstance(limited, ProviderDown):
            waits_for, wait = backoff.until_it_is_back(limited, generation.stage)
        else:
            waits_for, wait = "", backoff.deferral_seconds(limited.retry_in, elapsed)
        since = Coalesce("deferred_since", ClockTimestamp())
        columns = {"attempts": F("attempts") - 1, "deferred_since": since, "waits_for": waits_for}
        if _wait(generation, min(wait, at_most), **columns):
            history.record(generation, Kind.DEFERRED, limited)


_DOWN_FOR_TOO_LONG = PermanentError("provider_down", "A service that we need was down for too long; please ask again.")


@outlasts_an_outage
def retry_later(generation: BlogGeneration, error: WorkError) -> None:
    """Try again after a while, or fail when this was the last attempt."""
    if generation.attempts >= settings.BLOG_MAX_ATTEMPTS:
        fail(generation, error)
        return
    with transaction.atomic():
        wait = backoff.retry_seconds(generation.attempts)
        if _wait(generation, wait, deferred_since=None, error_code=error.code, error_message=error.message):
            history.record(generation, Kind.RETRYING, error)


@outlasts_an_outage
def fail(generation: BlogGeneration, error: WorkError) -> None:
    """FAILED with its credits back; a blog whose draft exists is DONE with a warning instead."""
    if generation.draft_post_id:
        succeed(generation, Stage(generation.stage), {}, warnings=[error])
        return
    with transaction.atomic():
        account = ledger.lock(generation.site_id)
        _finish(generation, Status.FAILED, error_code=error.code, error_message=error.message)
        ledger.release(account, generation.pk, reason=error.code)
        history.record(generation, Kind.FAILED, error)


@outlasts_an_outage
def honour_cancel(generation: BlogGeneration) -> bool:
    """If somebody asked to cancel, and no draft keeps it from that, stop here."""
    asked = _mine(generation).filter(cancel_requested_at__isnull=False, draft_post_id=None)
    if not asked.exists():
        return False
    with transaction.atomic():
        account = ledger.lock(generation.site_id)
        _finish(generation, Status.CANCELLED)
        ledger.release(account, generation.pk, reason="cancelled")
        history.record(generation, Kind.CANCELLED)
    return True


# --- From outside -----------------------------------------------------------------------------------------------------


def cancel(generation_id: int, *, by: str) -> BlogGeneration:
    """Cancel what waits; ask what runs to stop at its next checkpoint. Raises WrongState. Twice is fine."""
    with transaction.atomic():
        account, line, generation = locked(generation_id)
        if generation.status == Status.CANCELLED:
            return generation
        if generation.draft_post_id or generation.is_finished:
            because = "its draft post exists" if generation.draft_post_id else f"it is {generation.status}"
            raise WrongState(f"{because}; only blogs without a draft that are PENDING or PROCESSING can be cancelled")
        if generation.status == Status.PROCESSING:
            write(generation, cancel_requested_at=ClockTimestamp())
            history.record(generation, Kind.CANCEL_REQUESTED, by=by)
            return generation
        if generation.ready:
            lines.leave(line)
        write(generation, **_final(Status.CANCELLED))
        ledger.release(account, generation.pk, reason="cancelled")
        history.record(generation, Kind.CANCELLED, by=by)
    return generation


def rescue(generation_id: int) -> bool:
    """Take a blog from a worker that stopped renewing its lease. False: it was renewed or has finished meanwhile."""
    with transaction.atomic():
        _, line, generation = locked(generation_id)
        late = ClockTimestamp() - F("lease_expires_at")
        overdue = rows(generation).filter(status=Status.PROCESSING).values_list(late, flat=True).first()
        if overdue is None or overdue.total_seconds() <= 0:
            return False
        history.record(generation, Kind.RESCUED, message=f"its lease ended {overdue.total_seconds():.1f} s ago")
        if generation.rescues >= settings.BLOG_MAX_RESCUES:
            fail(generation, PermanentError("rescued_too_often", _POISON.format(generation.rescues)))
        elif not honour_cancel(generation):
            _join(line, generation, attempts=F("attempts") - 1, rescues=F("rescues") + 1)
    wakeup.notify()
    return True


_POISON = "Workers died {} times in the middle of this blog; an engineer should look at it before it is retried."


def hand_back(generation: BlogGeneration) -> bool:
    """A worker that must stop returns what it could not finish. False: its thread has finished it after all."""
    with transaction.atomic():
        _, line, current = locked(generation.pk)
        if current.status != Status.PROCESSING or current.lease_token != generation.lease_token:
            return False
        if not honour_cancel(current):
            _join(line, current, attempts=F("attempts") - 1)
            history.record(current, Kind.HANDED_BACK)
    wakeup.notify()
    return True


# --- How a row is written ---------------------------------------------------------------------------------------------

_NO_LEASE: dict[str, Any] = {"lease_token": None, "lease_expires_at": None, "worker": None}


def _final(status: Status) -> dict[str, Any]:
    columns = {"status": status, "ready": False, "run_after": None, "waits_for": "", **_NO_LEASE}
    columns["finished_at"] = ClockTimestamp()
    if status != Status.DONE:
        # A create that was never answered may have made a draft, which nobody pays for now: the sweep looks.
        unsure = When(draft_create_started_at__isnull=False, then=seconds_from_now(settings.BLOG_DRAFT_SWEEP_SECONDS))
        columns["draft_sweep_at"] = Case(unsure, default=None)
    return columns


def rows(generation: BlogGeneration) -> QuerySet[BlogGeneration]:
    return BlogGeneration.objects.filter(pk=generation.pk)


def _mine(generation: BlogGeneration) -> QuerySet[BlogGeneration]:
    return rows(generation).filter(status=Status.PROCESSING, lease_token=generation.lease_token)


def _update_mine(generation: BlogGeneration, **columns: Any) -> None:
    """The fence: only the holder of the lease writes, and only while the blog is PROCESSING."""
    if not _mine(generation).update(**columns):
        raise LeaseLost(generation.pk)


# What the stages find out of the post at Wix.
POST_COLUMNS = ("draft_post_id", "draft_post_url", "draft_post_slug", "post_url")

# The same fence, and what a stage has produced, in one statement.
_SAVE_MINE = """
WITH mine AS (
    UPDATE blog_generations SET {columns},
           draft_post_id = coalesce(%(draft_post_id)s::uuid, draft_post_id),
           draft_post_url = coalesce(%(draft_post_url)s, draft_post_url),
           draft_post_slug = coalesce(%(draft_post_slug)s, draft_post_slug),
           post_url = coalesce(%(post_url)s, post_url)
     WHERE id = %(id)s AND status = 'PROCESSING' AND lease_token = %(lease_token)s
    RETURNING id, cancel_requested_at IS NOT NULL AND draft_post_id IS NULL AS wants_to_cancel
), {saved}
SELECT wants_to_cancel FROM mine
"""
_CHECKPOINT = Prepared(
    "checkpoint",
    _SAVE_MINE.format(columns="stage = %(next_stage)s, deferred_since = NULL", saved=history.SAVED),
)
_SUCCEED = Prepared(
    "succeed",
    _SAVE_MINE.format(
        columns="""status = 'DONE', finished_at = clock_timestamp(), error_code = '', error_message = '',
           lease_token = NULL, lease_expires_at = NULL, worker_id = NULL""",
        saved=history.SAVED,
    ),
)


def _save_mine(statement: Prepared, saving: history.Saving, post: dict[str, str], **columns: str) -> bool:
    """True if it is to be cancelled and no draft keeps it from that. Raises LeaseLost."""
    generation = saving.generation
    parameters = {
        **saving.parameters(),
        **columns,
        "id": generation.pk,
        "lease_token": generation.lease_token,
        **{name: post.get(name) for name in POST_COLUMNS},
    }
    with connection.cursor() as cursor:
        statement.execute(cursor, parameters)
        mine = cursor.fetchone()
    if mine is None:
        raise LeaseLost(generation.pk)
    saving.announce()
    generation.draft_post_id = post.get("draft_post_id", generation.draft_post_id)
    return bool(mine[0])


def _finish(generation: BlogGeneration, status: Status, **columns: Any) -> None:
    _update_mine(generation, **_final(status), **columns)


def _wait(generation: BlogGeneration, seconds: float, **columns: Any) -> bool:
    """Back to PENDING, outside the line until `seconds` from now; False where it was to be cancelled, and is."""
    if honour_cancel(generation):
        return False
    later = {"status": Status.PENDING, "run_after": seconds_from_now(seconds), "waits_for": "", **_NO_LEASE}
    _update_mine(generation, **{**later, **columns})
    return True


def _join(line: SiteLine, generation: BlogGeneration, **columns: Any) -> None:
    """Back to the head of its line, at once."""
    lines.join(line)
    at_once = {"status": Status.PENDING, "ready": True, "run_after": None, "waits_for": "", "deferred_since": None}
    write(generation, **at_once, **_NO_LEASE, **columns)


def write(generation: BlogGeneration, **columns: Any) -> None:
    """Update a row that is locked already, so that no condition is needed."""
    rows(generation).update(**columns)
    generation.refresh_from_db()


def locked(generation_id: int) -> tuple[CreditAccount, SiteLine, BlogGeneration]:
    """Everything a move from outside may touch, locked in the one order."""
    site_id = BlogGeneration.objects.values_list("site_id", flat=True).get(pk=generation_id)
    account, line = ledger.lock(site_id), lines.lock(site_id)
    return account, line, BlogGeneration.objects.select_for_update().get(pk=generation_id)


def _deferred_for(generation: BlogGeneration) -> float:
    elapsed = _mine(generation).values_list(ClockTimestamp() - F("deferred_since"), flat=True).first()
    return elapsed.total_seconds() if elapsed else 0.0

"""The state machine: what moves a blog, and what each move does to its credits and attempts.

    submit        -          -> PENDING                 hold         (in `submitting.py`)
    claim         PENDING    -> PROCESSING                           (in `statements.py`)   attempts + 1
    checkpoint    PROCESSING -> PROCESSING
    start_over    PROCESSING -> PROCESSING              (stages whose outputs are of no use any more)
    succeed       PROCESSING -> DONE                    capture
    defer         PROCESSING -> PENDING                                                     attempts - 1
    retry_later   PROCESSING -> PENDING, or fail                        (of what can be spared:  attempts - 1)
    fail          PROCESSING -> FAILED                  release
    hand_back     PROCESSING -> PENDING                                                     attempts - 1
    rescue        PROCESSING -> PENDING, or FAILED      (release)                           attempts - 1, rescues + 1
    adopt_draft   PENDING    -> PENDING                 (after a restore; PROCESSING too)
    cancel        PENDING    -> CANCELLED               release      (PROCESSING: asked for, honoured at the next checkpoint)
    requeue       FAILED|CANCELLED -> PENDING           hold again                          attempts = 0

Only this file and `statements.py` write a blog's `status`. Each function is one transaction: it updates conditionally (the row
count is the answer), moves credits, writes an event, and logs after the commit. A worker's thread writes through the fence
(`fence.py`); a move from outside locks the blog first (`locked_blog.py`). Locks are taken in the order of `lines.py`.

Once a draft's id is stored the blog can only become DONE: with nothing left to do in the same transaction, else after publishing,
where every failure is a warning.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, When
from django.db.models.functions import Coalesce

from blogs.ideas import bank
from blogs.models import Article, BlogGeneration, GenerationEvent, Stage, StageOutput, Status
from blogs.queue import backoff, fence, history, lines, locked_blog, statements
from blogs.queue.locked_blog import LockedBlog
from blogs.words import of_blogs
from credits import ledger
from workers.database import wakeup
from workers.database.clock import ClockTimestamp, seconds_from_now
from workers.database.outage import outlasts_an_outage
from workers.errors import LeaseLost, PermanentError, ProviderDown, RateLimited, WorkError

Kind = GenerationEvent.Kind


class WrongState(Exception):
    """The blog is in a state that does not allow the move; str() says why, for a person."""


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
    """Save a stage's output, once, and move on to the next stage. False: the blog is CANCELLED, as somebody had asked.

    `post`: those of `fence.POST_COLUMNS` that the stage has found out.
    """
    saving = history.Saving(generation, stage, output, warnings)
    # Without an article it is one statement, and so one round trip.
    with transaction.atomic() if article else nullcontext():
        words = of_blogs.found_by(generation, stage, output, article)
        statement = statements.CHECKPOINT_WITH_WORDS if words else statements.CHECKPOINT
        wants_to_cancel = fence.save(statement, saving, post, next_stage=next_stage, **words)
        if article:
            Article.objects.bulk_create([article], ignore_conflicts=True)
    generation.stage = next_stage
    return not (wants_to_cancel and honour_cancel(generation))


@outlasts_an_outage
def start_over(generation: BlogGeneration, stage: Stage, *, forgetting: Sequence[Stage], because: WorkError) -> None:
    """Forget what some stages have produced and run them again, in this same attempt: it is of no use any more."""
    with transaction.atomic():
        fence.update(generation, stage=stage)
        generation.outputs.filter(stage__in=forgetting).delete()
        history.record(generation, Kind.RETRYING, because, stage=stage)
    generation.stage = stage


@outlasts_an_outage
def note_draft_create(generation: BlogGeneration) -> None:
    """Store that a request which creates the draft at Wix is about to leave.

    From now on, a run that finds no draft's id looks at Wix for the draft before it creates another. With a second create the blog
    may have two drafts, so the sweep looks for them later. So it does where a sweep was due already: a sweeper may have died
    between choosing a draft and deleting it. Raises RateLimited for a blog that was marked meanwhile, because the database may
    have lost commits (`restore/aftermath.py`), and for one whose draft was found meanwhile: its next run looks first.
    """
    again = generation.draft_create_started_at is not None or generation.draft_sweep_at is not None
    sweep_at = seconds_from_now(settings.BLOG_DRAFT_SWEEP_SECONDS) if again else None
    unmarked = fence.mine(generation).filter(draft_search_since=None, draft_post_id=None)
    if not unmarked.update(draft_create_started_at=ClockTimestamp(), draft_sweep_at=sweep_at):
        if fence.mine(generation).exists():
            raise RateLimited("draft_unsure", "Whether Wix has this draft already is looked up first.", retry_in=1)
        raise LeaseLost(generation.pk)


@outlasts_an_outage
def succeed(
    generation: BlogGeneration,
    stage: Stage,
    output: dict[str, Any],
    *,
    warnings: Sequence[WorkError] = (),
    **post: str,
) -> None:
    """Save the last stage's output, set DONE and capture the credits, all at once. `post` as for `checkpoint`."""
    with transaction.atomic():
        account = ledger.lock(generation.site_id)
        saving = history.Saving(generation, stage, output, warnings, outcome=Kind.DONE)
        fence.save(statements.SUCCEED, saving, post)
        ledger.capture(account, generation.pk)


@outlasts_an_outage
def defer(generation: BlogGeneration, limited: RateLimited, *, at_least: float = 0, at_most: float = math.inf) -> None:
    """Put a blog off without spending an attempt. After 24 hours in which it was only put off, it fails."""
    with transaction.atomic():
        elapsed = _deferred_for(generation)
        if elapsed > settings.BLOG_MAX_DEFERRAL_SECONDS:
            fail(generation, _DOWN_FOR_TOO_LONG if isinstance(limited, ProviderDown) else limited)
            return
        if isinstance(limited, ProviderDown):
            waits_for, wait = backoff.until_it_is_back(limited, generation.stage)
        else:
            waits_for, wait = "", backoff.deferral_seconds(limited, elapsed)
        since = Coalesce("deferred_since", ClockTimestamp())
        columns = {"attempts": F("attempts") - 1, "deferred_since": since, "waits_for": waits_for}
        if _wait(generation, min(max(wait, at_least), at_most), **columns):
            history.record(generation, Kind.DEFERRED, limited)


_DOWN_FOR_TOO_LONG = PermanentError("provider_down", "A service that we need was down for too long; please ask again.")


@outlasts_an_outage
def retry_later(generation: BlogGeneration, error: WorkError, *, spared_tries: int = 0) -> None:
    """Let a blog be tried again after a while; when this was the last attempt, it fails.

    `spared_tries`: the failures so far, this one included, of what the blog can do without. They spend none of its attempts, and
    who calls this knows when they are enough.
    """
    if generation.attempts >= settings.BLOG_MAX_ATTEMPTS and not spared_tries:
        fail(generation, error)
        return
    with transaction.atomic():
        wait = backoff.retry_seconds(spared_tries or generation.attempts)
        columns = {"deferred_since": None, "error_code": error.code, "error_message": error.message}
        if _wait(generation, wait, **columns, attempts=F("attempts") - (1 if spared_tries else 0)):
            history.record(generation, Kind.RETRYING, error)


@outlasts_an_outage
def fail(generation: BlogGeneration, error: WorkError) -> None:
    """Set FAILED and release the credits. A blog whose draft exists is DONE with a warning instead."""
    if generation.draft_post_id:
        succeed(generation, Stage(generation.stage), {}, warnings=[error])
        return
    with transaction.atomic():
        account = ledger.lock(generation.site_id)
        fence.update(generation, **_final(Status.FAILED), error_code=error.code, error_message=error.message)
        ledger.release(account, generation.pk, reason=error.code)
        history.record(generation, Kind.FAILED, error)


@outlasts_an_outage
def honour_cancel(generation: BlogGeneration) -> bool:
    """Set CANCELLED if somebody asked for it and no draft keeps the blog from that. False: it goes on."""
    asked = fence.mine(generation).filter(cancel_requested_at__isnull=False, draft_post_id=None)
    if not asked.exists():
        return False
    with transaction.atomic():
        account = ledger.lock(generation.site_id)
        fence.update(generation, **_final(Status.CANCELLED))
        ledger.release(account, generation.pk, reason="cancelled")
        history.record(generation, Kind.CANCELLED)
    return True


# --- From outside -----------------------------------------------------------------------------------------------------


def requeue(generation_id: int, *, by: str, reason: str = "", from_scratch: bool = False) -> BlogGeneration:
    """Start a FAILED or CANCELLED blog again, at the stage where it ended, or `from_scratch`: then all it has made is forgotten.

    Raises WrongState or ledger.InsufficientCredits.
    """
    with transaction.atomic():
        locked = locked_blog.lock(generation_id)
        generation = locked.generation
        if generation.status not in (Status.FAILED, Status.CANCELLED):
            raise WrongState(f"it is {generation.status}; only FAILED and CANCELLED blogs can be retried")
        if generation.site.removed_at:
            raise WrongState("its shop has removed the app")
        ledger.hold(locked.account, generation.pk, settings.BLOG_CREDITS)
        forgotten: dict[str, Any] = {"cancel_requested_at": None, "error_code": "", "error_message": ""}
        if from_scratch:
            generation.outputs.all().delete()
            Article.objects.filter(pk=generation.pk).delete()
            bank.forget_blogs([generation.pk])
            # An unanswered create may have made a draft, of another title than the one to come: it is looked for by its marker.
            since = Coalesce("draft_search_since", "draft_create_started_at")
            forgotten |= {"stage": Stage.PRODUCTS, "draft_search_since": since}
        fresh = {"attempts": 0, "rescues": 0, "finished_at": None, **forgotten}
        its_time_comes = BlogGeneration.objects.filter(
            pk=generation_id, started_at=None, scheduled_at__gt=ClockTimestamp()
        )
        if its_time_comes.exists():
            # Its shop's time is yet to come: a cancel that is taken back must not publish weeks of posts tonight.
            locked.write(status=Status.PENDING, ready=False, run_after=generation.scheduled_at, **_NO_LEASE, **fresh)
        else:
            _join(locked, **fresh)
        history.record(generation, Kind.REQUEUED, by=by, message=reason)
    transaction.on_commit(wakeup.notify)
    return generation


def adopt_draft(generation_id: int, output: dict[str, Any], post: dict[str, str]) -> bool:
    """Take over a draft that was found at Wix after a restore: all that is left of the blog is to publish it, if wanted.

    `output` is the draft's stage's, `post` as for `checkpoint`. False: the blog is finished, or has a draft.
    """
    with transaction.atomic():
        locked = locked_blog.lock(generation_id)
        generation = locked.generation
        if generation.is_finished or generation.draft_post_id:
            return False
        next_stage = Stage.PUBLISH if generation.publish else Stage.DRAFT
        locked.write(stage=next_stage, draft_search_since=None, **post)
        StageOutput.objects.bulk_create(
            [StageOutput(generation=generation, stage=Stage.DRAFT, output=output)], ignore_conflicts=True
        )
        history.record(
            generation, Kind.CHECKPOINT, stage=Stage.DRAFT, message="its draft was found at Wix after a restore"
        )
    return True


def cancel(generation_id: int, *, by: str, reason: str = "") -> BlogGeneration:
    """Cancel a blog that waits; ask one that runs to stop at its next checkpoint. Raises WrongState. Twice is fine."""
    with transaction.atomic():
        locked = locked_blog.lock(generation_id)
        generation = locked.generation
        if generation.status == Status.CANCELLED:
            return generation
        if generation.draft_post_id or generation.is_finished:
            because = "its draft post exists" if generation.draft_post_id else f"it is {generation.status}"
            raise WrongState(f"{because}; only blogs without a draft that are PENDING or PROCESSING can be cancelled")
        if generation.status == Status.PROCESSING:
            locked.write(cancel_requested_at=ClockTimestamp())
            history.record(generation, Kind.CANCEL_REQUESTED, by=by, message=reason)
            return generation
        if generation.ready:
            lines.leave(locked.line)
        locked.write(**_final(Status.CANCELLED))
        ledger.release(locked.account, generation.pk, reason="cancelled")
        history.record(generation, Kind.CANCELLED, by=by, message=reason)
    return generation


def rescue(generation_id: int) -> bool:
    """Take a blog from a worker that stopped renewing its lease. False: it was renewed or has finished meanwhile."""
    with transaction.atomic():
        locked = locked_blog.lock(generation_id)
        generation = locked.generation
        running = BlogGeneration.objects.filter(pk=generation_id, status=Status.PROCESSING)
        overdue = running.values_list(ClockTimestamp() - F("lease_expires_at"), flat=True).first()
        if overdue is None or overdue.total_seconds() <= 0:
            return False
        history.record(generation, Kind.RESCUED, message=f"its lease ended {overdue.total_seconds():.1f} s ago")
        if generation.rescues >= settings.BLOG_MAX_RESCUES:
            fail(generation, PermanentError("rescued_too_often", _POISON.format(generation.rescues)))
        elif not honour_cancel(generation):
            _join(locked, attempts=F("attempts") - 1, rescues=F("rescues") + 1)
    wakeup.notify()
    return True


_POISON = "Workers died {} times in the middle of this blog; an engineer should look at it before it is retried."


def hand_back(generation: BlogGeneration) -> bool:
    """Return a blog that a worker which must stop could not finish. False: its thread has finished it after all."""
    with transaction.atomic():
        locked = locked_blog.lock(generation.pk)
        current = locked.generation
        if current.status != Status.PROCESSING or current.lease_token != generation.lease_token:
            return False
        if not honour_cancel(current):
            _join(locked, attempts=F("attempts") - 1)
            history.record(current, Kind.HANDED_BACK)
    wakeup.notify()
    return True


# --- The columns of a move --------------------------------------------------------------------------------------------

_NO_LEASE: dict[str, Any] = {"lease_token": None, "lease_expires_at": None, "worker": None}


def _final(status: Status) -> dict[str, Any]:
    columns = {"status": status, "ready": False, "run_after": None, "waits_for": "", **_NO_LEASE}
    columns["finished_at"] = ClockTimestamp()
    if status != Status.DONE:
        # A create that was never answered may have made a draft, for which no credits are captured now: the sweep looks.
        # So may a database from before a restore know too little of it.
        unsure = When(
            Q(draft_create_started_at__isnull=False) | Q(draft_search_since__isnull=False),
            then=seconds_from_now(settings.BLOG_DRAFT_SWEEP_SECONDS),
        )
        columns["draft_sweep_at"] = Case(unsure, default=None)
    return columns


def _wait(generation: BlogGeneration, seconds: float, **columns: Any) -> bool:
    """Put a blog back to PENDING, outside the line until `seconds` from now. False: somebody had asked to cancel it, so it is."""
    if honour_cancel(generation):
        return False
    later = {"status": Status.PENDING, "run_after": seconds_from_now(seconds), "waits_for": "", **_NO_LEASE}
    fence.update(generation, **{**later, **columns})
    return True


def _join(locked: LockedBlog, **columns: Any) -> None:
    """Put a blog back to PENDING, and into its line at once."""
    lines.join(locked.line)
    at_once = {"status": Status.PENDING, "ready": True, "run_after": None, "waits_for": "", "deferred_since": None}
    locked.write(**at_once, ready_at=ClockTimestamp(), **_NO_LEASE, **columns)


def _deferred_for(generation: BlogGeneration) -> float:
    """Return the seconds for which it has only been put off."""
    elapsed = fence.mine(generation).values_list(ClockTimestamp() - F("deferred_since"), flat=True).first()
    return elapsed.total_seconds() if elapsed else 0.0

"""How the workers carry orders out: one after the other, sites by turns, each exactly once in effect.

A worker takes an order for some minutes (`taken_until`), which no transaction outlasts. What it writes at the end it writes only if
the order is still its own: a worker that was killed leaves an order that another takes, and one that was stopped for longer finds
that it lost it. So each order is carried out by steps that may be repeated: publishing twice changes nothing at Wix, and another
draft is made by the protocol of `making.py`. Limits and breakers are those of all calls; what they put off costs no attempt.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from blogs.article.schema import word_count
from blogs.models import Article, BlogGeneration, GenerationEvent, PostOrder, Stage, StageOutput, Status
from blogs.outgoing import outbox
from blogs.post_orders import doing
from blogs.post_orders.doing import Done
from blogs.post_orders.revising import REVISION
from blogs.queue import backoff, history, waiting
from blogs.words import keeping
from workers.context.deadline import DeadlineExceeded, within
from workers.context.log_context import log_context
from workers.context.on_behalf import Caller, on_behalf_of
from workers.database.clock import ClockTimestamp, seconds_from_now
from workers.database.connections import released_afterwards
from workers.database.outage import DATABASE_AWAY
from workers.errors import LeaseLost, PermanentError, ProviderDown, RateLimited, TransientError, WorkError
from workers.outbound import breakers

logger = logging.getLogger(__name__)

Kind = PostOrder.Kind
_LOOKS, _CHANGES = (Kind.LOOK.value,), tuple(kind.value for kind in Kind if kind != Kind.LOOK)
# What Wix alone does, within seconds. The others wait for an article, for minutes.
_QUICK = (Kind.PUBLISH.value, Kind.DRAFT.value)

# Three answers of Wix at most stand between its taking and its end, besides the one that creates or publishes.
_LOOKS_SECONDS = 30.0
_LOOK_GIVEN_UP_SECONDS = 120.0
# While Wix is down one order finds that out for all: thousands of them, each put off every minute, would be work for the database.
_WHILE_DOWN_SECONDS = 5.0
# What is due and was not taken waits for another order of its site, and who carries that out takes it next.
_WHILE_BUSY_SECONDS = 5.0
# Time to store the outcome.
_GRACE_SECONDS = 10.0
_STAGES = {
    Kind.LOOK: Stage.PUBLISH,
    Kind.PUBLISH: Stage.PUBLISH,
    Kind.DRAFT: Stage.DRAFT,
    Kind.REPAIR: Stage.ARTICLE,
    Kind.REWRITE: Stage.ARTICLE,
}

# One order of a blog after the other, in the order in which they were asked for, and one of a site at a time: the site's own blogs
# need its limit at Wix too. A look waits for none of them, since a person waits for it. Which sites are busy is asked once, not for
# each order: a shop may have 50,000.
_TAKE = """
UPDATE blogs_postorder SET taken_until = clock_timestamp() + %(taken)s * interval '1 second'
 WHERE id = (
    SELECT id FROM blogs_postorder mine
     WHERE ended_at IS NULL AND kind = ANY(%(kinds)s) AND due_at <= (SELECT clock_timestamp())
       AND (taken_until IS NULL OR taken_until < (SELECT clock_timestamp()))
       AND (kind = 'look' OR (
           site_id NOT IN (SELECT site_id FROM blogs_postorder
                            WHERE ended_at IS NULL AND kind <> 'look' AND taken_until > (SELECT clock_timestamp()))
           AND NOT EXISTS (SELECT 1 FROM blogs_postorder other
                            WHERE other.generation_id = mine.generation_id AND other.ended_at IS NULL
                              AND other.kind <> 'look' AND other.id < mine.id)))
     ORDER BY turn, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *
"""
_NEXT = """
SELECT extract(epoch FROM min(greatest(due_at, taken_until)) - clock_timestamp())::float
  FROM blogs_postorder WHERE ended_at IS NULL AND kind = ANY(%s)
"""


def work_off_looks(go_on: Callable[[], bool] = lambda: True) -> float | None:
    return _work_off(_LOOKS, go_on)


def work_off_quick_changes(go_on: Callable[[], bool] = lambda: True) -> float | None:
    return _work_off(_QUICK, go_on)


def work_off_changes(go_on: Callable[[], bool] = lambda: True) -> float | None:
    return _work_off(_CHANGES, go_on)


def _work_off(kinds: tuple[str, ...], go_on: Callable[[], bool]) -> float | None:
    """Carry out what is due, until `go_on` says no. Return in how many seconds to look again; None: nothing is open."""
    if _seconds_to_next(kinds) is None:
        return None
    while go_on() and (order := _take(kinds)):
        if not _carry_out(order):
            return _WHILE_DOWN_SECONDS
    seconds = _seconds_to_next(kinds)
    if seconds is None:
        return None
    return max(1.0, seconds) if seconds > 0 else _WHILE_BUSY_SECONDS


def _seconds_to_next(kinds: tuple[str, ...]) -> float | None:
    """Return when the next one is due; None: none is open."""
    with released_afterwards(), connection.cursor() as cursor:
        cursor.execute(_NEXT, [list(kinds)])
        seconds: float | None = cursor.fetchone()[0]
        return seconds


def _take(kinds: tuple[str, ...]) -> PostOrder | None:
    with released_afterwards():
        return next(iter(PostOrder.objects.raw(_TAKE, {"kinds": list(kinds), "taken": _taken_seconds()})), None)


def _carry_out(order: PostOrder) -> bool:
    """Bring it to an outcome, or put it off. False: because Wix is down, so that the next one would come no further."""
    blog = BlogGeneration.objects.select_related("site").get(pk=order.generation_id)
    with (
        log_context(blog=blog.pk, site=blog.site_id, order=order.pk),
        on_behalf_of(Caller(work=blog.pk, party=blog.site_id)),
        breakers.telling(waiting.provider_is_back),
    ):
        try:
            return _to_an_outcome(order, blog)
        except LeaseLost:
            logger.warning("order lost", extra={"action": "lease_lost"})
            return True


def _to_an_outcome(order: PostOrder, blog: BlogGeneration) -> bool:
    try:
        if blog.site.removed_at:
            raise PermanentError("wix_not_connected", "The app was removed from this site.")
        with within(_seconds()):
            done = doing.DO[Kind(order.kind)](order, blog)
    except RateLimited as limited:
        _put_off(order, blog, limited)
        return not isinstance(limited, ProviderDown)
    except DeadlineExceeded:
        _again(order, blog, TransientError("timeout", "Wix took longer than it may."))
    except PermanentError as error:
        _fail(order, blog, error)
    except TransientError as error:
        _again(order, blog, error)
    except (LeaseLost, *DATABASE_AWAY):
        raise  # nothing can be written; the order is another worker's, or due again by itself
    except Exception:
        logger.exception("unexpected error in an order", extra={"action": "bug"})
        _fail(order, blog, PermanentError("internal", "An error of ours; an engineer has to look."))
    else:
        _end(order, blog, done)
    return True


def _seconds() -> float:
    longest: float = max(settings.STAGE_DEADLINE_SECONDS[stage] for stage in _STAGES.values())
    return longest + float(settings.RATE_LIMIT_MAX_WAIT_SECONDS) + _LOOKS_SECONDS


def _taken_seconds() -> float:
    return _seconds() + _GRACE_SECONDS


# --- Outcomes ---------------------------------------------------------------------------------------------------------


def _end(order: PostOrder, blog: BlogGeneration, done: Done) -> None:
    """Store what was done: the order's end, the blog's columns, the stage's output and the history, all or nothing."""
    with transaction.atomic():
        had = {"old_draft_id": blog.draft_post_id} if "draft_post_id" in done.columns else {}
        _write(order, ended_at=ClockTimestamp(), code=done.code, result=done.result[:500], held=done.held, **had)
        if done.columns and not BlogGeneration.objects.filter(
            pk=blog.pk, status=Status.DONE, draft_post_id=blog.draft_post_id
        ).update(**done.columns):
            raise LeaseLost(order.pk)  # another order has given it another draft meanwhile
        for stage, output in done.outputs.items():
            StageOutput.objects.update_or_create(generation=blog, stage=stage, defaults={"output": output})
        if done.forgets:
            StageOutput.objects.filter(generation=blog, stage=done.forgets).delete()
        if done.article:
            about = {"title": done.article.title, "words": word_count(done.article)}
            Article.objects.filter(pk=blog.pk).update(content=done.article.model_dump(), **about)
            keeping.write_again(blog.pk)
            StageOutput.objects.filter(generation=blog, stage=REVISION).delete()
        # Warnings that stand before it are over: it has mended that step.
        if done.event:
            history.record(blog, done.event, stage=_STAGES[Kind(order.kind)], message=done.result[:500])
        for warning in done.warnings:
            history.record(blog, GenerationEvent.Kind.WARNING, warning, stage=_STAGES[Kind(order.kind)])


def _put_off(order: PostOrder, blog: BlogGeneration, limited: RateLimited) -> None:
    """Let it be taken later, at no cost of an attempt. After 24 hours it fails; a look, for which a person waits, far sooner."""
    waited = _age(order)
    if waited > (_LOOK_GIVEN_UP_SECONDS if order.kind == Kind.LOOK else settings.BLOG_MAX_DEFERRAL_SECONDS):
        _fail(order, blog, limited)
        return
    seconds = min(backoff.deferral_seconds(limited, waited), 60.0)
    _write(order, due_at=seconds_from_now(seconds), taken_until=None, code=limited.code, result=limited.message)


def _again(order: PostOrder, blog: BlogGeneration, error: TransientError) -> None:
    """Let it be tried again after a while; the last attempt fails."""
    attempts = order.attempts + 1
    if attempts >= settings.BLOG_MAX_ATTEMPTS or order.kind == Kind.LOOK:
        _fail(order, blog, error)
        return
    due_at = seconds_from_now(backoff.retry_seconds(attempts))
    _write(order, due_at=due_at, taken_until=None, attempts=attempts, code=error.code, result=error.message)


def _fail(order: PostOrder, blog: BlogGeneration, error: WorkError) -> None:
    """End it without success, and warn of it on the blog. It can be asked for again."""
    with transaction.atomic():
        _write(order, ended_at=ClockTimestamp(), code=error.code, result=error.message)
        if PostOrder.objects.filter(pk=order.pk, create_started_at__isnull=False).exists():
            # A create that was never answered may have made a draft, which no blog names: the sweep looks.
            sweep_at = seconds_from_now(settings.BLOG_DRAFT_SWEEP_SECONDS)
            BlogGeneration.objects.filter(pk=blog.pk).update(draft_sweep_at=sweep_at)
        if order.kind != Kind.LOOK:
            history.record(blog, GenerationEvent.Kind.WARNING, error, stage=_STAGES[Kind(order.kind)])
        if order.kind == Kind.PUBLISH:
            outbox.tell(blog.site_id, outbox.BLOG_PUBLISH_FAILED, blog_id=blog.pk, code=error.code)


def _write(order: PostOrder, **columns: Any) -> None:
    """Write the order's row if it is still ours. Raises LeaseLost."""
    mine = PostOrder.objects.filter(pk=order.pk, ended_at=None, taken_until=order.taken_until)
    if not mine.update(**columns):
        raise LeaseLost(order.pk)


def _age(order: PostOrder) -> float:
    now = PostOrder.objects.filter(pk=order.pk).values_list(ClockTimestamp(), flat=True).get()
    return float((now - order.created_at).total_seconds())

"""Where a waiting blog stands, and until when: moves that leave it PENDING.

    put_first     to the head of its site's line    (a retry or a deferral is over)
    put_off       out of its line until a time      (the shop wants it later)
    reschedule    to another time, or to now        (only a blog that has never started)

As those of `lifecycle`, each is one transaction that locks account, line and blog, and writes an event. `provider_is_back` makes
all blogs due that wait for a provider (`workers/outbound/breakers.py`).
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from blogs.models import BlogGeneration, GenerationEvent, Status
from blogs.queue import admission, history, lines, locked_blog
from blogs.queue.lifecycle import WrongState
from blogs.queue.request import SchedulePassed, is_later
from workers.database import wakeup
from workers.database.clock import ClockTimestamp
from workers.models import Breaker

Kind = GenerationEvent.Kind

# The smallest smallint. It is never reached: that takes as many puts while the first of them still waits.
_SMALLEST = -32_768


def put_first(generation_id: int, *, by: str, reason: str = "") -> BlogGeneration:
    """Put a blog at the head of its site's line. That ends a retry or a deferral, but no schedule. Raises WrongState.

    Between sites the turns of their lines decide as before, so no other site starts later for it.
    """
    with transaction.atomic():
        locked = locked_blog.lock(generation_id)
        generation = locked.generation
        if generation.status != Status.PENDING:
            raise WrongState(f"it is {generation.status}; only PENDING blogs can be put first")
        not_due = BlogGeneration.objects.filter(pk=generation_id, run_after__gt=ClockTimestamp())
        if generation.started_at is None and not_due.exists():
            raise WrongState("it waits for the time its shop chose, and is in no line until then")
        others = BlogGeneration.objects.filter(site=generation.site_id, ready=True).exclude(pk=generation.pk)
        lowest = others.order_by("priority").values_list("priority", flat=True).first() or 0
        was_outside = not generation.ready
        if generation.ready and generation.priority < lowest:
            raise WrongState("it is first in its site's line already")
        since = {"ready_at": ClockTimestamp()} if was_outside else {}
        if was_outside:
            lines.join(locked.line)
        first = max(lowest - 1, _SMALLEST)
        locked.write(ready=True, run_after=None, waits_for="", priority=first, **since)
        history.record(generation, Kind.PUT_FIRST, by=by, message=reason)
    if was_outside:
        transaction.on_commit(wakeup.notify)
    return generation


def put_off(generation_id: int, until: datetime, *, by: str, reason: str = "") -> BlogGeneration:
    """Keep a blog that waits from starting before a time. One that has never started gets another schedule by that. Twice is fine.

    Raises WrongState, SchedulePassed, or admission.NoRoom.
    """
    if not is_later(until, field="until"):
        raise SchedulePassed("until")
    with transaction.atomic():
        locked = locked_blog.lock(generation_id)
        generation = locked.generation
        if generation.status != Status.PENDING:
            raise WrongState(f"it is {generation.status}; only PENDING blogs can be put off")
        if generation.run_after == until and not generation.waits_for:
            return generation
        if generation.started_at is None:
            return reschedule(generation_id, until, by=by, reason=reason)
        if generation.ready:
            lines.leave(locked.line)
        # What it waited for before is over: its time to be deferred in counts from the next start.
        locked.write(ready=False, run_after=until, waits_for="", deferred_since=None)
        history.record(generation, Kind.RESCHEDULED, by=by, message=reason or f"put off to {until:%Y-%m-%d %H:%M %Z}")
    return generation


def provider_is_back(provider: str) -> None:
    """Make all blogs due that wait for this provider; the next promotion brings them into their lines."""
    if _waiting_for_a_provider().filter(waits_for=provider).update(**_DUE_NOW):
        transaction.on_commit(wakeup.notify)


def recall_forgotten() -> None:
    """Make blogs due that wait for a provider which is there. There should be none; they would wait for up to an hour."""
    down = Breaker.objects.filter(opened_at__isnull=False).values("provider")
    if _waiting_for_a_provider().exclude(waits_for__in=down).update(**_DUE_NOW):
        wakeup.notify()


_DUE_NOW = {"run_after": ClockTimestamp(), "waits_for": ""}


def _waiting_for_a_provider() -> QuerySet[BlogGeneration]:
    return BlogGeneration.objects.filter(status=Status.PENDING, ready=False).exclude(waits_for="")


class HasThatTime(Exception):
    """The blog is to start at that time already, so nothing was changed."""


def reschedule(generation_id: int, to: datetime | None, *, by: str, reason: str = "") -> BlogGeneration:
    """Give a blog that hasn't started another time; None, or a time just passed, is now. Its credits stay held.

    Raises HasThatTime, WrongState, SchedulePassed, or admission.NoRoom where it would have to join its line, or leave it.
    """
    later = is_later(to)
    with transaction.atomic():
        locked = locked_blog.lock(generation_id)
        generation = locked.generation
        if generation.status != Status.PENDING or generation.started_at:
            raise WrongState("it has started, or is finished; only blogs that have never started can get another time")
        if generation.scheduled_at == to and generation.ready != later:
            raise HasThatTime
        since = {} if generation.ready else {"ready_at": ClockTimestamp()}
        if generation.ready == later:
            admission.require_room(generation.site_id, scheduled=later)
            (lines.leave if later else lines.join)(locked.line)
        locked.write(ready=not later, run_after=to if later else None, scheduled_at=to, **since)
        told = reason or (f"to {to:%Y-%m-%d %H:%M %Z}" if later else "to now")
        history.record(generation, Kind.RESCHEDULED, by=by, message=told)
    if not later:
        transaction.on_commit(wakeup.notify)
    return generation

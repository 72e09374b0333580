"""Where a waiting blog stands, and for when: moves that leave it PENDING.

    put_first     to the head of its site's line    (a retry or a deferral is over)
    reschedule    to another time, or to now        (only what has never started)

As those of `lifecycle`, each is one transaction that locks account, line and blog, and writes an event. `resume` brings back what
waits for a provider that is there again (`workers/outbound/breakers.py`).
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from blogs.models import BlogGeneration, GenerationEvent, Status
from blogs.queue import admission, history, lifecycle, lines
from blogs.queue.lifecycle import WrongState
from blogs.queue.request import is_later
from workers.database import wakeup
from workers.database.clock import ClockTimestamp
from workers.models import Breaker

Kind = GenerationEvent.Kind

# Of a smallint. Nobody gets there: it takes as many puts while the first of them still waits.
_SMALLEST = -32_768


def put_first(generation_id: int, *, by: str) -> BlogGeneration:
    """To the head of its site's line; a retry or a deferral is over with that, a schedule is not. Raises WrongState.

    Between sites the turns of their lines decide as before, so that no other site starts less for it.
    """
    with transaction.atomic():
        _, line, generation = lifecycle.locked(generation_id)
        if generation.status != Status.PENDING:
            raise WrongState(f"it is {generation.status}; only PENDING blogs can be put first")
        if generation.started_at is None and lifecycle.rows(generation).filter(run_after__gt=ClockTimestamp()).exists():
            raise WrongState("it waits for the time its shop chose, and is in no line until then")
        others = BlogGeneration.objects.filter(site=generation.site_id, ready=True).exclude(pk=generation.pk)
        lowest = others.order_by("priority").values_list("priority", flat=True).first() or 0
        was_outside = not generation.ready
        if generation.ready and generation.priority < lowest:
            raise WrongState("it is first in its site's line already")
        if was_outside:
            lines.join(line)
        first = max(lowest - 1, _SMALLEST)
        lifecycle.write(generation, ready=True, run_after=None, waits_for="", priority=first)
        history.record(generation, Kind.PUT_FIRST, by=by)
    if was_outside:
        wakeup.notify()
    return generation


def resume(provider: str) -> None:
    """A provider is back: what waits for it is due now, and comes into its lines with the next promotion."""
    if _waiting_for_a_provider().filter(waits_for=provider).update(**_DUE_NOW):
        transaction.on_commit(wakeup.notify)


def resume_forgotten() -> None:
    """What waits for a provider that is there: it should be nothing, and would else wait for up to an hour."""
    down = Breaker.objects.filter(opened_at__isnull=False).values("provider")
    if _waiting_for_a_provider().exclude(waits_for__in=down).update(**_DUE_NOW):
        wakeup.notify()


_DUE_NOW = {"run_after": ClockTimestamp(), "waits_for": ""}


def _waiting_for_a_provider() -> QuerySet[BlogGeneration]:
    return BlogGeneration.objects.filter(status=Status.PENDING, ready=False).exclude(waits_for="")


def reschedule(generation_id: int, to: datetime | None, *, by: str) -> BlogGeneration:
    """Another time for a blog that hasn't started; None, or a time just passed, is now. Its credits stay held.

    Raises WrongState, SchedulePassed, or admission.NoRoom where it would have to join its line, or leave it.
    """
    later = is_later(to)
    with transaction.atomic():
        _, line, generation = lifecycle.locked(generation_id)
        if generation.status != Status.PENDING or generation.started_at:
            raise WrongState("it has started, or is finished; only blogs that have never started can get another time")
        if generation.ready == later:
            admission.require_room(generation.site_id, scheduled=later)
            (lines.leave if later else lines.join)(line)
        lifecycle.write(generation, ready=not later, run_after=to if later else None, scheduled_at=to)
        history.record(generation, Kind.RESCHEDULED, by=by, message=f"to {to:%Y-%m-%d %H:%M %Z}" if later else "to now")
    if not later:
        wakeup.notify()
    return generation

"""The sites' lines: who is next. Fairness lives here and in `statements.py`; nothing else writes SiteLine or QueueClock.

The turn belongs to the line, not to a blog. Each start moves its line's turn on by `step` (1 / weight), and the line with the
lowest turn goes next. A line behind the clock is treated as if it stood at the clock, so it catches up on nothing that it missed;
no line is more than a step ahead of the clock. Turns only grow, by at most one a start: in double precision they last for 10^13
starts.

Rejected: a turn for each blog when it joins. It is as fast, but cancels, pauses and retries then break the fairness: one blog
submitted after cancelling 10,000 would wait for 29,900 others.

Lock order: a transaction that touches one line locks account, line, blog. `submit` alone locks the line last, since no other
transaction can see its blog yet. A transaction that touches several lines (claim, promote) takes the claim lock first, so that no
two of them can wait for each other.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Least

from blogs.models import BlogGeneration, QueueClock, SiteLine
from workers.database.clock import ClockTimestamp

# Any number that nothing else uses as an advisory lock in this database.
CLAIM_LOCK = 7_249_001
# A shop of weight 10 gets ten times what its neighbours get. More would be a queue for one.
WEIGHT_MAX = 10

# For an UPDATE of lines that blogs join.
TURN_ON_JOINING = "CASE WHEN waiting = 0 THEN greatest(turn, (SELECT turn FROM blogs_queueclock)) ELSE turn END"
_JOIN = f"UPDATE blogs_siteline SET turn = {TURN_ON_JOINING}, waiting = waiting + %s WHERE site_id = %s"


def lock(site_id: int) -> SiteLine:
    """Lock the site's line for the rest of the transaction; made on first use. Lock the credit account before it."""
    assert connection.in_atomic_block
    line = SiteLine.objects.select_for_update().filter(pk=site_id).first()
    if line is None:
        open_line(site_id)
        line = SiteLine.objects.select_for_update().get(pk=site_id)
    return line


def open_line(site_id: int) -> None:
    """Make the site's line if there is none yet."""
    SiteLine.objects.bulk_create([SiteLine(site_id=site_id)], ignore_conflicts=True)


def join(line: SiteLine, count: int = 1) -> None:
    """Count blogs that have become ready (fewer than none: `recount` corrects). An empty line starts at the clock."""
    with connection.cursor() as cursor:
        cursor.execute(_JOIN, [count, line.pk])


def leave(line: SiteLine, count: int = 1) -> None:
    SiteLine.objects.filter(pk=line.pk).update(waiting=F("waiting") - count)


def pause(line: SiteLine) -> None:
    SiteLine.objects.filter(pk=line.pk).update(paused=True)


def resume(line: SiteLine) -> None:
    """End a pause. The line goes on at the clock, or it would catch up on everything that it missed.

    Its blogs wait from now on: while it was paused, nothing kept them waiting but the pause.
    """
    clock = QueueClock.objects.get().turn
    SiteLine.objects.filter(pk=line.pk).update(paused=False, turn=max(line.turn, clock))
    BlogGeneration.objects.filter(site=line.pk, ready=True).update(ready_at=ClockTimestamp())


def pause_all(*, by: str, reason: str) -> bool:
    """Let no blog of any line start from now on; what runs goes on. False: they were paused already.

    It waits for claims that are under way, so that after it nothing starts any more.
    """
    with transaction.atomic():
        _hold_claims_up()
        unpaused = QueueClock.objects.filter(paused_at=None)
        return bool(unpaused.update(paused_at=ClockTimestamp(), paused_by=by, paused_why=reason))


def resume_all() -> bool:
    """End the pause of all lines; those that staff paused one by one stay paused. False: there was none.

    No blog's `ready_at` is written, since there may be 50,000: `source.stats` counts no wait from before `resumed_at`.
    """
    paused = QueueClock.objects.filter(paused_at__isnull=False)
    return bool(paused.update(paused_at=None, paused_by="", paused_why="", resumed_at=ClockTimestamp()))


def pause_of_all() -> QueueClock | None:
    """Return by whom, why and since when all lines are paused; None if they are not."""
    return QueueClock.objects.filter(paused_at__isnull=False).first()


def set_weight(line: SiteLine, weight: float) -> None:
    """Let a line of weight 2 start two blogs for each one of weight 1, from now on, however many wait.

    A line that gets more weight need not wait out the longer step that it made by the old one.
    """
    if not 1 <= weight <= WEIGHT_MAX:  # false for NaN too
        raise ValueError(f"A weight is from 1 to {WEIGHT_MAX}, not {weight}.")
    clock = QueueClock.objects.get().turn
    SiteLine.objects.filter(pk=line.pk).update(step=1 / weight, turn=Least("turn", clock + 1 / weight))


def set_terms(line: SiteLine, *, weight: float, waiting_max: int | None) -> None:
    """Set what the site's plan gives. `waiting_max` None: as many as any site may have."""
    set_weight(line, min(weight, WEIGHT_MAX))
    SiteLine.objects.filter(pk=line.pk).update(waiting_max=waiting_max)


def set_terms_of(sites: QuerySet[Any], *, weight: float, waiting_max: int | None) -> int:
    """Set the terms of all these sites (a query for their ids) in one transaction of its own. Return how many lines it was."""
    step = 1 / min(weight, WEIGHT_MAX)
    with transaction.atomic():
        _hold_claims_up()
        clock = QueueClock.objects.get().turn
        changed = SiteLine.objects.filter(pk__in=sites)
        return changed.update(step=step, turn=Least("turn", clock + step), waiting_max=waiting_max)


def _hold_claims_up() -> None:
    """Wait for the claim that is under way, and let none begin before this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIM_LOCK])

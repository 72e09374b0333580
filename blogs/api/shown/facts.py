"""Looks up what is shown of blogs beside their rows: place in line, estimates, credits held, what was done to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from blogs.api.possible import NO_PAST, Past, pasts_of
from blogs.models import BlogGeneration
from blogs.queue import forecast, history
from blogs.queue.forecast import Estimate, Range, promises
from credits import ledger
from workers.database.outage import DATABASE_AWAY


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a blog beside its row. Nothing is while the database is away: the blog is stored, and must be answered."""

    position: int | None = None
    wait: int | None = None
    held: int | None = None
    changed_at: datetime | None = None
    start: Range | None = None
    end: Range | None = None
    waits_for: str = ""
    past: Past = NO_PAST


def facts_of(generations: Sequence[BlogGeneration]) -> dict[int, Facts]:
    """Look up the facts of blogs of one site, in as many statements as one blog takes.

    An error of a database that has just gone away would have a stored blog asked for twice, so there are no facts then.
    """
    ids = [each.pk for each in generations if not each.is_new]
    unfinished = [each.pk for each in generations if not each.is_finished and not each.is_new]
    try:
        held = ledger.held_for_each(unfinished)
        held |= {each.pk: settings.BLOG_CREDITS for each in generations if each.is_new}
        changed = history.last_changes(ids) if ids else {}
        found = forecast.estimates(generations, changed)
        pasts = pasts_of(generations)
        for each in generations:
            if each.is_new and each.pk in found:
                promises.note(each, found[each.pk])
    except DATABASE_AWAY:
        return {each.pk: Facts(held=0 if each.is_finished else None) for each in generations}
    return {
        each.pk: _facts(found.get(each.pk, Estimate()), held.get(each.pk, 0), changed.get(each.pk), pasts[each.pk])
        for each in generations
    }


def _facts(estimate: Estimate, held: int, changed_at: datetime | None, past: Past) -> Facts:
    wait = None if estimate.wait is None else round(estimate.wait)
    return Facts(estimate.position, wait, held, changed_at, estimate.start, estimate.end, estimate.waits_for, past)

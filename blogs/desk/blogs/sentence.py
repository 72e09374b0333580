"""The sentences that answer a ticket about a blog: where it is, since when, why, what became of its credits, and what helps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db.models import Exists
from django.utils import timezone

from blogs.desk.base import span
from blogs.desk.blogs import causes, places
from blogs.models import BlogGeneration, GenerationEvent, QueueClock, Stage, Status
from blogs.queue import forecast, history
from credits.models import Credit
from workers.database.clock import seconds_from_now
from workers.models import WorkerProcess
from workers.pool.heartbeat import FRESH_SECONDS

_STAGES = {
    Stage.PRODUCTS: "reading the shop's products",
    Stage.IDEA: "the idea",
    Stage.IMAGE_ORDER: "ordering the picture",
    Stage.ARTICLE: "the article",
    Stage.IMAGE: "the picture",
    Stage.MEDIA: "bringing the picture to Wix",
    Stage.DRAFT: "making the draft",
    Stage.PUBLISH: "publishing",
}
_Kind = GenerationEvent.Kind
_TELLING = (
    _Kind.CANCELLED,
    _Kind.CANCEL_REQUESTED,
    _Kind.WARNING,
    _Kind.DEFERRED,
    _Kind.RETRYING,
    _Kind.RESCUED,
    *history.MENDED,
)
# How many of the last telling events are read of all blogs together, and how many warnings a sentence names.
_EVENTS_READ = 500
_WARNINGS_TOLD = 3


@dataclass(slots=True)
class Facts:
    """What the sentence needs besides the row: what the ledger did by kind, and the events that tell why, newest first."""

    money: dict[str, int] = field(default_factory=dict)
    events: list[GenerationEvent] = field(default_factory=list)

    def last(self, *kinds: str) -> GenerationEvent | None:
        return next((event for event in self.events if event.kind in kinds), None)

    @property
    def warnings(self) -> list[GenerationEvent]:
        """The warnings that still hold: staff may have had the draft made again, or published, since a warning of that step."""
        return history.warnings_that_hold(self.events)


def answer(blog: BlogGeneration, told: Facts | None = None) -> str:
    """Say in a few sentences what support tells the shop. `told`: the facts, from who has read them already."""
    told = told or Facts(_money_moved(blog), _telling_events([blog])[blog.pk])
    return " ".join(
        part for part in (_where(blog, told, _in_line(blog)), _money(blog, told), _helps(blog, told)) if part
    )


def answers(blogs: Iterable[BlogGeneration]) -> dict[int, str]:
    """Say of each where it is and why: in one query, without money and without its place in line, which is one a blog."""
    listed = list(blogs)
    events = _telling_events(listed)
    return {blog.pk: _where(blog, Facts({}, events[blog.pk]), "It is in line.") for blog in listed}


def _money_moved(blog: BlogGeneration) -> dict[str, int]:
    return dict(Credit.objects.filter(generation_id=blog.pk).order_by("id").values_list("kind", "amount"))


def _telling_events(blogs: Iterable[BlogGeneration]) -> Mapping[int, list[GenerationEvent]]:
    """Read the last events that tell why, of all these blogs together."""
    ids, found = [blog.pk for blog in blogs], defaultdict[int, list[GenerationEvent]](list)
    # In the order of its index; by id alone the planner may walk through everyone's history.
    telling = GenerationEvent.objects.filter(generation_id__in=ids, kind__in=_TELLING).order_by("-generation_id", "-id")
    for event in telling[:_EVENTS_READ]:
        found[event.generation_id].append(event)
    return found


def _where(blog: BlogGeneration, told: Facts, in_line: str) -> str:
    at = _STAGES[Stage(blog.stage)]
    match blog.status:
        case Status.DONE:
            return _done(blog, told)
        case Status.FAILED:
            cause = causes.of(blog.error_code, blog.error_message)
            return f"Failed at {at} {_ago(blog)}: {cause.told(blog.error_message)}."
        case Status.CANCELLED:
            return _cancelled(blog, told)
        case Status.PROCESSING:
            return _running(blog, told, at)
    return _waiting(blog, told, in_line)


def _done(blog: BlogGeneration, told: Facts) -> str:
    if blog.post_url:
        # Of a post that went live later, by an order, its shop's hand or at its shop's time, the row has no time.
        at_its_end = blog.publish and not blog.publish_at and not told.last(_Kind.PUBLISHED)
        done = f"Published {_ago(blog)}." if at_its_end else f"Done {_ago(blog)}, and published."
    elif blog.needs_review:
        done = f"Done {_ago(blog)}: the draft is at Wix, and is not published."
    elif blog.publish and blog.publish_at and blog.publish_at > timezone.now():
        done = f"Done {_ago(blog)}: the draft is at Wix, which publishes it on {blog.publish_at:%Y-%m-%d at %H:%M} UTC."
    elif blog.publish:
        done = f"Done {_ago(blog)}: the draft is at Wix, though no address of the published post is known."
    else:
        done = f"Done {_ago(blog)}: the draft is at Wix."
    lacks = {event.code: event for event in told.warnings}
    said = [causes.of(code, event.message).told(event.message) for code, event in list(lacks.items())[:_WARNINGS_TOLD]]
    return f"{done} But {'; '.join(said)}." if said else done


def _cancelled(blog: BlogGeneration, told: Facts) -> str:
    event = told.last(_Kind.CANCEL_REQUESTED) or told.last(_Kind.CANCELLED)
    by = _person(event.by) if event and event.by else ""
    why = f": {event.message.rstrip('.')}" if event and event.message else ""
    return f"Cancelled{f' by {by}' if by else ''} {_ago(blog)}{why}."


def _person(by: str) -> str:
    """Name who asked: staff by their login name, and the shop's removal of the app as what it is."""
    return {"app removed": "the shop, which removed the app", "shop": "the shop"}.get(by, by.removeprefix("staff:"))


def _running(blog: BlogGeneration, told: Facts, at: str) -> str:
    asked = told.last(_Kind.CANCEL_REQUESTED) if blog.cancel_requested_at else None
    if blog.lease_expires_at and blog.lease_expires_at < timezone.now():
        return f"Its worker died at {at}; another takes it over within moments."
    since = f", asked for {span((timezone.now() - blog.created_at).total_seconds())} ago"
    by = f" by {_person(asked.by)}" if asked and asked.by else ""
    stop = f" It was asked to stop{by}, and will at its next checkpoint." if blog.cancel_requested_at else ""
    return f"A worker has it, at {at}{since}.{stop}"


def _waiting(blog: BlogGeneration, told: Facts, in_line: str) -> str:
    if waits := places.in_words(blog):
        return f"It {waits}." if waits.startswith("waits") else f"It waits: {waits}."
    if blog.draft_search_since:
        return "A backup was restored: whether Wix has its draft already is looked up before it goes on."
    if blog.ready:
        return f"{in_line}{_last_error(blog)}"
    assert blog.run_after
    ahead = (blog.run_after - timezone.now()).total_seconds()
    soon = f"in {span(ahead)}" if ahead > 0 else "within moments"
    if blog.scheduled_at and not blog.started_at:
        return f"It starts, as its shop wished, {soon}."
    if blog.deferred_since and (put_off := told.last(_Kind.DEFERRED)):
        cause = causes.of(put_off.code, put_off.message)
        why = cause.while_put_off or cause.told(put_off.message)
        return f"It was put off at {_STAGES[Stage(blog.stage)]}: {why}. It goes on {soon}."
    return f"It goes on {soon}.{_last_error(blog)}"


def _last_error(blog: BlogGeneration) -> str:
    if not blog.error_code:
        return ""
    cause = causes.of(blog.error_code, blog.error_message)
    tries = f"{blog.attempts} {'try has' if blog.attempts == 1 else 'tries have'} failed so far, the last at "
    return f" {tries}{_STAGES[Stage(blog.stage)]}: {cause.told(blog.error_message)}."


def _in_line(blog: BlogGeneration) -> str:
    """Say at which place it is, where it is in a line that moves."""
    if not blog.ready or places.in_words(blog):
        return ""
    alive = WorkerProcess.objects.filter(heartbeat_at__gt=seconds_from_now(-FRESH_SECONDS))
    clock = QueueClock.objects.annotate(has_workers=Exists(alive)).first()
    if clock and clock.paused_at:
        return f"It is in line, and all lines are paused by {clock.paused_by}: {clock.paused_why}."
    if clock and not clock.has_workers:
        return "It is in line, and no worker is alive: tell an operator."
    if place := forecast.queue_position(blog):
        return f"It is in line, at place {place:,} of all; it starts in about {span(forecast.seconds_for(place))}."
    return "It is about to start."


def _money(blog: BlogGeneration, told: Facts) -> str:
    match blog.status:
        case Status.DONE if "refund" in told.money:
            return f"Its {told.money['refund']} credits were given back."
        case Status.DONE:
            return f"It has cost {told.money.get('capture', 0)} credits."
        case Status.FAILED | Status.CANCELLED:
            return "Credits are back."
    return f"{told.money.get('hold', 0)} credits are held for it."


def _helps(blog: BlogGeneration, told: Facts) -> str:
    match blog.status:
        case Status.FAILED:
            return causes.of(blog.error_code, blog.error_message).helps
        case Status.CANCELLED:
            return "It can be retried."
        case Status.DONE:
            lacking = next(iter(told.warnings), None)
            return causes.of(lacking.code).helps if lacking and lacking.code in causes.known() else ""
    return ""


def _ago(blog: BlogGeneration) -> str:
    assert blog.finished_at
    return f"{span((timezone.now() - blog.finished_at).total_seconds())} ago"

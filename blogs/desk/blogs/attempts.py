"""A blog's timeline, by attempt: what each step took, on which worker, and how it ended.

An attempt is what a person calls so: all runs under one number of the blog's. A run that was put off gives its attempt back, so
hundreds of them may be one attempt.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from blogs.desk.base import span
from blogs.models import BlogGeneration, GenerationEvent

# What is read of a history at once; older events are a click away.
EVENTS_SHOWN = 500

_Kind = GenerationEvent.Kind
# What ends a step of a run: the step began with the event before it.
_ENDINGS: dict[str, str] = {
    _Kind.CHECKPOINT: "done",
    _Kind.DONE: "all done",
    _Kind.FAILED: "failed",
    _Kind.DEFERRED: "put off",
    _Kind.RETRYING: "to be tried again",
    _Kind.RESCUED: "its worker died",
    _Kind.HANDED_BACK: "handed back by a worker that had to stop",
}
_TROUBLES = (_Kind.FAILED, _Kind.RETRYING, _Kind.RESCUED)


@dataclass(frozen=True, slots=True)
class Step:
    """A line of the timeline. `took` is "" for what has no length, such as a request of staff's."""

    began: datetime
    stage: str
    what: str
    took: str
    by: str
    code: str
    message: str
    is_trouble: bool


@dataclass(slots=True)
class Attempt:
    """Steps under one number; 0 for what came before the first start or after a retry by staff."""

    number: int
    steps: list[Step] = field(default_factory=list)
    runs: int = 0
    began: datetime | None = None
    ended: datetime | None = None
    is_open: bool = False

    @property
    def title(self) -> str:
        if self.number:
            return f"Attempt {self.number}"
        return self.steps[0].what if self.steps else "Waiting"

    @property
    def summary(self) -> str:
        """How long it took, how often it ran, and how it ended."""
        parts = []
        if self.runs > 1:
            parts.append(f"{self.runs} runs")
        if self.began and self.ended and self.number:
            parts.append(span((self.ended - self.began).total_seconds()))
        last = self.steps[-1] if self.steps else None
        if last and self.number:
            parts.append(f"{last.stage}: {last.what}" if last.stage else last.what)
        if troubles := sum(step.is_trouble for step in self.steps):
            parts.append("1 error" if troubles == 1 else f"{troubles} errors")
        return " · ".join(parts)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The attempts from the oldest on, the number of the oldest event where there are older ones, else 0, and the events."""

    attempts: list[Attempt]
    older_than: int
    events: list[GenerationEvent]


def timeline(blog: BlogGeneration, *, before: int | None = None) -> Timeline:
    """Read the last events, or those `before` an event, in one query."""
    events = blog.events.filter(pk__lt=before) if before else blog.events.all()
    newest = list(events.order_by("-id")[: EVENTS_SHOWN + 1])
    shown = newest[:EVENTS_SHOWN][::-1]  # empty for rows that did not come through `submit`
    return Timeline(grouped(shown), shown[0].pk if len(newest) > EVENTS_SHOWN else 0, shown)


def grouped(events: list[GenerationEvent]) -> list[Attempt]:
    """Put events, from the oldest on, under the attempts that they belong to. The last attempt is open."""
    found = list[Attempt]()
    running_since: datetime | None = None
    for event in events:
        if not found or _opens_another(event, found[-1]):
            found.append(Attempt(event.attempt if event.kind == _Kind.STARTED else 0))
        attempt = found[-1]
        attempt.began, attempt.ended = attempt.began or event.created_at, event.created_at
        attempt.runs += event.kind == _Kind.STARTED
        attempt.steps.append(_step(event, running_since))
        running_since = _running_since(event, running_since)
    if found:
        found[-1].is_open = True
    return found


def _opens_another(event: GenerationEvent, current: Attempt) -> bool:
    if event.kind == _Kind.REQUEUED:
        return True
    return event.kind == _Kind.STARTED and event.attempt != current.number


def _step(event: GenerationEvent, running_since: datetime | None) -> Step:
    is_step = event.kind in _ENDINGS and running_since is not None
    began = running_since if is_step and running_since else event.created_at
    return Step(
        began=began,
        stage=event.stage,
        what=_ENDINGS.get(event.kind, event.get_kind_display().lower()),
        took=_took((event.created_at - began).total_seconds()) if is_step else "",
        by=event.by,
        code=event.code,
        message=event.message,
        is_trouble=event.kind in _TROUBLES,
    )


def _running_since(event: GenerationEvent, before: datetime | None) -> datetime | None:
    """Say since when the next step runs; None while the blog waits. Warnings and wishes of people end no step."""
    if event.kind in (_Kind.STARTED, _Kind.CHECKPOINT):
        return event.created_at
    return None if event.kind in _ENDINGS or event.kind == _Kind.CANCELLED else before


def _took(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else span(seconds)

"""How an event of a blog's history is told in a stream: its name, and the few fields that a follower needs.

What has the same meaning as a webhook has the same name, and each webhook that tells of a blog has its event here. Staff's reasons
and workers' names are not told.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from blogs.models import GenerationEvent, Stage, Status
from blogs.outgoing import outbox

Kind = GenerationEvent.Kind

BLOG_PROGRESS, BLOG_WAITING = "blog.progress", "blog.waiting"
BLOG_WARNING, BLOG_CHANGED = "blog.warning", "blog.changed"
OPENED, RESET, CLOSED = "stream.opened", "stream.reset", "stream.closed"

# After these a blog has this status, whatever it had before. All other kinds leave it as it is.
MOVES: dict[str, Status] = {
    Kind.SUBMITTED: Status.PENDING,
    Kind.REQUEUED: Status.PENDING,
    Kind.STARTED: Status.PROCESSING,
    Kind.CHECKPOINT: Status.PROCESSING,
    Kind.DEFERRED: Status.PENDING,
    Kind.RETRYING: Status.PENDING,
    Kind.RESCUED: Status.PENDING,
    Kind.HANDED_BACK: Status.PENDING,
    Kind.DONE: Status.DONE,
    Kind.FAILED: Status.FAILED,
    Kind.CANCELLED: Status.CANCELLED,
}
FINAL = frozenset({Status.DONE, Status.FAILED, Status.CANCELLED})
_BY_KIND: dict[str, str] = {
    Kind.SUBMITTED: outbox.BLOG_QUEUED,
    Kind.REQUEUED: outbox.BLOG_QUEUED,
    Kind.STARTED: outbox.BLOG_STARTED,
    Kind.CHECKPOINT: BLOG_PROGRESS,
    Kind.WARNING: BLOG_WARNING,
    Kind.DEFERRED: BLOG_WAITING,
    Kind.RETRYING: BLOG_WAITING,
    Kind.RESCUED: BLOG_WAITING,
    Kind.HANDED_BACK: BLOG_WAITING,
    Kind.DONE: outbox.BLOG_COMPLETED,
    Kind.FAILED: outbox.BLOG_FAILED,
    Kind.CANCELLED: outbox.BLOG_CANCELLED,
    Kind.PUBLISHED: outbox.BLOG_PUBLISHED,
}
# A warning that a webhook tells of is more than a warning.
_BY_CODE = {"needs_review": outbox.BLOG_NEEDS_REVIEW}
# The post is published, and only its address is not known.
_IS_PUBLISHED = "not_read_back"
# Every name that an event of a blog may have.
NAMES = frozenset({*_BY_KIND.values(), *_BY_CODE.values(), outbox.BLOG_PUBLISH_FAILED, BLOG_CHANGED})
# Their message is what the API shows as a blog's error or warning. That of other kinds is for staff.
_HAVE_ERRORS: set[str] = {Kind.WARNING, Kind.DEFERRED, Kind.RETRYING, Kind.FAILED}


@dataclass(frozen=True, slots=True)
class Happened:
    """One event, with what its words need of its blog."""

    id: int
    blog: int
    site: int
    publish: bool
    kind: str
    moved: str
    """The kind of the last event until then that gave the blog its status."""
    stage: str
    attempt: int
    code: str
    message: str
    at: datetime
    is_published: bool
    """Of the checkpoint of publishing: whether the post was published, and is not only to be, by Wix, at a later time."""

    @property
    def status(self) -> Status:
        return MOVES[self.moved]

    @property
    def is_over(self) -> bool:
        """Tell whether the blog is finished then."""
        return self.status in FINAL


def told(event: Happened) -> bytes:
    """Put an event into the form of the stream."""
    stage, progress = _progress(event)
    data: dict[str, Any] = {
        "id": event.blog,
        "status": event.status,
        "stage": stage,
        "progress": progress,
        "attempts": event.attempt,
        "at": event.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "error": None,
    }
    if event.kind in _HAVE_ERRORS and event.code:
        data["error"] = {"code": event.code, "message": event.message, "stage": event.stage}
    return message(_name(event), data, number=event.id)


def _name(event: Happened) -> str:
    if event.kind == Kind.CHECKPOINT and event.is_published:
        return outbox.BLOG_PUBLISHED
    if event.kind == Kind.WARNING and event.stage == Stage.PUBLISH and event.code != _IS_PUBLISHED:
        return outbox.BLOG_PUBLISH_FAILED
    if event.kind == Kind.WARNING and event.code in _BY_CODE:
        return _BY_CODE[event.code]
    return _BY_KIND.get(event.kind, BLOG_CHANGED)


def message(name: str, data: dict[str, Any], *, number: int | None = None, retry_ms: int | None = None) -> bytes:
    """Write one message: JSON has no line end, so its data is one line."""
    lines = [] if retry_ms is None else [f"retry: {retry_ms}"]
    lines += [] if number is None else [f"id: {number}"]
    lines += [f"event: {name}", f"data: {json.dumps(data, separators=(',', ':'))}", "", ""]
    return "\n".join(lines).encode()


HEARTBEAT = b": still here\n\n"


def _progress(event: Happened) -> tuple[str, dict[str, int]]:
    """Name the stage that runs or runs next, as the blog itself does: after a checkpoint it is the one that follows."""
    stages = [stage for stage in Stage if event.publish or stage != Stage.PUBLISH]
    if event.status == Status.DONE or event.stage not in stages:
        return event.stage, {"stage": len(stages), "of": len(stages)}
    at = stages.index(Stage(event.stage))
    if event.kind == Kind.CHECKPOINT:
        at = min(at + 1, len(stages) - 1)
    return stages[at], {"stage": at + 1, "of": len(stages)}

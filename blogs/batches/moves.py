"""What staff may do to a blog, by name: each move is a transaction of the queue's, and says in words what it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from blogs.audit import Actor
from blogs.batches import refunds
from blogs.models import BlogGeneration, PostOrder, Status
from blogs.post_orders import asking
from blogs.post_orders.asking import NotPossible
from blogs.queue import lifecycle, waiting
from blogs.queue.admission import NoRoom
from blogs.queue.lifecycle import WrongState
from blogs.queue.request import SchedulePassed
from blogs.queue.waiting import HasThatTime
from credits.ledger import InsufficientCredits, NothingToRefund

Options = Mapping[str, Any]


class Skipped(Exception):
    """A blog does not allow the move now; str() says why, for a person."""


@dataclass(frozen=True, slots=True)
class Move:
    """One action: how a button names it, the permission that it needs, the blogs that it is for, and what it does.

    `statuses` are those in which a blog may allow it; the move itself decides under the blog's lock. `carry_out` takes the blog's
    number, who asks, why, and the options.
    """

    name: str
    label: str
    permission: str
    statuses: tuple[Status, ...]
    carry_out: Callable[[int, Actor, str, Options], str]
    undone_by: str = ""


def carry_out(move: Move, blog_id: int, *, by: Actor, reason: str, options: Options) -> str:
    """Do it in a transaction of its own or the caller's; return in words what was done. Raises Skipped."""
    try:
        return move.carry_out(blog_id, by, reason, options)
    except BlogGeneration.DoesNotExist:
        raise Skipped("it was removed") from None
    except WrongState as refused:
        raise Skipped(str(refused)) from None
    except InsufficientCredits as lacking:
        raise Skipped(f"its shop has {lacking.available} free credits, and a blog costs {lacking.required}") from None
    except (NoRoom, NothingToRefund, NotPossible) as refused:
        raise Skipped(str(refused)) from None


def _retry(blog_id: int, by: Actor, reason: str, options: Options) -> str:
    lifecycle.requeue(blog_id, by=by.by, reason=reason)
    return "retried"


def _retry_from_scratch(blog_id: int, by: Actor, reason: str, options: Options) -> str:
    lifecycle.requeue(blog_id, by=by.by, reason=reason, from_scratch=True)
    return "retried from scratch"


def _cancel(blog_id: int, by: Actor, reason: str, options: Options) -> str:
    generation = lifecycle.cancel(blog_id, by=by.by, reason=reason)
    return "cancelled" if generation.status == Status.CANCELLED else "asked to stop at the next checkpoint"


def _put_first(blog_id: int, by: Actor, reason: str, options: Options) -> str:
    waiting.put_first(blog_id, by=by.by, reason=reason)
    return "put first"


def _reschedule(blog_id: int, by: Actor, reason: str, options: Options) -> str:
    to = datetime.fromisoformat(options["to"]) if options.get("to") else None
    try:
        waiting.reschedule(blog_id, to, by=by.by)
    except HasThatTime:
        raise Skipped("it has that time already" if to else "it is to start now already") from None
    except SchedulePassed:
        raise Skipped("that time has passed") from None
    return f"to start at {to:%Y-%m-%d %H:%M %Z}" if to else "to start now"


def _refund(blog_id: int, by: Actor, reason: str, options: Options) -> str:
    return f"refunded {refunds.refund(blog_id, by, reason)} credits"


def _publish_again(blog_id: int, by: Actor, reason: str, options: Options) -> str:
    asking.ask(blog_id, PostOrder.Kind.PUBLISH, by=by.by, name=by.name, reason=reason)
    return "asked a worker to publish it again"


def _make_draft_again(blog_id: int, by: Actor, reason: str, options: Options) -> str:
    asking.ask(blog_id, PostOrder.Kind.DRAFT, by=by.by, name=by.name, reason=reason)
    return "asked a worker to make its draft again"


def _repair(blog_id: int, by: Actor, reason: str, options: Options) -> str:
    asking.ask(blog_id, PostOrder.Kind.REPAIR, by=by.by, name=by.name, reason=reason)
    return "asked a worker to repair its article"


def _rewrite(blog_id: int, by: Actor, reason: str, options: Options) -> str:
    asking.ask(blog_id, PostOrder.Kind.REWRITE, by=by.by, name=by.name, reason=reason)
    return "asked a worker to write its article from the start"


_ENDED = (Status.FAILED, Status.CANCELLED)
_OPEN = (Status.PENDING, Status.PROCESSING)

MOVES = {
    move.name: move
    for move in (
        Move("retry", "Retry from the step that failed", "blogs.retry_blogs", _ENDED, _retry, undone_by="cancel"),
        Move("retry_from_scratch", "Retry from scratch", "blogs.retry_blogs", _ENDED, _retry_from_scratch),
        Move("cancel", "Cancel", "blogs.cancel_blogs", _OPEN, _cancel, undone_by="retry"),
        Move("put_first", "Put first in its shop's line", "blogs.steer_blogs", (Status.PENDING,), _put_first),
        Move("refund", "Refund", "blogs.refund_blogs", (Status.DONE,), _refund),
        Move("publish_again", "Publish again", "blogs.publish_blogs", (Status.DONE,), _publish_again),
        Move("draft_again", "Make the draft again", "blogs.publish_blogs", (Status.DONE,), _make_draft_again),
        Move("repair", "Repair the article once more", "blogs.publish_blogs", (Status.DONE,), _repair),
        Move("rewrite", "Write the article from the start", "blogs.publish_blogs", (Status.DONE,), _rewrite),
        Move("reschedule", "Give it another time", "blogs.steer_blogs", (Status.PENDING,), _reschedule),
    )
}

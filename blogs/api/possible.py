"""What a shop may do to a blog now, by the names of the acts' addresses, and what can't be done.

The one rule for what answers show as `possible` and for what the acts refuse. The moves themselves decide once more, with the blog
locked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from blogs.models import BlogGeneration, GenerationEvent, PostOrder, Status

# In a blog's history, and beside its orders: who has asked.
BY = "shop"
# What fails costs its shop nothing, and us each time.
RETRIES_MAX = 5
# A revision costs us up to an article each time.
REVISIONS_MAX = 3
_REVISIONS = (PostOrder.Kind.REPAIR, PostOrder.Kind.REWRITE)


@dataclass(frozen=True, slots=True)
class Past:
    """How often the shop itself has had a blog retried and its article revised."""

    retries: int = 0
    revisions: int = 0

    @property
    def may_retry(self) -> bool:
        return self.retries < RETRIES_MAX

    @property
    def may_revise(self) -> bool:
        return self.revisions < REVISIONS_MAX


NO_PAST = Past()


def past_of(generation: BlogGeneration) -> Past:
    return pasts_of([generation])[generation.pk]


def pasts_of(generations: Sequence[BlogGeneration]) -> dict[int, Past]:
    """Count the retries of blogs that may be retried, and the revisions of those that may be revised: a statement for each."""
    failed = [each.pk for each in generations if each.status in (Status.FAILED, Status.CANCELLED)]
    held = [each.pk for each in generations if each.status == Status.DONE and each.needs_review]
    retried, revised = Counter[int](), Counter[int]()
    if failed:
        again = GenerationEvent.objects.filter(generation__in=failed, kind=GenerationEvent.Kind.REQUEUED, by=BY)
        retried.update(again.values_list("generation_id", flat=True))
    if held:
        orders = PostOrder.objects.filter(generation__in=held, kind__in=_REVISIONS, by=BY)
        revised.update(orders.values_list("generation_id", flat=True))
    return {each.pk: Past(retried[each.pk], revised[each.pk]) for each in generations}


def acts_possible(generation: BlogGeneration, past: Past) -> list[str]:
    """List the acts that fit a blog's state and `past`, as they were just read."""
    match generation.status:
        case Status.PENDING | Status.PROCESSING:
            waits = generation.status == Status.PENDING
            never_started = waits and generation.started_at is None
            return [
                *(["cancel"] if generation.draft_post_id is None else []),
                *(["reschedule"] if never_started else []),
                *(["put-off"] if waits else []),
            ]
        case Status.DONE:
            revise = ["repair", "rewrite"] if generation.needs_review and past.may_revise else []
            return [*revise, *([] if generation.post_url else ["publish"])]
        case Status.FAILED | Status.CANCELLED:
            return ["retry"] if past.may_retry else []
    return []


class NotPossible(Exception):
    """A blog's state does not allow an act; str() says why, for a person."""

    def __init__(self, because: str, generation: BlogGeneration, refused: str = "") -> None:
        """Leave the act that was refused out of what is possible: a move may refuse it in a state that allows it."""
        super().__init__(because)
        self.status = generation.status
        self.possible = [act for act in acts_possible(generation, past_of(generation)) if act != refused]


class UnknownProducts(Exception):
    """The shop shows no products with these ids."""

    def __init__(self, ids: list[str]) -> None:
        super().__init__(f"The shop shows no products with these ids: {', '.join(ids)}.")
        self.ids = ids


class NotReady(NotPossible):
    """What is asked for does not exist before the blog is DONE."""


class TooManyListeners(Exception):
    """The site has as many streams open, in this process, as a site may have."""


class NoSeat(Exception):
    """This process serves as many streams as it may."""


class WrongProcess(Exception):
    """This process answers requests, and serves no streams."""

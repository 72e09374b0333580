"""What a shop may do to a blog now, by the names of the acts' addresses, and what can't be done. The moves themselves decide."""

from __future__ import annotations

from blogs.models import BlogGeneration, Status


def acts_possible(generation: BlogGeneration) -> list[str]:
    """List the acts that fit a blog's state as it was just read."""
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
            revise = ["repair", "rewrite"] if generation.needs_review else []
            return [*revise, *([] if generation.post_url else ["publish"])]
        case Status.FAILED | Status.CANCELLED:
            return ["retry"]
    return []


class NotPossible(Exception):
    """A blog's state does not allow an act; str() says why, for a person."""

    def __init__(self, because: str, generation: BlogGeneration, refused: str = "") -> None:
        """Leave out of what is possible the act that was refused: its own bound may do so in a state that allows it."""
        super().__init__(because)
        self.status = generation.status
        self.possible = [act for act in acts_possible(generation) if act != refused]


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

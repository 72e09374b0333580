"""How a blog's run may end, each in one word."""

from __future__ import annotations

import uuid

from blogs.models import BlogGeneration, Stage
from blogs.queue import lifecycle
from workers.errors import PermanentError, RateLimited, TransientError


def succeed(generation: BlogGeneration) -> None:
    lifecycle.succeed(generation, Stage.DRAFT, {}, draft_post_id=str(uuid.uuid4()))


def defer(generation: BlogGeneration) -> None:
    lifecycle.defer(generation, RateLimited("rate_limited", "Later.", retry_in=1))


def retry_later(generation: BlogGeneration) -> None:
    lifecycle.retry_later(generation, TransientError("timeout", "Too slow."))


def fail(generation: BlogGeneration) -> None:
    lifecycle.fail(generation, PermanentError("refused", "No."))

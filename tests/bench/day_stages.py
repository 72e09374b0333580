"""What a blog does on its seat: the product's stages in their order, each with its limits and its time, and nothing made.

A stage is a generator of what it waits for: a place in a limit, or some seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings

from blogs.models import BlogGeneration, Stage
from blogs.providers.token_reserve import with_room
from tests.bench.day_traffic import ARTICLE_PROMPT_TOKENS, IDEA_PROMPT_TOKENS, SHORT_CALL_SECONDS, Request
from workers.errors import PermanentError, TransientError
from workers.limits import Limit


@dataclass(frozen=True, slots=True)
class Place:
    limit: Limit
    tokens: int = 0


@dataclass(slots=True)
class Blog:
    """One request on its way; what the product would have in its tables and the sandbox in its memory."""

    request: Request
    wix: Limit
    now: Callable[[], float]
    generation: BlogGeneration | None = None
    through: int = 0
    saved_at: float = 0.0
    picture_at: float = 0.0
    has_failed: bool = False
    deferrals: int = 0
    deferred_since_checkpoint: bool = False
    lost_picture: bool = False
    is_final: bool = False
    wants_cancel: bool = False

    @property
    def attempt(self) -> int:
        return self.generation.attempts if self.generation else 0


Waits = Generator[Place | float, None, None]


class Step(NamedTuple):
    stage: Stage
    run: Callable[[Blog], Waits]
    optional: bool = False


def _wix_call(blog: Blog, seconds: float) -> Waits:
    yield Place(blog.wix)
    yield seconds


def _products(blog: Blog) -> Waits:
    yield from _wix_call(blog, SHORT_CALL_SECONDS)  # which catalogue it has
    yield from _wix_call(blog, SHORT_CALL_SECONDS)


def _idea(blog: Blog) -> Waits:
    yield Place(_openai(), tokens(Stage.IDEA, blog))
    yield blog.request.seconds["idea"]
    if blog.request.refused:
        raise PermanentError("content_refused", "OpenAI declined to write about this topic.")


def tokens(stage: str, blog: Blog) -> int:
    """Return what its call to OpenAI reserves in this stage."""
    if stage == Stage.IDEA:
        return IDEA_PROMPT_TOKENS + _room(settings.OPENAI_IDEA_MAX_TOKENS, blog)
    length = blog.request.length
    return ARTICLE_PROMPT_TOKENS[length] + _room(settings.OPENAI_ARTICLE_MAX_TOKENS[length], blog)


def _room(configured: int, blog: Blog) -> int:
    return with_room(configured, blog.attempt, None, configured * settings.OPENAI_MAX_TOKENS_CEILING)


def _image_order(blog: Blog) -> Waits:
    yield Place(Limit("replicate"))
    yield SHORT_CALL_SECONDS
    blog.picture_at = blog.now() + blog.request.seconds["image"]


def _article(blog: Blog) -> Waits:
    yield Place(_openai(), tokens(Stage.ARTICLE, blog))
    yield blog.request.seconds["article"]
    if blog.request.fails_once and not blog.has_failed:
        blog.has_failed = True
        raise TransientError("content_invalid", "The article breaks a rule.")


def _image(blog: Blog) -> Waits:
    """Polls have 3,000 a minute, of which a blog uses one or two: never a wait."""
    yield max(0.0, blog.picture_at - blog.now())


def _media(blog: Blog) -> Waits:
    yield from _wix_call(blog, SHORT_CALL_SECONDS)
    ready_at = blog.now() + blog.request.seconds["media"]
    while blog.now() < ready_at:
        yield float(settings.WIX_MEDIA_POLL_SECONDS)
        yield from _wix_call(blog, SHORT_CALL_SECONDS)


def _draft(blog: Blog) -> Waits:
    yield from _wix_call(blog, blog.request.seconds["draft"])


def _openai() -> Limit:
    return Limit("openai", model=settings.OPENAI_MODEL)


STEPS = (
    Step(Stage.PRODUCTS, _products),
    Step(Stage.IDEA, _idea),
    Step(Stage.IMAGE_ORDER, _image_order, optional=True),
    Step(Stage.ARTICLE, _article),
    Step(Stage.IMAGE, _image, optional=True),
    Step(Stage.MEDIA, _media, optional=True),
    Step(Stage.DRAFT, _draft),
)

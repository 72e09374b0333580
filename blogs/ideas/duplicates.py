"""Whether a site has a request's topic already, by what the request itself says: nothing is asked outside.

A keyword, a title and a prompt are compared with the site's titles and posts, and with what its blogs were asked for, also of those
that wait. A product or a collection is compared with the blogs about the same one. An idea of the shop's is never a duplicate.

Only requests with `onDuplicate: refuse` are compared here. For the others the worker compares the title that is planned.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models.functions import Left, Lower

from blogs.article.quality.ideas import is_same_topic
from blogs.ideas import bank
from blogs.ideas.bank import New
from blogs.ideas.keys import key, of_language
from blogs.models import SOURCE_ID_INDEXED, TEXT_MAX, UNFINISHED, BlogGeneration, SourceType, Status, Topic
from wix.models import Site

# How many of a site's unfinished blogs are compared, the newest first: each takes some 50 µs.
_UNFINISHED_MAX = 500
_BY_ID = (SourceType.PRODUCT, SourceType.COLLECTION)
_BY_WORDS = (SourceType.KEYWORD, SourceType.TITLE, SourceType.PROMPT)


class DuplicateTopic(Exception):
    """The site has this topic: `text` is the other one's, `generation_id` its blog, `url` its post's address, where known."""

    def __init__(self, text: str, *, generation_id: int | None = None, url: str = "") -> None:
        super().__init__(text)
        self.text, self.generation_id, self.url = text, generation_id, url


def require_new(site: Site, source_type: str, source_id: str, language: str) -> None:
    """Raise DuplicateTopic where the site has the topic."""
    for known in _known(site, source_type, source_id, of_language(language or site.language)):
        raise known


def hold(site: Site, blog: BlogGeneration) -> None:
    """Hold the blog's topic, within the transaction that makes the blog. Raises DuplicateTopic where another came first."""
    by_id = blog.source_type in _BY_ID
    language = "" if by_id else of_language(blog.language or site.language)
    own = f"{blog.source_type} {blog.source_id}"[:TEXT_MAX] if by_id else key(blog.source_id, language)
    new = New(Topic.Kind.ASKED, blog.source_id, language, blog.pk, holds=True, key=own)
    if bank.add(site.pk, new) is not None:
        return
    other = Topic.objects.filter(site=site, kind=Topic.Kind.ASKED, language=language, key=own, holds=True).first()
    raise DuplicateTopic(other.text if other else blog.source_id, generation_id=other.generation_id if other else None)


def _known(site: Site, source_type: str, source_id: str, language: str) -> Iterator[DuplicateTopic]:
    if source_type in _BY_ID:
        about = BlogGeneration.objects.alias(begins=Lower(Left("source_id", SOURCE_ID_INDEXED)))
        same = about.filter(begins=source_id[:SOURCE_ID_INDEXED].lower(), site=site, source_type=source_type)
        same = same.filter(source_id=source_id).exclude(status__in=[Status.FAILED, Status.CANCELLED])
        for blog in same.order_by("-id")[:1]:
            yield DuplicateTopic(source_id, generation_id=blog.pk)
    elif source_type in _BY_WORDS:
        kinds = (Topic.Kind.TITLE, Topic.Kind.POST, Topic.Kind.ASKED)
        for near in bank.near(site.pk, source_id, language, kinds=kinds, at_most=5):
            if near.is_same:
                yield DuplicateTopic(near.text, generation_id=near.generation_id, url=near.url)
        yield from _of_unfinished(site, source_id, language)


def _of_unfinished(site: Site, text: str, language: str) -> Iterator[DuplicateTopic]:
    """Compare with what waits and runs: its topics reach the bank with its idea."""
    open_blogs = BlogGeneration.objects.filter(site=site, status__in=UNFINISHED, source_type__in=_BY_WORDS)
    newest = open_blogs.order_by("-id").values_list("pk", "source_id", "language")
    own = key(text, language)
    for pk, source_id, tag in newest[:_UNFINISHED_MAX]:
        if of_language(tag or site.language) != language:
            continue
        if key(source_id, language) == own or is_same_topic(source_id, text):
            yield DuplicateTopic(source_id, generation_id=pk)

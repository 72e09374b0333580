"""Finds blogs by what a ticket names. Each way has an index; none reads the blogs one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db.models import Prefetch, QuerySet, prefetch_related_objects

from blogs.desk.find.typed import Typed
from blogs.desk.search import SITES_MATCHED, shop_and_words, sites_at
from blogs.models import BlogGeneration, BlogWords, Stage
from blogs.words import of_blogs
from workers.models import ProviderCall

_EXACT_MAX = 50


@dataclass(frozen=True, slots=True)
class Exact:
    """The blogs that something names exactly, and what that is, for a person."""

    what: str
    ids: list[int]


def named(typed: Typed) -> Exact | None:
    """Find blogs by number, draft, post, a provider's id of a call, idempotency key or metadata. None: it names none."""
    if typed.number is not None:
        found = [
            Exact(f"number {typed.number}", _ids(BlogGeneration.objects.filter(pk=typed.number))),
            _own(typed.text),
        ]
    elif typed.uuid:
        found = [Exact("id of its draft", _ids(BlogGeneration.objects.filter(draft_post_id=typed.uuid)))]
    elif typed.slug:
        found = [Exact("address of its post", _of_post(typed))]
    elif typed.is_one_word:
        found = [
            Exact("slug", _ids(BlogGeneration.objects.filter(draft_post_slug=typed.text))),
            Exact("a provider's id of a call", _of_call(typed.text)),
            _own(typed.text),
        ]
    else:
        return None
    return next((exact for exact in found if exact.ids), None)


def _own(text: str) -> Exact:
    """Find blogs by what the caller named itself."""
    return Exact("idempotency key or metadata", _ids_of_words(of_blogs.asked_by_key(text)))


def _ids(blogs: QuerySet[BlogGeneration]) -> list[int]:
    return list(blogs.order_by("-pk").values_list("pk", flat=True)[:_EXACT_MAX])


def _of_post(typed: Typed) -> list[int]:
    """Find the blog of a post: of the shop with that domain if there is one, since two shops may have the same slug."""
    blogs = BlogGeneration.objects.filter(draft_post_slug=typed.slug)
    if sites := sites_at(typed.host):
        return _ids(blogs.filter(site__in=sites)) or _ids(blogs)
    return _ids(blogs)


def _of_call(request_id: str) -> list[int]:
    calls = ProviderCall.objects.filter(request_id=request_id)
    works = [work for work in calls.values_list("work", flat=True)[:_EXACT_MAX] if work is not None]
    return _ids(BlogGeneration.objects.filter(pk__in=works)) if works else []


def _ids_of_words(question: str) -> list[int]:
    return [] if not question else list(_with_words(question).order_by("-pk").values_list("pk", flat=True)[:_EXACT_MAX])


class _Question(SearchQuery):
    """A tsquery as it stands. PostgreSQL's functions that make one would cut our words once more, by rules of their own."""

    def as_sql(self, *args: Any, **kwargs: Any) -> tuple[str, Any]:
        return super().as_sql(*args, **{**kwargs, "template": "%(expressions)s::tsquery"})


def _with_words(question: str) -> QuerySet[BlogWords]:
    return BlogWords.objects.filter(words=_Question(question, search_type="raw"))


def called(blog: BlogGeneration) -> str:
    """Say what a blog is about: its product's or collection's name once that is known, else what was asked for."""
    if not of_blogs.is_named_by_id(blog):
        return blog.source_id
    words = getattr(blog, "words", None)
    return (words and words.subject) or blog.source_id


def called_by(blog: BlogGeneration, outputs: Iterable[Mapping[str, Any]]) -> str:
    """Say it by the stages' outputs, where they are read already."""
    found = (of_blogs.subject(blog, each["output"]) for each in outputs if each["stage"] == Stage.PRODUCTS)
    return next(found, "") or blog.source_id


def know_names(blogs: Iterable[BlogGeneration]) -> None:
    """Read for all of them at once what they are called."""
    by_id = [blog for blog in blogs if of_blogs.is_named_by_id(blog)]
    prefetch_related_objects(by_id, Prefetch("words", BlogWords.objects.only("subject")))


# --- Words ------------------------------------------------------------------------------------------------------------


def question(text: str) -> str:
    """Return the tsquery for what has these words, and what a shop that they begin with has of the rest; "" for no words."""
    sites, rest = shop_and_words(text)
    of_shop = of_blogs.asked(rest, sites=sites[:SITES_MATCHED]) if sites else ""
    return " | ".join(filter(None, [of_blogs.asked(text), of_shop]))


def worded(text: str, at_most: int) -> list[int]:
    """List the newest blogs that have the words: numbers only, so that no wide row is read in vain."""
    asked = question(text)
    if not asked:
        return []
    return list(_with_words(asked).order_by("-pk").values_list("pk", flat=True)[:at_most])


def having_words(
    blogs: QuerySet[BlogGeneration], text: str, *, also_of: Sequence[int] = ()
) -> QuerySet[BlogGeneration]:
    """Leave the blogs that have the words, and those of these shops."""
    parts = [question(text), of_blogs.asked_of_sites(also_of)]
    asked = " | ".join(part for part in parts if part)
    return blogs.filter(pk__in=_with_words(asked).values("pk")) if asked else blogs.none()

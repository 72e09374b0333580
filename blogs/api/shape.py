"""The one shape in which the API shows a blog: in the list, alone, and after each move.

A blog that is shown alone also has its `article`'s address, its `quality` and `warnings`, and what becomes of `publishing` it
later.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from rest_framework.request import Request
from rest_framework.reverse import reverse

from blogs.api import quality
from blogs.api.openapi.documenting import number_in_path, page_of
from blogs.api.shown.alone import publishing, warnings_of
from blogs.api.shown.facts import Facts, facts_of
from blogs.api.shown.row import BlogSerializer
from blogs.models import BlogGeneration, Status

BlogPage = page_of(BlogSerializer, "BlogPage")
BLOG_IN_PATH = number_in_path("id", "the blog's number")
_ITS_NUMBER = {"parameters": {"id": "$response.body#/id"}}
# What may be done next with a blog that an answer shows.
LINKS = {
    name: {"operationId": operation, **_ITS_NUMBER}
    for name, operation in {
        "read": "readBlog",
        "article": "readArticle",
        "cancel": "cancelBlog",
        "reschedule": "rescheduleBlog",
        "putOff": "putOffBlog",
        "retry": "retryBlog",
        "publish": "publishBlog",
        "repair": "repairBlog",
        "rewrite": "rewriteBlog",
    }.items()
}


def listed(generations: Sequence[BlogGeneration]) -> list[dict[str, Any]]:
    _mine.facts.clear()
    _mine.facts.update(facts_of(generations))
    return [_mine.serializer.to_representation(each) for each in generations]


class _Mine(threading.local):
    """A thread's own serializer: making its fields costs more than showing a blog."""

    def __init__(self) -> None:
        self.facts: dict[int, Facts] = {}
        self.serializer = BlogSerializer(context={"facts": self.facts})


_mine = _Mine()


def described(generation: BlogGeneration, request: Request) -> dict[str, Any]:
    """Describe a blog by itself."""
    return {
        **listed([generation])[0],
        "article": article_address(generation, request),
        "publishing": publishing(generation),
        "quality": None if generation.is_new else quality.of(generation),
        "warnings": [] if generation.is_new else warnings_of(generation),
    }


def article_address(generation: BlogGeneration, request: Request) -> str | None:
    """Return where the article can be read: a blog that is DONE has one, and has been paid for."""
    if generation.status != Status.DONE:
        return None
    return reverse("blog-generation-article", args=[generation.pk], request=request)

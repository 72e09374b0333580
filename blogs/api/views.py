"""The endpoints of blogs: ask for one, list them, read one, and what a shop may do to one."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from rest_framework import viewsets
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from blogs.api import asking, listing, shape
from blogs.api.acting import Acting
from blogs.api.article import Articles
from blogs.api.bulk import Bulk
from blogs.api.endpoint import Endpoint, json_object
from blogs.api.openapi import examples
from blogs.api.openapi.documenting import IDEMPOTENCY_KEY, Answer, documented
from blogs.api.serializers import BlogRequestSerializer
from blogs.api.shown.alone import BlogAlone
from blogs.models import BlogGeneration
from blogs.queue.request import details_of, first_answers
from blogs.restore import copies
from wix.identity.auth import site_of
from workers.database.outage import DATABASE_AWAY

# Asked again no later than this: a schedule may be changed meanwhile.
_ASK_AGAIN_MAX = 3_600


class BlogGenerationViewSet(Acting, Articles, Bulk, Endpoint, viewsets.GenericViewSet[BlogGeneration]):
    """Serves a site's own blogs. Another site's blog is answered with 404 and not 403, which would say that it exists."""

    pagination_class = listing.NewestFirst
    lookup_value_regex = r"[0-9]{1,18}"
    repeatable = listing.REPEATABLE

    def get_queryset(self) -> QuerySet[BlogGeneration]:
        return BlogGeneration.objects.select_related("details").filter(site=site_of(self.request))

    def known_parameters(self, request: Request) -> Collection[str]:
        return {"list": listing.PARAMETERS, "article": ("format",)}.get(self.action or "", ())

    @documented(
        "listBlogs",
        "List the site's blogs, newest first",
        tag="Blogs",
        parameters=listing.DESCRIBED,
        answers={200: Answer("A page of blogs.", shape.BlogPage, examples.page(examples.LISTED))},
    )
    def list(self, request: Request) -> Response:
        blogs = self.paginate_queryset(listing.listed_blogs(self.get_queryset(), request))
        assert blogs is not None
        return self.get_paginated_response(shape.listed(blogs))

    @documented(
        "createBlog",
        "Ask for a blog",
        tag="Blogs",
        about="25 credits are held from now on. They are spent when the blog is DONE, and free again when it is not.",
        parameters=[IDEMPOTENCY_KEY],
        takes=BlogRequestSerializer,
        sends=examples.REQUEST,
        answers={
            201: Answer(
                "It is taken, and stands in line.",
                BlogAlone,
                examples.BLOG,
                always=["Location"],
                sometimes=["Idempotency-Replayed"],
                links=shape.LINKS,
            )
        },
        problems=[*asking.PROBLEMS, "idempotency_key_reused"],
    )
    def create(self, request: Request) -> HttpResponse:
        site = site_of(request)
        asked = asking.read(json_object(request, is_needed=True), site)
        copies.require_settled_for_requests()
        key = asking.idempotency_key(request)
        asking.require_known_products(site, asked, key)
        generation = asking.submit(site, asked, key)
        where = {"Location": reverse("blog-generation-detail", args=[generation.pk], request=request)}
        if key is None:
            return Response(shape.described(generation, request), status=201, headers=where)
        if not generation.is_new:
            where["Idempotency-Replayed"] = "true"
        return HttpResponse(_first_answer(generation, request), "application/json", 201, headers=where)

    @documented(
        "readBlog",
        "Read a blog",
        tag="Blogs",
        about="While it is not finished the answer says in Retry-After when another look is worth it.",
        parameters=[shape.BLOG_IN_PATH],
        answers={200: Answer("The blog.", BlogAlone, examples.DONE, sometimes=["Retry-After"])},
        problems=["not_found"],
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        generation = self.get_object()
        answer = Response(shape.described(generation, request))
        if not generation.is_finished:
            answer["Retry-After"] = str(_ask_again(generation, answer.data["estimatedWaitSeconds"]))
        return answer


def _ask_again(generation: BlogGeneration, wait: int | None) -> int:
    """Return after how many seconds another look is worth it: half the wait, or at its time where it waits for one."""
    if generation.run_after and generation.started_at is None:
        until = math.ceil((generation.run_after - timezone.now()).total_seconds())
        return min(max(until, 5), _ASK_AGAIN_MAX)
    return min(max(int((wait or 0) / 2), 5), 60)


def _first_answer(generation: BlogGeneration, request: Request) -> str:
    """Return the body of the request's first answer, which all repeated requests get."""
    if answer := details_of(generation).answer:
        return answer
    now: str = JSONRenderer().render(shape.described(generation, request)).decode()
    try:
        return first_answers({generation.pk: now})[generation.pk]
    except DATABASE_AWAY:
        return now

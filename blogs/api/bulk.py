"""`POST /api/blog-generation/bulk`: up to a hundred blogs by one request, each taken or refused by itself.

All of them wait for the disk once. Each blog is a transaction of its own, since the lines are locked for as long as one lasts and
every claim waits for that; but none of these waits for the disk. The last statement, which stores the answers, does: what came
before it is on the disk then too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from blogs.api import asking, shape
from blogs.api.endpoint import json_object
from blogs.api.errors import problems
from blogs.api.errors.examples import example
from blogs.api.incoming.names import unknown_names
from blogs.api.openapi import examples
from blogs.api.openapi.documenting import IDEMPOTENCY_KEY_NEEDED, Answer, documented
from blogs.api.openapi.problems import ProblemField
from blogs.api.possible import UnknownProducts
from blogs.api.serializers import BlogRequestSerializer
from blogs.api.shown.row import BlogSerializer
from blogs.ideas.duplicates import DuplicateTopic
from blogs.ideas.shop_ideas import IdeaUsed, UnknownIdea
from blogs.models import BlogGeneration
from blogs.queue.admission import NoRoom
from blogs.queue.failures import TooManyFailures
from blogs.queue.request import IdempotencyConflict, SchedulePassed, details_of, first_answers
from blogs.queue.submitting import SiteRemoved
from blogs.restore import copies
from credits.ledger import InsufficientCredits
from wix.identity.auth import site_of
from workers.database import wakeup

MOST = 100
_REFUSALS = (
    ValidationError,
    UnknownProducts,
    DuplicateTopic,
    UnknownIdea,
    IdeaUsed,
    NoRoom,
    TooManyFailures,
    InsufficientCredits,
    SiteRemoved,
    SchedulePassed,
    IdempotencyConflict,
)


class BulkRequestSerializer(serializers.Serializer[Any]):
    blogs = serializers.ListField(child=BlogRequestSerializer(), min_length=1, max_length=MOST)


class BulkResultSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="which of the `blogs` this is, from 0")
    status = serializers.IntegerField(help_text="201, or the status that a request of its own would get")
    blog = BlogSerializer(required=False)
    error = ProblemField(required=False)


class BulkAnswerSerializer(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    accepted = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = BulkResultSerializer(many=True)


_EXAMPLE = {
    "total": 2,
    "accepted": 1,
    "refused": 1,
    "results": [
        {"index": 0, "status": 201, "blog": examples.LISTED},
        {"index": 1, "status": 400, "error": example("invalid")},
    ],
}


class Bulk(viewsets.GenericViewSet[BlogGeneration]):
    @documented(
        "createBlogs",
        "Ask for up to 100 blogs at once",
        tag="Blogs",
        about="Each is taken or refused by itself. With the same key again, what was refused is tried again.",
        parameters=[IDEMPOTENCY_KEY_NEEDED],
        takes=BulkRequestSerializer,
        sends={"blogs": [examples.REQUEST, {"sourceType": "keyword", "sourceId": "espresso"}]},
        answers={
            200: Answer(
                "A result for each, in order.", BulkAnswerSerializer, _EXAMPLE, sometimes=["Idempotency-Replayed"]
            )
        },
    )
    @action(detail=False, methods=["post"])
    def bulk(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer 200 with a result for each wish, in order. A key is needed: who hears no answer cannot tell what was taken."""
        wishes, key = _wishes(request), asking.idempotency_key(request)
        if key is None:
            raise ValidationError({"Idempotency-Key": [ErrorDetail("It is needed here.", "required")]})
        copies.require_settled_for_requests()
        # A site's keys for single requests are at most 255 characters of its own; these are of a form of ours.
        digest = hashlib.sha256(key.encode()).hexdigest()
        taken = [_take(request, wish, f"bulk {digest} {number}") for number, wish in enumerate(wishes)]
        blogs = [each for each in taken if isinstance(each, BlogGeneration)]
        if any(blog.ready and blog.is_new for blog in blogs):
            wakeup.notify()
        answers = _answers(blogs)
        results = [_result(number, each, answers) for number, each in enumerate(taken)]
        counts = {"total": len(taken), "accepted": len(blogs), "refused": len(taken) - len(blogs)}
        answer = Response({**counts, "results": results})
        if blogs and not any(blog.is_new for blog in blogs):
            answer["Idempotency-Replayed"] = "true"
        return answer


def _wishes(request: Request) -> list[Any]:
    body = json_object(request, is_needed=True)
    wrong: dict[str, Any] = unknown_names(body, ["blogs"])
    wishes = body.get("blogs")
    if not isinstance(wishes, list) or not 0 < len(wishes) <= MOST:
        wrong["blogs"] = [
            ErrorDetail(f"It must be a list of 1 to {MOST} requests, each as for a single blog.", "invalid")
        ]
    if wrong:
        raise ValidationError(wrong)
    assert isinstance(wishes, list)
    return wishes


def _take(request: Request, wish: Any, key: str) -> BlogGeneration | dict[str, Any]:
    """Store one blog; return it, or the problem for which it was refused."""
    try:
        asked = asking.read(wish, site_of(request))
        asking.require_known_products(site_of(request), asked, key)
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit = off")
            return asking.submit(site_of(request), asked, key, wakes=False)
    except _REFUSALS as refused:
        return problems.described(refused, request)


def _answers(blogs: list[BlogGeneration]) -> Mapping[int, str]:
    """Return the first answer about each blog, as JSON. Those that are new are stored, which waits for the disk."""
    known = {blog.pk: answer for blog in blogs if (answer := details_of(blog).answer)}
    new = [blog for blog in blogs if blog.pk not in known]
    render = JSONRenderer().render
    shown = {blog.pk: render(item).decode() for blog, item in zip(new, shape.listed(new), strict=True)}
    return {**known, **(first_answers(shown) if shown else {})}


def _result(number: int, taken: BlogGeneration | dict[str, Any], answers: Mapping[int, str]) -> dict[str, Any]:
    if isinstance(taken, BlogGeneration):
        return {"index": number, "status": 201, "blog": json.loads(answers[taken.pk])}
    return {"index": number, "status": taken["status"], "error": taken}

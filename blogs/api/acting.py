"""What a shop may do to a blog of its own. Each act may come twice, as a caller repeats it who has heard no answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from django.db import transaction
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from blogs.api import asking, shape
from blogs.api.endpoint import json_object
from blogs.api.openapi import examples
from blogs.api.openapi.documenting import Answer, documented
from blogs.api.possible import BY, RETRIES_MAX, REVISIONS_MAX, NotPossible, past_of
from blogs.api.serializers import ActSerializer, PutOffSerializer, RescheduleSerializer, of_shop
from blogs.api.shown.alone import BlogAlone
from blogs.models import BlogGeneration, GenerationEvent, PostOrder, RequestDetails, Status
from blogs.post_orders import asking as ordering
from blogs.queue import admission, failures, lifecycle, waiting
from blogs.queue.lifecycle import WrongState
from blogs.queue.waiting import HasThatTime
from blogs.restore import copies
from wix.identity.auth import site_of

# Takes the blog and what the body says.
Move = Callable[[BlogGeneration, dict[str, Any]], object]


_LATER: dict[str, Any] = {"scheduledAt": "2026-12-24T09:00:00+01:00", "timeZone": "Europe/Berlin"}
_WHY: dict[str, Any] = {"reason": "the topic has changed"}


def _act(operation: str, summary: str, takes: Any, sends: dict[str, Any], *problems: str, **answers: Answer) -> Any:
    """Describe an act on a blog. `answers` has each answer by its status and an underscore, as in `_200`."""
    return documented(
        operation,
        summary,
        tag="Acts",
        about=f"{summary}. It may come twice: the second time nothing happens.",
        parameters=[shape.BLOG_IN_PATH],
        takes=takes,
        sends=sends,
        answers={int(http[1:]): answer for http, answer in answers.items()},
        problems=["not_found", "wrong_state", *problems],
    )


def _blog(about: str, example: dict[str, Any]) -> Answer:
    return Answer(about, BlogAlone, example)


class Acting(viewsets.GenericViewSet[BlogGeneration]):
    """The acts, each a POST of its own: `cancel`, `retry`, `publish`, `repair`, `rewrite`, `reschedule`, `put-off`."""

    @_act(
        "patchBlog",
        "Set another time for a blog that has not started",
        RescheduleSerializer,
        _LATER,
        _200=_blog("It has that time.", examples.RESCHEDULED),
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Set another time for a blog that hasn't started."""
        return self._act(request, RescheduleSerializer, _reschedule)

    @_act(
        "rescheduleBlog",
        "Set another time for a blog that has not started",
        RescheduleSerializer,
        _LATER,
        _200=_blog("It has that time.", examples.RESCHEDULED),
    )
    @action(detail=True, methods=["post"])
    def reschedule(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._act(request, RescheduleSerializer, _reschedule)

    @_act(
        "putOffBlog",
        "Have a waiting blog start no sooner than a time",
        PutOffSerializer,
        {"until": "2026-12-24T08:00:00Z"},
        _200=_blog("It waits until then.", examples.PUT_OFF),
    )
    @action(detail=True, methods=["post"], url_path="put-off")
    def put_off(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._act(request, PutOffSerializer, _put_off)

    @_act(
        "cancelBlog",
        "Cancel a blog that is not finished",
        ActSerializer,
        _WHY,
        _200=_blog("It is cancelled, and its credits are free again.", examples.CANCELLED),
        _202=_blog("It runs, and stops at its next checkpoint.", {**examples.BLOG, "cancelRequested": True}),
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer 202 for one that runs: it stops at its next checkpoint."""
        answer = self._act(request, ActSerializer, _cancel)
        if answer.data["status"] == Status.PROCESSING:
            answer.status_code = 202
        return answer

    @_act(
        "retryBlog",
        "Start a blog again that failed or was cancelled",
        ActSerializer,
        _WHY,
        *(code for code in asking.PROBLEMS if code != "unknown_products"),
        _200=_blog("It goes on behind the last stage that was finished.", examples.BLOG),
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._act(request, ActSerializer, _retry)

    @_act(
        "publishBlog",
        "Publish the draft of a blog that is DONE",
        ActSerializer,
        _WHY,
        _200=_blog("It is published.", {**examples.DONE, "postUrl": "https://shop.example/post/five-ways"}),
        _202=_blog("A worker publishes it within seconds; `publishing` says what became of it.", examples.PUBLISHING),
    )
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer 202 while a worker has it still to do; `publishing` says what becomes of it."""
        answer = self._act(request, ActSerializer, _publish)
        if not answer.data["postUrl"]:
            answer.status_code = 202
        return answer

    @_act(
        "repairBlog",
        "Have what failed in a held article written once more",
        ActSerializer,
        _WHY,
        _202=_blog("A worker does it; the blog stays DONE.", examples.HELD),
    )
    @action(detail=True, methods=["post"])
    def repair(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer 202: a worker has the held article repaired once more, and gives its draft the new text."""
        return self._revise(request, PostOrder.Kind.REPAIR)

    @_act(
        "rewriteBlog",
        "Have a held article written from the start",
        ActSerializer,
        _WHY,
        _202=_blog("A worker does it; the blog stays DONE.", examples.HELD),
    )
    @action(detail=True, methods=["post"])
    def rewrite(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer 202: a worker has the held article written from the start, and gives its draft the new text."""
        return self._revise(request, PostOrder.Kind.REWRITE)

    def _revise(self, request: Request, kind: PostOrder.Kind) -> Response:
        answer = self._act(request, ActSerializer, partial(_revise, kind))
        answer.status_code = 202
        return answer

    def _act(self, request: Request, takes: type[ActSerializer | RescheduleSerializer], move: Move) -> Response:
        # First: of a blog that is not the site's own, not even the mistakes in a request are told.
        generation = self.get_object()
        serializer = takes(data=json_object(request), context=of_shop(site_of(request)))
        serializer.is_valid(raise_exception=True)
        try:
            move(generation, serializer.validated_data)
        except WrongState as refused:
            raise NotPossible(str(refused), self.get_object(), self.action.replace("_", "-")) from None
        return Response(shape.described(self.get_object(), request))


def _reschedule(generation: BlogGeneration, asked: dict[str, Any]) -> None:
    with transaction.atomic():
        with suppress(HasThatTime):
            waiting.reschedule(generation.pk, asked["scheduled_at"], by=BY)
        _remember_zone(generation, asked)


def _put_off(generation: BlogGeneration, asked: dict[str, Any]) -> None:
    with transaction.atomic():
        waiting.put_off(generation.pk, asked["until"], by=BY, reason=asked["reason"])
        _remember_zone(generation, asked)


def _remember_zone(generation: BlogGeneration, asked: dict[str, Any]) -> None:
    if zone := asked["time_zone"]:
        RequestDetails.objects.update_or_create(generation=generation, defaults={"time_zone": zone})


def _cancel(generation: BlogGeneration, asked: dict[str, Any]) -> None:
    lifecycle.cancel(generation.pk, by=BY, reason=asked["reason"])


def _publish(generation: BlogGeneration, asked: dict[str, Any]) -> None:
    """Have a worker publish the draft, once: not where it is published, or where this is asked for already."""
    orders = PostOrder.objects.filter(generation=generation, kind=PostOrder.Kind.PUBLISH, ended_at=None)
    if generation.status == Status.DONE and (generation.post_url or orders.exists()):
        return
    try:
        ordering.ask(generation.pk, PostOrder.Kind.PUBLISH, by=BY, name=BY, reason=asked["reason"])
    except ordering.NotPossible as refused:
        if not orders.exists():
            raise WrongState(str(refused)) from None


def _revise(kind: PostOrder.Kind, generation: BlogGeneration, asked: dict[str, Any]) -> None:
    """Have a worker revise a held article, once however often it is asked for while that is under way."""
    under_way = PostOrder.objects.filter(generation=generation, kind=kind, ended_at=None)
    if under_way.exists():
        return
    if not past_of(generation).may_revise:
        raise WrongState(f"it was revised {REVISIONS_MAX} times; publish it as it is, or ask for another blog")
    try:
        ordering.ask(generation.pk, kind, by=BY, name=BY, reason=asked["reason"])
    except ordering.NotPossible as refused:
        if not under_way.exists():
            raise WrongState(str(refused)) from None


def _retry(generation: BlogGeneration, asked: dict[str, Any]) -> None:
    """Start it again, where a new request would be taken. One that was started again and isn't finished is left as it is."""
    copies.require_settled_for_requests()
    again = generation.events.filter(kind=GenerationEvent.Kind.REQUEUED)
    if generation.status in (Status.FAILED, Status.CANCELLED):
        if not past_of(generation).may_retry:
            raise WrongState(f"it was started again {RETRIES_MAX} times; ask for another blog instead")
        failures.require_few(generation.site_id)
        admission.require_room_to_retry(generation.site_id)
    try:
        lifecycle.requeue(generation.pk, by=BY, reason=asked["reason"])
    except WrongState:
        generation.refresh_from_db()
        if generation.is_finished or not again.exists():
            raise

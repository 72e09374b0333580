"""The endpoints of blogs: ask for one, list them, read one, set another time."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import QuerySet
from rest_framework import mixins, viewsets
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from blogs.api.serializers import BlogGenerationSerializer, BlogRequestSerializer, RescheduleSerializer, warnings_of
from blogs.models import BlogGeneration, Status
from blogs.queue import forecast, submitting, waiting
from blogs.restore import copies
from credits import ledger
from wix.identity.auth import site_of
from workers.database.outage import DATABASE_AWAY

_IDEMPOTENCY_KEY_MAX = 255


class NewestFirst(CursorPagination):
    """Pages by id alone: ids are unique, and the newest blogs have the highest."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 100

    def decode_cursor(self, request: Request) -> Any:
        """Answer 404 to a cursor that we never gave out."""
        cursor = super().decode_cursor(request)
        if cursor and cursor.position is not None and not re.fullmatch(r"[0-9]{1,18}", str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor


class BlogGenerationViewSet(mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[BlogGeneration]):
    """Serves a site's own blogs. Another site's blog is answered with 404 and not 403, which would say that it exists."""

    serializer_class = BlogGenerationSerializer
    pagination_class = NewestFirst
    lookup_value_regex = r"\d{1,18}"

    def get_queryset(self) -> QuerySet[BlogGeneration]:
        blogs = BlogGeneration.objects.filter(site=site_of(self.request))
        status = self.request.query_params.get("status") if self.action == "list" else None
        if not status:
            return blogs
        if status not in Status.values:
            allowed = ", ".join(Status.values)
            raise ValidationError({"status": f'"{status[:40]}" is not allowed. Allowed: {allowed}.'})
        return blogs.filter(status=status)

    def create(self, request: Request) -> Response:
        serializer = BlogRequestSerializer(data=_object(request))
        serializer.is_valid(raise_exception=True)
        copies.require_settled_for_requests()
        generation = submitting.submit(
            site=site_of(request), request=serializer.blog_request(), idempotency_key=_idempotency_key(request)
        )
        where = reverse("blog-generation-detail", args=[generation.pk], request=request)
        return Response(_described(generation), status=201, headers={"Location": where})

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Set another time for a blog that hasn't started."""
        serializer = RescheduleSerializer(data=_object(request))
        serializer.is_valid(raise_exception=True)
        to = serializer.validated_data["scheduledAt"]
        return Response(_described(waiting.reschedule(self.get_object().pk, to, by="shop")))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        generation = self.get_object()
        answer = Response({**_described(generation), "warnings": warnings_of(generation)})
        if not generation.is_finished:
            wait = answer.data["estimatedWaitSeconds"] or 0
            answer["Retry-After"] = str(int(min(max(wait / 2, 5), 60)))
        return answer


def _described(generation: BlogGeneration) -> dict[str, Any]:
    """Describe a blog. One that waits has a place in the queue; credits are held until it is finished."""
    position, wait = _forecast(generation) if generation.ready else (None, None)
    return {
        **BlogGenerationSerializer(generation).data,
        "queuePosition": position,
        "estimatedWaitSeconds": wait,
        "creditsHeld": 0 if generation.is_finished else _held(generation),
    }


def _held(generation: BlogGeneration) -> int | None:
    """Return what its hold holds, whatever a blog costs by now; None while the database is away, as for the forecast."""
    try:
        return ledger.held_for(generation.pk)
    except DATABASE_AWAY:
        return None


def _forecast(generation: BlogGeneration) -> tuple[int | None, int | None]:
    """Estimate place and wait; None while the database is away. An error for a stored blog would have it asked for twice."""
    try:
        position = forecast.queue_position(generation)
        return position, round(forecast.seconds_for(position))
    except DATABASE_AWAY:
        return None, None


def _object(request: Request) -> dict[str, Any]:
    if not isinstance(request.data, dict):
        raise ValidationError("The body must be a JSON object.")
    return request.data


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= _IDEMPOTENCY_KEY_MAX and key.isprintable()):
        raise ValidationError({"Idempotency-Key": f"It must have 1 to {_IDEMPOTENCY_KEY_MAX} printable characters."})
    return key

"""Who may open a stream, and of what. The process of live events asks these views as a web process asks its own; then it sends."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from blogs.api.endpoint import Endpoint
from blogs.api.openapi.documenting import Answer, documented, number_in_path, parameter
from blogs.api.possible import WrongProcess
from blogs.api.stream.listeners import Seat, Wish
from blogs.models import BlogGeneration
from wix.identity.auth import site_of
from wix.identity.standing import standing_of

# Where the process of live events puts a request's Seat, in what the request knows of its server.
SEAT = "blogs.live_events.seat"
_MEDIA_TYPE = "text/event-stream"
_DIGITS_MAX = 18
_PROBLEMS = ("too_many_listeners", "listeners_full", "wrong_process")
_LAST_EVENT_ID = parameter(
    "Last-Event-ID",
    {"type": "string", "pattern": f"^[0-9]{{1,{_DIGITS_MAX}}}$"},
    "The id of the last event that was heard; the stream goes on behind it.",
    where="header",
    example="1839",
)


def _stream(about: str) -> Answer:
    data = '{"id":61,"status":"PENDING","stage":"products","progress":{"stage":1,"of":7},"attempts":0,"at":"…","error":null}'
    example = f"id: 1840\nevent: blog.queued\ndata: {data}\n\n"
    return Answer(about, forms={_MEDIA_TYPE: ({"type": "string"}, example)})


class EventStream(BaseRenderer):
    """Names what can be accepted. Answers to OPTIONS, which are empty, are all that it renders."""

    media_type = _MEDIA_TYPE
    format = "events"
    charset = None

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return b""


class Opening(HttpResponse):
    """The head of a stream that may begin: its seat is taken."""

    def __init__(self, wish: Wish) -> None:
        super().__init__(content_type=f"{_MEDIA_TYPE}; charset=utf-8")
        self.wish = wish
        self["Cache-Control"] = "no-store"
        # nginx passes each event on at once.
        self["X-Accel-Buffering"] = "no"


class _Events(Endpoint):
    renderer_classes = [EventStream, JSONRenderer]

    def open(self, request: Request, blog: int | None = None) -> HttpResponseBase:
        """Answer with the head of a stream. Raises WrongProcess, TooManyListeners, NoSeat."""
        wish = Wish(standing_of(request), blog, _last_event_id(request))
        seat = request._request.META.get(SEAT)
        if not isinstance(seat, Seat):
            raise WrongProcess
        if request.method == "HEAD":
            return HttpResponse(content_type=_MEDIA_TYPE)
        seat.take(wish.site)
        return Opening(wish)


class EventsOfSite(_Events):
    """What happens to all blogs of the site."""

    @documented(
        "followSite",
        "Follow all blogs of the site, by server-sent events",
        tag="Live events",
        parameters=[_LAST_EVENT_ID],
        problems=_PROBLEMS,
        answers={200: _stream("A stream that lasts until one side ends it.")},
    )
    def get(self, request: Request) -> HttpResponseBase:
        return self.open(request)


class EventsOfBlog(_Events):
    """What happens to one blog, from its beginning to its end."""

    @documented(
        "followBlog",
        "Follow one blog, by server-sent events",
        tag="Live events",
        parameters=[number_in_path("id", "The blog's number."), _LAST_EVENT_ID],
        problems=[*_PROBLEMS, "not_found"],
        answers={
            200: _stream("A stream from the blog's beginning to its end."),
            204: Answer("The blog is finished, and this was its last event: do not come back."),
        },
    )
    def get(self, request: Request, id: str) -> HttpResponseBase:
        blog = get_object_or_404(BlogGeneration.objects.filter(site=site_of(request)), pk=int(id))
        after = _last_event_id(request)
        if after is not None and blog.is_finished and not blog.events.filter(id__gt=after).exists():
            # To a browser's EventSource this status says: do not come back.
            return HttpResponse(status=204)
        return self.open(request, blog.pk)


def _last_event_id(request: Request) -> int | None:
    sent = request.headers.get("Last-Event-ID", "")
    if not sent:
        return None
    if not (sent.isascii() and sent.isdecimal() and len(sent) <= _DIGITS_MAX):
        raise ValidationError({"Last-Event-ID": "It must be the id of an event that you were sent: digits alone."})
    return int(sent)

"""`/api/ideas`: a site's ideas for blogs, and asking for more. `sourceType: idea` makes a blog of one."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, NotFound, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from blogs.api.account.serializers import IdeaOrderSerializer
from blogs.api.endpoint import Endpoint, json_object
from blogs.api.listing import NUMBER, NewestFirst
from blogs.api.openapi.documenting import (
    CURSOR,
    LIMIT,
    NUMBER_MAX,
    Answer,
    documented,
    number_in_path,
    page_of,
    parameter,
)
from blogs.api.openapi.examples import page
from blogs.ideas import orders, shop_ideas
from blogs.ideas.keys import of_language
from blogs.models import IdeaOrder, Length, Topic
from blogs.restore import copies
from wix import languages
from wix.identity.auth import site_of

OPEN, USED = "open", "used"


class IdeaShown(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="the `sourceId` of a blog with `sourceType: idea`")
    status = serializers.ChoiceField([OPEN, USED])
    title = serializers.CharField()
    angle = serializers.CharField()
    audience = serializers.CharField()
    sections = serializers.ListField(child=serializers.CharField(), help_text="the headings of its outline")
    language = serializers.CharField()
    orderId = serializers.IntegerField(allow_null=True, help_text="the order that it came of; null: of none")
    blogId = serializers.IntegerField(allow_null=True, help_text="the blog that was made of it")
    createdAt = serializers.DateTimeField()


class IdeaOrderShown(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    status = serializers.ChoiceField(IdeaOrder.State.choices)
    about = serializers.CharField(allow_blank=True)
    language = serializers.CharField()
    length = serializers.CharField()
    found = serializers.IntegerField(help_text="how many ideas came of it that the site did not have")
    credits = serializers.IntegerField(help_text="what it costs: nothing")
    ideas = serializers.URLField(allow_null=True, help_text="the address of its ideas, once it is done")
    error = serializers.CharField(allow_null=True)
    createdAt = serializers.DateTimeField()


_IDEA: dict[str, Any] = {
    "id": 2041,
    "status": OPEN,
    "title": "Cold brew for two without a machine",
    "angle": "A jar and a night are enough, if the grind is right.",
    "audience": "People who like iced coffee and own no gear.",
    "sections": ["The jar", "The grind", "A night in the fridge", "Straining", "Keeping it"],
    "language": "en",
    "orderId": 12,
    "blogId": None,
    "createdAt": "2026-11-28T13:04:02.118409Z",
}
_ORDER: dict[str, Any] = {
    "id": 12,
    "status": "waiting",
    "about": "iced coffee",
    "language": "en",
    "length": "medium",
    "found": 0,
    "credits": 0,
    "ideas": None,
    "error": None,
    "createdAt": "2026-11-28T13:03:41.004118Z",
}
_STATUS = parameter("status", {"type": "string", "enum": [OPEN, USED]}, "Those that no blog has, or that one has.")
_TAG = {"type": "string", "maxLength": languages.TAG_MAX, "pattern": languages.TAG.pattern.replace(r"\Z", "$")}
_OF_ORDER = parameter(
    "orderId", {"type": "integer", "minimum": 0, "maximum": NUMBER_MAX}, "Those that came of this order.", example=12
)
_DONE: dict[str, Any] = {"status": "done", "found": 10, "ideas": "https://blogs.example.com/api/ideas?orderId=12"}
_LANGUAGE = parameter("language", _TAG, "Those of a language, whatever its country.", example="en")


class IdeasView(Endpoint, GenericAPIView[Topic]):
    """Lists a site's ideas, newest first; takes an order of ten more, which a worker carries out."""

    pagination_class = NewestFirst
    parameters = ("status", "language", "orderId", "limit", "cursor")

    def get_queryset(self) -> QuerySet[Topic]:
        return shop_ideas.offered(site_of(self.request))

    @documented(
        "listIdeas",
        "List the site's ideas",
        tag="Account",
        parameters=[_STATUS, _LANGUAGE, _OF_ORDER, LIMIT, CURSOR],
        answers={200: Answer("Ideas, newest first.", page_of(IdeaShown, "IdeaPage"), page(_IDEA, path="ideas"))},
    )
    def get(self, request: Request) -> Response:
        ideas = self.paginate_queryset(_chosen(self.get_queryset(), request))
        assert ideas is not None
        return self.get_paginated_response([_idea(idea) for idea in ideas])

    @documented(
        "askForIdeas",
        "Ask for ten ideas without blogs",
        tag="Account",
        about="A worker finds them within a minute or so. They cost no credits; how often a day is bounded.",
        takes=IdeaOrderSerializer,
        sends={"about": "iced coffee"},
        answers={202: Answer("The order.", IdeaOrderShown, _ORDER, always=["Location", "Retry-After"])},
        problems=["too_many_idea_orders"],
    )
    def post(self, request: Request) -> Response:
        serializer = IdeaOrderSerializer(data=json_object(request))
        serializer.is_valid(raise_exception=True)
        copies.require_settled_for_requests()
        site, wanted = site_of(request), serializer.validated_data
        language = languages.normalised(wanted["language"] or site.language or "en")
        order = orders.order(site, about=wanted["about"], language=language, length=wanted["length"] or Length.MEDIUM)
        where = {"Location": reverse("idea-order", args=[order.pk], request=request), "Retry-After": "15"}
        return Response(_order(order, request), status=202, headers=where)


class IdeaOrderView(Endpoint):
    """Shows what became of an order of ideas."""

    @documented(
        "readIdeaOrder",
        "Read what became of an order of ideas",
        tag="Account",
        parameters=[number_in_path("id", "The order's number.")],
        answers={200: Answer("The order.", IdeaOrderShown, _ORDER | _DONE, sometimes=["Retry-After"])},
        problems=["not_found"],
    )
    def get(self, request: Request, pk: int) -> Response:
        order = IdeaOrder.objects.filter(site=site_of(request), pk=pk).first()
        if order is None:
            raise NotFound("There is no such order of ideas on this site.")
        answer = Response(_order(order, request))
        if order.state == IdeaOrder.State.WAITING:
            answer["Retry-After"] = "15"
        return answer


def _chosen(ideas: QuerySet[Topic], request: Request) -> QuerySet[Topic]:
    wrong = {}
    if (status := request.query_params.get("status")) is not None:
        if status not in (OPEN, USED):
            wrong["status"] = [ErrorDetail(f"Allowed: {OPEN}, {USED}.", "invalid_choice")]
        ideas = ideas.filter(kind=Topic.Kind.IDEA) if status == OPEN else ideas.exclude(kind=Topic.Kind.IDEA)
    if (language := request.query_params.get("language")) is not None:
        if not languages.TAG.fullmatch(language):
            wrong["language"] = [ErrorDetail("It must be a language's tag, such as en or pt-BR.", "invalid")]
        else:
            ideas = ideas.filter(language=of_language(language))
    if (order := request.query_params.get("orderId")) is not None:
        if not NUMBER.fullmatch(order):
            wrong["orderId"] = [ErrorDetail("It must be the number of an order of ideas.", "invalid")]
        else:
            ideas = ideas.filter(order_id=int(order))
    if wrong:
        raise ValidationError(wrong)
    return ideas


def _idea(idea: Topic) -> dict[str, Any]:
    plan = idea.plan or {}
    return {
        "id": idea.pk,
        "status": OPEN if idea.kind == Topic.Kind.IDEA else USED,
        "title": idea.text,
        "angle": plan.get("angle", ""),
        "audience": plan.get("audience", ""),
        "sections": [section["heading"] for section in plan.get("sections", ())],
        "language": idea.language,
        "orderId": idea.order_id,
        "blogId": idea.generation_id,
        "createdAt": idea.offered_at,
    }


def _order(order: IdeaOrder, request: Request) -> dict[str, Any]:
    is_done = order.state == IdeaOrder.State.DONE
    return {
        "id": order.pk,
        "status": order.state,
        "about": order.about,
        "language": order.language,
        "length": order.length,
        "found": order.found,
        "credits": 0,
        "ideas": f"{reverse('ideas', request=request)}?orderId={order.pk}" if is_done else None,
        "error": order.error or None,
        "createdAt": order.created_at,
    }

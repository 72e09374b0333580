"""The views of `/api/webhooks`: a shop makes, changes, tests and deletes its endpoints, and reads what was sent to them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ErrorDetail, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from blogs.api.endpoint import Endpoint, json_object
from blogs.api.listing import NewestFirst
from blogs.api.openapi.documenting import CURSOR, LIMIT, NOTHING, Answer, documented, number_in_path, page_of, parameter
from blogs.api.openapi.examples import only, page
from blogs.api.outgoing.fields import (
    DELIVERY,
    ENDPOINT,
    ChangeSerializer,
    DeliveryShown,
    EndpointList,
    EndpointSerializer,
    EndpointShown,
    EndpointWithSecret,
    NothingSerializer,
    endpoint_shown,
    message_shown,
)
from blogs.models import WebhookEndpoint, WebhookMessage
from blogs.outgoing import endpoints
from wix.identity.auth import site_of

Off = WebhookEndpoint.Off


_IN_PATH = number_in_path("id", "the endpoint's number")
_WITH_SECRET = {**ENDPOINT, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
_STATES = {"type": "string", "enum": list(WebhookMessage.State.values)}


class WebhookEndpoints(Endpoint, viewsets.GenericViewSet[WebhookEndpoint]):
    """Serves a site's own endpoints. Another site's endpoint is answered with 404 and not 403, which would say that it exists."""

    pagination_class = NewestFirst
    lookup_value_regex = r"[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[WebhookEndpoint]:
        return endpoints.of_site(site_of(self.request)).order_by("id")

    def known_parameters(self, request: Request) -> Collection[str]:
        return ("status", "limit", "cursor") if self.action == "deliveries" else ()

    @documented(
        "listWebhooks",
        "List the site's endpoints",
        tag="Webhooks",
        answers={200: Answer("All of them, at most ten.", EndpointList, only(ENDPOINT))},
    )
    def list(self, request: Request) -> Response:
        return Response({"results": [endpoint_shown(each) for each in self.get_queryset()]})

    @documented(
        "createWebhook",
        "Make an endpoint, to which we send what happens",
        tag="Webhooks",
        takes=EndpointSerializer,
        sends={"url": "https://shop.example/hooks", "events": ["blog.completed", "blog.failed"]},
        answers={
            201: Answer(
                "It is made. Its secret stands in this answer alone.", EndpointWithSecret, _WITH_SECRET, ["Location"]
            )
        },
        problems=["endpoint_state"],
    )
    def create(self, request: Request) -> Response:
        """Make an endpoint. Its secret is in this answer, and in no other."""
        serializer = EndpointSerializer(data=json_object(request, is_needed=True))
        serializer.is_valid(raise_exception=True)
        made = endpoints.make(site_of(request), **serializer.validated_data)
        where = {"Location": reverse("webhook-endpoint-detail", args=[made.endpoint.pk], request=request)}
        return Response({**endpoint_shown(made.endpoint), "secret": made.secret}, status=201, headers=where)

    @documented(
        "readWebhook",
        "Read an endpoint",
        tag="Webhooks",
        parameters=[_IN_PATH],
        answers={200: Answer("The endpoint.", EndpointShown, ENDPOINT)},
        problems=["not_found"],
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(endpoint_shown(self._endpoint()))

    @documented(
        "changeWebhook",
        "Change an endpoint's address, events or description, or switch it",
        tag="Webhooks",
        parameters=[_IN_PATH],
        takes=ChangeSerializer,
        sends={"enabled": True},
        answers={200: Answer("It is changed.", EndpointShown, ENDPOINT)},
        problems=["not_found", "endpoint_state"],
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change what is named, and leave the rest."""
        endpoint = self._endpoint()
        serializer = ChangeSerializer(data=json_object(request, is_needed=True), partial=True)
        serializer.is_valid(raise_exception=True)
        changes = dict(serializer.validated_data)
        enabled = changes.pop("enabled", None)
        with transaction.atomic():
            if changes:
                self.get_queryset().filter(pk=endpoint.pk).update(**changes)
            if enabled is not None:
                _switch(endpoint, on=enabled)
        return Response(endpoint_shown(self._endpoint()))

    @documented(
        "deleteWebhook",
        "Delete an endpoint; what waits is not sent",
        tag="Webhooks",
        parameters=[_IN_PATH],
        answers={204: Answer("It is deleted.")},
        problems=["not_found"],
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        endpoints.switch_off(self._endpoint(), Off.DELETED)
        return Response(status=204)

    @documented(
        "rotateWebhook",
        "Have a new secret; the old one signs too for a day",
        tag="Webhooks",
        parameters=[_IN_PATH],
        takes=NOTHING,
        sends={},
        answers={200: Answer("The endpoint, with its new secret.", EndpointWithSecret, _WITH_SECRET)},
        problems=["not_found", "endpoint_state"],
    )
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer with a new secret. The old one signs too for a day."""
        endpoint = self._acted_on(request)
        secret = endpoints.rotate(endpoint)
        return Response({**endpoint_shown(self._endpoint()), "secret": secret})

    @documented(
        "testWebhook",
        "Have a message of the type webhook.test sent",
        tag="Webhooks",
        parameters=[_IN_PATH],
        takes=NOTHING,
        sends={},
        answers={202: Answer("It is sent within moments.", DeliveryShown, DELIVERY)},
        problems=["not_found", "endpoint_state"],
    )
    @action(detail=True, methods=["post"])
    def test(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer 202: a worker sends it within moments, and the delivery says what came of it."""
        return Response(message_shown(endpoints.send_test(self._acted_on(request))), status=202)

    @documented(
        "listDeliveries",
        "List what was sent to an endpoint, newest first",
        tag="Webhooks",
        parameters=[
            _IN_PATH,
            parameter("status", _STATES, "In this state."),
            LIMIT,
            CURSOR,
        ],
        answers={
            200: Answer(
                "A page of messages.",
                page_of(DeliveryShown, "DeliveryPage"),
                page(DELIVERY, path="webhooks/3/deliveries"),
            )
        },
        problems=["not_found"],
    )
    @action(detail=True, methods=["get"])
    def deliveries(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        messages = WebhookMessage.objects.filter(endpoint=self._endpoint())
        if (status := request.query_params.get("status")) is not None:
            if status not in WebhookMessage.State.values:
                allowed = f"Allowed: {', '.join(WebhookMessage.State.values)}."
                raise ValidationError({"status": [ErrorDetail(allowed, "invalid_choice")]})
            messages = messages.filter(state=status)
        page = self.paginate_queryset(messages)  # type: ignore[arg-type]
        assert page is not None
        return self.get_paginated_response([message_shown(each) for each in page])  # type: ignore[arg-type]

    @documented(
        "resendDelivery",
        "Have a message sent once more",
        tag="Webhooks",
        parameters=[_IN_PATH, number_in_path("message", "the message's number")],
        takes=NOTHING,
        sends={},
        answers={202: Answer("It is sent once more, with the same webhook-id.", DeliveryShown, DELIVERY)},
        problems=["not_found", "endpoint_state"],
    )
    @action(detail=True, methods=["post"], url_path=r"deliveries/(?P<message>[0-9]{1,18})/resend")
    def resend(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Have a message sent once more, with its `webhook-id`. One that still waits is left as it is."""
        endpoint = self._acted_on(request)
        mine = WebhookMessage.objects.filter(endpoint=endpoint, pk=int(kwargs["message"]))
        if not mine.exists():
            raise NotFound("There is no such delivery at this endpoint.")
        endpoints.send_again(endpoint, mine)
        return Response(message_shown(mine.get()), status=202)

    def _endpoint(self) -> WebhookEndpoint:
        found = self.get_queryset().filter(pk=int(self.kwargs["pk"])).first()
        if found is None:
            raise NotFound("There is no such webhook endpoint on this site.")
        return found

    def _acted_on(self, request: Request) -> WebhookEndpoint:
        """Return the endpoint of an act that takes no field."""
        endpoint = self._endpoint()
        NothingSerializer(data=json_object(request)).is_valid(raise_exception=True)
        return endpoint


def _switch(endpoint: WebhookEndpoint, *, on: bool) -> None:
    if on:
        endpoints.switch_on(endpoint)
    else:
        endpoints.switch_off(endpoint, Off.SHOP)

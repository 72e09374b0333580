"""The views of `/api/keys`: a shop makes, renames, rotates and revokes the API keys of its own servers.

A page of the shop's dashboard manages them. A key itself can't: who steals one could make others, and they would outlive it.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from blogs import audit
from blogs.api.account.serializers import (
    KEY,
    KeyList,
    KeyMade,
    KeySerializer,
    KeyShown,
    LabelSerializer,
    RotationSerializer,
)
from blogs.api.endpoint import Endpoint, json_object
from blogs.api.incoming.names import StrictSerializer
from blogs.api.openapi.documenting import DASHBOARD_TOKEN, SIGNED_INSTANCE, Answer, documented, number_in_path
from blogs.api.openapi.examples import only
from wix.identity import api_keys
from wix.identity.auth import IsConnectedSite, site_of
from wix.identity.client_address import client_address
from wix.models import ApiKey

_KEY_IN_PATH = number_in_path("id", "the key's number")
_ONLY = "dashboard_only"
_FROM_A_PAGE = (SIGNED_INSTANCE, DASHBOARD_TOKEN)
_MADE = Answer(
    "It is made. The key stands in this answer alone.", KeyMade, {**KEY, "key": "blog_mQ3v…"}, always=["Location"]
)


class FromTheDashboard(IsConnectedSite):
    """Lets in the site's own dashboard alone. A request without a credential is asked for one first."""

    def has_permission(self, request: Request, view: object) -> bool:
        if not super().has_permission(request, view):
            return False
        if isinstance(request.auth, ApiKey):
            raise PermissionDenied("Keys are managed with a dashboard's token, and not with a key.", "dashboard_only")
        return True


class ApiKeys(Endpoint, viewsets.GenericViewSet[ApiKey]):
    """Serves a site's usable keys. One that has expired or was revoked is gone, as is another site's: 404."""

    permission_classes = [FromTheDashboard]
    lookup_value_regex = r"[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[ApiKey]:
        return api_keys.usable(site_of(self.request))

    @documented(
        "listKeys",
        "List the site's API keys",
        tag="Account",
        credentials=_FROM_A_PAGE,
        answers={200: Answer("All that can be used.", KeyList, only(KEY))},
        problems=[_ONLY],
    )
    def list(self, request: Request) -> Response:
        return Response({"results": [_shown(key) for key in self.get_queryset()]})

    @documented(
        "createKey",
        "Make an API key",
        tag="Account",
        credentials=_FROM_A_PAGE,
        takes=KeySerializer,
        sends={"label": "orders' server", "expiresInDays": 365},
        answers={201: _MADE},
        problems=[_ONLY, "too_many_keys"],
    )
    def create(self, request: Request) -> Response:
        """Make a key. It is in this answer, and in no other."""
        wanted = _read(KeySerializer, request)
        with transaction.atomic():
            made, key = api_keys.issue(site_of(request), wanted["label"], days=wanted["days"])
            _note(request, "make_api_key", after=str(made))
        return self._answer_with(made, key)

    @documented(
        "readKey",
        "Read an API key's label, times and beginning",
        tag="Account",
        credentials=_FROM_A_PAGE,
        parameters=[_KEY_IN_PATH],
        answers={200: Answer("The key.", KeyShown, KEY)},
        problems=[_ONLY, "not_found"],
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(_shown(self._key()))

    @documented(
        "renameKey",
        "Give an API key another label",
        tag="Account",
        credentials=_FROM_A_PAGE,
        parameters=[_KEY_IN_PATH],
        takes=LabelSerializer,
        sends={"label": "orders' second server"},
        answers={200: Answer("It has that label.", KeyShown, {**KEY, "label": "orders' second server"})},
        problems=[_ONLY, "not_found"],
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give the key another label."""
        key = self._key()
        label = _read(LabelSerializer, request)["label"]
        with transaction.atomic():
            _note(request, "rename_api_key", before=str(key), after=label)
            self.get_queryset().filter(pk=key.pk).update(label=label)
        return Response(_shown(self._key()))

    @documented(
        "revokeKey",
        "Revoke an API key",
        tag="Account",
        credentials=_FROM_A_PAGE,
        parameters=[_KEY_IN_PATH],
        answers={204: Answer("It is refused from now on.")},
        problems=[_ONLY, "not_found"],
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Revoke the key: it is refused from now on."""
        key = self._key()
        with transaction.atomic():
            if api_keys.revoke(key):
                _note(request, "revoke_api_key", before=str(key))
        return Response(status=204)

    @documented(
        "rotateKey",
        "Make an API key in another's place",
        tag="Account",
        credentials=_FROM_A_PAGE,
        about="The old one goes on for `overlapHours`, so that a server can change over.",
        parameters=[_KEY_IN_PATH],
        takes=RotationSerializer,
        sends={"overlapHours": 24},
        answers={201: _MADE},
        problems=[_ONLY, "not_found", "too_many_keys", "key_rotated"],
    )
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make a key in its place. The old one goes on for `overlapHours`, so that a server can change over."""
        old = self._key()
        wanted = _read(RotationSerializer, request)
        with transaction.atomic():
            rotated = api_keys.rotate(old, overlap_hours=wanted["overlap_hours"])
            if rotated is None:
                raise _unknown()
            _note(request, "rotate_api_key", before=str(old), after=str(rotated[0]))
        return self._answer_with(*rotated)

    def _answer_with(self, made: ApiKey, key: str) -> Response:
        where = {
            "Location": reverse("api-key-detail", args=[made.pk], request=self.request),
            "Cache-Control": "no-store",
        }
        return Response({**_shown(made), "key": key}, status=201, headers=where)

    def _key(self) -> ApiKey:
        found = self.get_queryset().filter(pk=int(self.kwargs["pk"])).first()
        if found is None:
            raise _unknown()
        return found


def _read(kind: type[StrictSerializer], request: Request) -> dict[str, Any]:
    serializer = kind(data=json_object(request))
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _note(request: Request, what: str, *, before: str | None = None, after: str | None = None) -> None:
    """Write to the audit log that the shop did it, with the address that it came from."""
    shop = audit.Actor("the shop's dashboard", address=client_address(request))
    audit.record(shop, what, site_of(request), before=before, after=after)


def _unknown() -> NotFound:
    return NotFound("There is no such API key on this site.")


def _shown(key: ApiKey) -> dict[str, Any]:
    """Show a key without the key itself: `begins` tells it apart from the others."""
    return {
        "id": key.pk,
        "label": key.label,
        "begins": key.hint,
        "createdAt": key.created_at,
        "expiresAt": key.expires_at,
        "lastUsedAt": key.last_used_at,
        "rotatedAt": key.rotated_at,
    }

"""`GET`, `PUT` and `PATCH /api/site-profile`: what a shop says of itself, for all its blogs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.http import parse_etags
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from blogs.api.account.serializers import PROFILE, ProfileSerializer, ProfileShown
from blogs.api.endpoint import Endpoint, json_object
from blogs.api.openapi.documenting import Answer, documented, parameter
from blogs.models import SiteProfile
from blogs.profiles import saving
from blogs.profiles.saving import ChangedMeanwhile
from blogs.profiles.settings import in_effect, newest
from wix.identity.auth import site_of
from wix.models import ApiKey, Site

# As RFC 9110 (8.8.3) has it.
_TAG = r'(W/)?"[!#-~]*"'
_ETAG = r'(?:W/)?"[^"]*"\s*'
_ETAGS = re.compile(rf"\s*{_ETAG}(?:,\s*{_ETAG})*")
_IF_MATCH = parameter(
    "If-Match",
    {"type": "string", "pattern": rf"^(\*|{_TAG}(, ?{_TAG})*)$"},
    "An ETag of the profile as the caller knows it: where it has changed since, nothing is set.",
    where="header",
)


def _setting(operation: str, summary: str) -> Any:
    return documented(
        operation,
        summary,
        tag="Account",
        parameters=[_IF_MATCH],
        takes=ProfileSerializer,
        sends={"brand": "Harbour Coffee", "tone": "friendly"},
        answers={200: Answer("The profile as it counts now.", ProfileShown, PROFILE, always=["ETag"])},
        problems=["precondition_failed", "too_many_saves"],
    )


class ProfileView(Endpoint):
    @documented(
        "readProfile",
        "Read what the shop says of itself, for all its blogs",
        tag="Account",
        answers={200: Answer("The profile.", ProfileShown, PROFILE)},
    )
    def get(self, request: Request) -> Response:
        site = site_of(request)
        return _answer(site, newest(site.pk))

    @_setting("replaceProfile", "Set what is named, and leave all else open")
    def put(self, request: Request) -> Response:
        """Set what is named, and leave all else open."""
        return _saved(request, lambda known, asked: asked)

    @_setting("changeProfile", "Set what is named, and leave all else as it is")
    def patch(self, request: Request) -> Response:
        """Set what is named, and leave all else as it is."""
        return _saved(request, lambda known, asked: {**known, **asked})


def _saved(request: Request, merged: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]) -> Response:
    site, serializer = site_of(request), ProfileSerializer(data=json_object(request))
    serializer.is_valid(raise_exception=True)
    asked: dict[str, Any] = serializer.validated_data
    wanted = _tags(request.headers.get("If-Match"))

    def change(known: SiteProfile | None) -> Mapping[str, Any]:
        if wanted and "*" not in wanted and _etag(_shown(site, known)) not in wanted:
            raise ChangedMeanwhile
        told = merged(known.told if known else {}, asked)
        return {name: value for name, value in told.items() if value is not None}

    return _answer(site, saving.tell(site, change, by=_who(request)))


def _tags(if_match: str | None) -> list[str]:
    """Read the ETags of an If-Match, none where it is missing. One that can't be read must not pass for one that is missing."""
    if if_match is None:
        return []
    if if_match.strip() != "*" and not _ETAGS.fullmatch(if_match):
        raise ValidationError(
            {"If-Match": [ErrorDetail('It must be an ETag in its quotes, as "9f86d081", or *.', "invalid")]}
        )
    return [tag.removeprefix("W/") for tag in parse_etags(if_match)]


def _who(request: Request) -> str:
    return f"API key {request.auth.hint}" if isinstance(request.auth, ApiKey) else "the shop"


def _answer(site: Site, profile: SiteProfile | None) -> Response:
    shown = _shown(site, profile)
    return Response(shown, headers={"ETag": _etag(shown)})


def _etag(shown: dict[str, Any]) -> str:
    return f'"{hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:32]}"'


def _shown(site: Site, profile: SiteProfile | None) -> dict[str, Any]:
    """Show every setting as it counts, and which of them are Wix's."""
    settings, of_wix = in_effect(site, profile)
    names = {field.source: name for name, field in ProfileSerializer().fields.items()}
    return {
        "version": profile.version if profile else 0,
        "updatedAt": serializers.DateTimeField().to_representation(profile.created_at) if profile else None,
        "updatedBy": _shown_name(profile.by) if profile else None,
        **{names[name]: value for name, value in settings.items()},
        "fromWix": [names[name] for name in of_wix],
    }


def _shown_name(by: str) -> str:
    """Say who it was, without the names of staff."""
    return "support" if by.startswith("staff:") else by

"""Says which site is calling: one class of DRF authentication for each kind of credential, each with a Site as its result.

A credential's form decides which class reads it, so that a refusal speaks of the kind that was sent. All kinds come as
`Authorization: Bearer <it>`, or bare, as Wix's own samples and SDK send them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from wix.client.fields import moment_of_epoch, text_in, uuid_or_none
from wix.identity import api_keys, sightings, sites, token_info
from wix.identity.signed_instance import InvalidInstance, read_instance, time_of
from wix.identity.token_info import InvalidToken, TokenInfo
from wix.models import ApiKey, Site


class _Bearer(BaseAuthentication):
    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="wix app instance"'


class SignedInstance(_Bearer):
    """The app instance that Wix signs into our page's address; also reads whatever has the form of no other kind.

    A site that is new is made. `request.auth` is the instance's payload.
    """

    def authenticate(self, request: Request) -> tuple[Site, Mapping[str, Any]] | None:
        credential = _credential(request)
        if credential is None or _is_dashboard_token(credential) or _is_api_key(credential):
            return None
        try:
            payload = read_instance(credential)
        except InvalidInstance as error:
            raise _refused(f"The app instance was refused: {error}.") from None
        site = sites.seen(UUID(payload["instanceId"]), uuid_or_none(payload.get("originInstanceId")))
        sightings.compare(site, time_of(payload.get("signDate")), text_in(dict(payload), "vendorProductId"))
        return site, payload


class DashboardToken(_Bearer):
    """The access token that the dashboard's SDK sends (`fetchWithAuth`); Wix tells us whose it is.

    A site that is new is made. `request.auth` is what Wix said. Raises CannotAsk where Wix says nothing.
    """

    def authenticate(self, request: Request) -> tuple[Site, TokenInfo] | None:
        credential = _credential(request)
        if credential is None or not _is_dashboard_token(credential):
            return None
        try:
            info = token_info.verified(credential)
        except InvalidToken as error:
            raise _refused(f"The Wix access token was refused: {error}.") from None
        site = sites.seen(info.instance_id)
        if site.removed_at and info.issued_at:
            sightings.compare(site, moment_of_epoch(info.issued_at))
        return site, info


class SiteApiKey(_Bearer):
    """A key for a shop's own server. `request.auth` is the key's row."""

    def authenticate(self, request: Request) -> tuple[Site, ApiKey] | None:
        credential = _credential(request)
        if credential is None or not _is_api_key(credential):
            return None
        key = api_keys.find(credential)
        if key is None:
            raise _refused("The API key is unknown, has expired, or was revoked.")
        return key.site, key


class IsConnectedSite(BasePermission):
    """Lets in sites that have our app. One that removed it is known, and refused."""

    def has_permission(self, request: Request, view: object) -> bool:
        if not isinstance(request.user, Site):
            return False
        if request.user.removed_at:
            raise PermissionDenied("The app was removed from this site; install it again to go on.", "site_removed")
        return True


def site_of(request: Request) -> Site:
    """Return the calling site, in a view whose permissions require one."""
    assert isinstance(request.user, Site)
    return request.user


def _credential(request: Request) -> str | None:
    """Return the Authorization header without `Bearer`; None where there is no header."""
    parts = get_authorization_header(request).split()
    if not parts:
        return None
    if parts[0].lower() == b"bearer":
        parts = parts[1:]
    if len(parts) != 1:
        raise _refused("The Authorization header must be: Bearer <app instance, Wix access token or API key>.")
    try:
        return parts[0].decode("ascii")
    except UnicodeDecodeError:
        raise _refused("The Authorization header has characters that no credential has.") from None


def _is_dashboard_token(credential: str) -> bool:
    return credential.startswith(token_info.PREFIX)


def _is_api_key(credential: str) -> bool:
    return credential.startswith(api_keys.PREFIX) and "." not in credential


def _refused(detail: str) -> AuthenticationFailed:
    return AuthenticationFailed(detail, "invalid_token")

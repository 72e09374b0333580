"""Who is told more than how the service is, where operators have said who they are."""

from __future__ import annotations

from ipaddress import ip_network

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from wix.identity.client_address import caller


def may_see(request: HttpRequest) -> bool:
    """Tell whether the caller may see numbers and details: by the token, from one of the networks, or because all callers may."""
    return settings.OPERATIONS_OPEN or _brings_the_token(request) or _is_inside(request)


class NotAnOperator(PermissionDenied):
    """A stranger asked for what operators see. `may_bring_token`: there is a token by which an operator is known."""

    def __init__(self) -> None:
        super().__init__("This is for the service's operators.")
        self.may_bring_token = bool(settings.OPERATIONS_TOKEN)


def _brings_the_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.OPERATIONS_TOKEN
    return bool(wanted) and scheme.lower() == "bearer" and constant_time_compare(token.strip(), wanted)


def _is_inside(request: HttpRequest) -> bool:
    address = caller(request)
    return address is not None and any(address in ip_network(network) for network in settings.OPERATIONS_NETWORKS)

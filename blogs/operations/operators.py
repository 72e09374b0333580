"""Who is told more than how the service is, where operators have said who they are."""

from __future__ import annotations

from ipaddress import ip_network

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils.crypto import constant_time_compare

from wix.identity.client_address import caller


def may_see(request: HttpRequest) -> bool:
    """Tell whether the caller may see numbers and details: by the token, from one of the networks, or because all callers may."""
    return settings.OPERATIONS_OPEN or _brings_the_token(request) or _is_inside(request)


def refusal() -> JsonResponse:
    answer = JsonResponse({"status": "refused", "detail": "This is for the service's operators."}, status=403)
    if settings.OPERATIONS_TOKEN:
        answer.status_code = 401
        answer["WWW-Authenticate"] = "Bearer"
    return answer


def _brings_the_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.OPERATIONS_TOKEN
    return bool(wanted) and scheme.lower() == "bearer" and constant_time_compare(token.strip(), wanted)


def _is_inside(request: HttpRequest) -> bool:
    address = caller(request)
    return address is not None and any(address in ip_network(network) for network in settings.OPERATIONS_NETWORKS)

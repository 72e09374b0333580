"""What Wix's answers mean: a JSON object, or an error that says what the caller should do."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings

from wix.client.fields import list_in, object_in, objects, text_in
from workers.errors import AccountRefused, PermanentError, ProviderFailure, RateLimited, TooFast
from workers.outbound import retry_after
from workers.texts import cut, parsed_json

# Wix says "wait a minute and retry" and documents no Retry-After.
_THROTTLED_SECONDS = 60.0


class WixRefused(PermanentError):
    """An answer of 4xx, with what Wix says is wrong: its `application_code`, or the `rules` that fields break."""

    def __init__(
        self, code: str, message: str, *, status: int, application_code: str = "", rules: tuple[str, ...] = ()
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.application_code = application_code
        self.rules = rules


class NotConnected(PermanentError):
    """Our app is no longer on the site, as far as Wix lets us know. This says nothing of Wix, nor of any other site."""

    def __init__(self, status: int) -> None:
        super().__init__(
            "wix_not_connected", f"Wix gives no access to this site ({status}): the app was removed there."
        )
        self.status = status


def understood(answer: requests.Response, raw: bytes) -> dict[str, Any]:
    """Return the JSON object that Wix sent. Raises RateLimited, ProviderFailure, AccountRefused, WixRefused."""
    try:
        body = parsed_json(raw) if raw else {}
    except ValueError:
        body = None
    if answer.status_code == 429:
        wait = retry_after.seconds(answer.headers)
        raise RateLimited(
            "wix_rate_limited",
            "Wix asks this site's calls to wait.",
            retry_in=None if wait is None else max(1.0, wait),
            guess=_THROTTLED_SECONDS,
            too_fast=TooFast.RATE,
        )
    if answer.status_code >= 500:
        raise ProviderFailure("wix_unavailable", f"Wix answered {answer.status_code}.")
    if 300 <= answer.status_code < 400:
        message = f"Wix sends us elsewhere ({answer.status_code}); an operator must look at WIX_BASE_URL."
        # A host for uploads is named by Wix each time, and is no matter of our settings.
        at_the_api = urlsplit(answer.url).netloc == urlsplit(settings.WIX_BASE_URL).netloc
        raise AccountRefused("provider_misconfigured", message, for_all=at_the_api)
    if answer.status_code >= 400:
        raise _refusal(answer.status_code, body if isinstance(body, dict) else {})
    if not isinstance(body, dict):
        raise ProviderFailure("wix_unavailable", "Wix sent something that is not a JSON object.")
    return body


def _refusal(status: int, body: dict[str, Any]) -> WixRefused:
    """Read an error body: an applicationError, a validationError, or neither. The token endpoint's is OAuth's, {"error": code}.

    Any part may be missing, or be of another type.
    """
    details = object_in(body, "details")
    application = object_in(details, "applicationError")
    violations = objects(list_in(object_in(details, "validationError"), "fieldViolations"))
    said = application.get("description") or body.get("message") or ""
    if violations:
        said = "; ".join(f"{found.get('field')}: {found.get('description')}" for found in violations[:3])
    return WixRefused(
        "wix_rejected",
        cut(f"Wix refused the request ({status}): {said}", 300),
        status=status,
        application_code=str(application.get("code", "") or body.get("error", "")),
        rules=tuple(rule for found in violations if (rule := text_in(found, "ruleName"))),
    )

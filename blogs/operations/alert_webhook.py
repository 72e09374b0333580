"""One request to ALERT_WEBHOOK_URL. The address is a secret (Slack's is all that one needs to post there): no log line and no error
of ours repeats it, and no redirect is followed with what it was sent.
"""

from __future__ import annotations

import ipaddress
import json
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from django.conf import settings

from workers import outbound
from workers.context.departure import timeouts
from workers.errors import PermanentError, TransientError, WorkError
from workers.limits import Limit
from workers.models import AlertNotice
from workers.outbound import Call
from workers.outbound.transports import RequestsAdapter

FORMS = ("slack", "generic")
_SECONDS = 10.0
_SIGNS = {"critical": ":red_circle:", "warning": ":large_yellow_circle:"}


def send(notice: AlertNotice, *, is_over: bool) -> None:
    """Tell of an alert's begin or end. Raises WorkError where the receiver did not take it."""
    url = settings.ALERT_WEBHOOK_URL
    if not is_safe(url):
        raise PermanentError("alert_webhook_unsafe", "ALERT_WEBHOOK_URL must be an https address.")
    body = json.dumps(payload(notice, is_over=is_over)).encode()

    def post(call: Call) -> None:
        limits = timeouts()
        with requests.Session() as session:
            session.trust_env = False
            for scheme in ("http://", "https://"):
                session.mount(scheme, RequestsAdapter())
            answer = session.post(
                url,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=(limits["connect"], limits["read"]),
                allow_redirects=False,
            )
        if not 200 <= answer.status_code < 300:
            raise TransientError("alert_webhook_refused", f"The alert webhook answered {answer.status_code}.")

    outbound.call(_PROVIDER, "post", post, limit=Limit("alert_webhook"), seconds=_SECONDS)


def is_safe(url: str) -> bool:
    """Tell whether alerts may be sent there: by https, or in development to this machine."""
    try:
        named = urlsplit(url)
        host = named.hostname or ""
    except ValueError:
        return False
    return bool(host) and (named.scheme == "https" or (named.scheme == "http" and settings.DEBUG and _is_here(host)))


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def payload(notice: AlertNotice, *, is_over: bool) -> dict[str, Any]:
    if settings.ALERT_WEBHOOK_FORM == "slack":
        return {"text": _text(notice, is_over=is_over)}
    return {
        "id": f"{notice.pk}-{'cleared' if is_over else 'firing'}",
        "status": "cleared" if is_over else "firing",
        "alert": notice.name,
        "severity": notice.severity,
        "subject": notice.subject,
        "message": notice.message,
        "firedAt": notice.fired_at.isoformat(),
        "clearedAt": notice.cleared_at.isoformat() if is_over and notice.cleared_at else None,
        "runbook": f"docs/runbook.md#{notice.name}",
        "release": settings.RELEASE,
    }


def _text(notice: AlertNotice, *, is_over: bool) -> str:
    """Slack reads <, > and & as its own signs."""
    message = notice.message.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if is_over:
        return f":white_check_mark: *{notice.name}* is over. It was: {message}"
    return f"{_SIGNS[notice.severity]} *{notice.name}* ({notice.severity}): {message} See docs/runbook.md#{notice.name}"


def _explain(error: Exception) -> WorkError:
    """No failure of this receiver's may open a breaker: that would be an alert of its own."""
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return TransientError("timeout", "The alert webhook did not answer in time.")
    return TransientError("alert_webhook_unreachable", "The alert webhook could not be reached.")


_PROVIDER = outbound.Provider(
    "alert_webhook", raises=(requests.RequestException, urllib3.exceptions.HTTPError), explain=_explain
)

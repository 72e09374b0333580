"""One HTTP exchange with Wix, as it is: without a site's token and without another try."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import requests
import urllib3
from django.conf import settings

from wix.client import answers
from workers import outbound
from workers.context.departure import timeouts
from workers.context.process_memory import remembered
from workers.database.connections import release_connection
from workers.errors import ProviderFailure, WorkError
from workers.limits import Limit
from workers.outbound import Call
from workers.outbound.transports import RequestsAdapter

_sessions = threading.local()
# What was just written may be read stale. An answer's mark, sent along with the site's next requests, asks for no older state.
_CONSISTENT = "X-Wix-Consistent"
_JSON = {"Content-Type": "application/json"}
_CONSISTENT_SITES, _MARK_MAX = 1_000, 1_000
_consistent: dict[str, str] = remembered({})


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    operation: str
    seconds: float
    body: Any = None
    params: Any = None
    before_sending: Callable[[], None] | None = None


def exchange(
    provider: outbound.Provider,
    limit: Limit,
    wanted: Request,
    headers: dict[str, str] | None = None,
    *,
    patience: float = math.inf,
) -> dict[str, Any]:
    """Make one outbound call of one request. Raises what `answers.understood` does, and what the outbound door does.

    `patience`: how many seconds it may wait for its place in the limit.
    """

    def once(call: Call) -> dict[str, Any]:
        return send(wanted, limit.key, headers or {}, call)

    return outbound.call(provider, wanted.operation, once, limit=limit, seconds=wanted.seconds, patience=patience)


def send(wanted: Request, instance_id: str, headers: dict[str, str], call: Call) -> dict[str, Any]:
    """Send one request from inside of an outbound call, and read its answer."""
    if wanted.before_sending:
        wanted.before_sending()
        release_connection()
    limits = timeouts()
    answer = _session().request(
        wanted.method,
        urljoin(settings.WIX_BASE_URL.rstrip("/") + "/", wanted.path.removeprefix("/")),
        data=_encoded(wanted.body),
        params=wanted.params,
        headers={**_JSON, **headers, **_last_written(instance_id)},
        timeout=(limits["connect"], limits["read"]),
        allow_redirects=False,
    )
    with answer:
        call.request_id = answer.headers.get("x-wix-request-id", "")
        _note_written(instance_id, answer.headers.get(_CONSISTENT))
        return answers.understood(answer, answer.content)


def _encoded(body: Any) -> bytes | None:
    """Write JSON in UTF-8 and not in escapes: these make a Cyrillic article three times as large, and Wix takes 400 KB."""
    if body is None or isinstance(body, bytes):
        return body
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _last_written(instance_id: str) -> dict[str, str]:
    mark = _consistent.get(instance_id)
    return {_CONSISTENT: mark} if mark else {}


def _note_written(instance_id: str, mark: str | None) -> None:
    # One that no header can carry, or none that a server takes, would keep all further requests of the site from leaving.
    if mark and len(mark) <= _MARK_MAX and mark.isascii() and mark.isprintable():
        if len(_consistent) >= _CONSISTENT_SITES:
            _consistent.clear()
        _consistent[instance_id] = mark


def _session() -> requests.Session:
    """Return this thread's session: requests' sessions are not made to be shared."""
    if not hasattr(_sessions, "session"):
        _sessions.session = requests.Session()
        _sessions.session.trust_env = False
        for scheme in ("http://", "https://"):
            _sessions.session.mount(scheme, RequestsAdapter())
    session: requests.Session = _sessions.session
    return session


def _explain(error: Exception) -> WorkError:
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return ProviderFailure("timeout", "Wix did not answer in time.")
    return ProviderFailure("wix_unavailable", "The connection to Wix broke.")


_BROKEN = (requests.RequestException, urllib3.exceptions.HTTPError, RecursionError)
WIX = outbound.Provider("wix", raises=_BROKEN, explain=_explain)
# A breaker of its own: while a wrong secret or an outage keeps us from new tokens, sites that have one go on.
WIX_TOKEN = outbound.Provider("wix", raises=_BROKEN, explain=_explain, part="token")
# A breaker of its own, too: web requests wait for this one.
WIX_TOKEN_INFO = outbound.Provider("wix", raises=_BROKEN, explain=_explain, part="token_info")

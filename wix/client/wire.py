"""How we talk to Wix: one request through the outbound door, with the site's own token and its own limit."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from django.conf import settings

from wix.client import access_tokens
from workers import outbound
from workers.context.departure import timeouts
from workers.database.connections import release_connection
from workers.errors import (
    AccountRefused,
    PermanentError,
    ProviderFailure,
    RateLimited,
    TooFast,
    TransientError,
    WorkError,
)
from workers.limits import Limit
from workers.outbound import Call, retry_after
from workers.outbound.transports import RequestsAdapter

# Products of a page of 100 with descriptions stay far below; more is not an answer that we asked for.
_MAX_BYTES = 16 * 1024 * 1024
# Wix says "wait a minute and retry" and documents no Retry-After.
_THROTTLED_SECONDS = 60.0
_TOKEN = "token"
_TOKEN_SECONDS = 30.0
_WRONG_SECRET = "invalid_client"

_sessions = threading.local()
# What was just written may be read stale. An answer's mark, sent along with the site's next requests, asks for no older state.
_CONSISTENT = "X-Wix-Consistent"
_JSON = {"Content-Type": "application/json"}
_CONSISTENT_SITES = 1_000
_consistent: dict[str, str] = {}


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
    """The app is not on this site any more, as far as Wix lets us know. Says nothing of Wix, nor of any other site."""

    def __init__(self, status: int) -> None:
        super().__init__(
            "wix_not_connected", f"Wix gives no access to this site ({status}): the app was removed there."
        )
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    operation: str
    seconds: float
    body: Any = None
    params: Any = None
    before_sending: Callable[[], None] | None = None
    may_be_gone: bool = False
    """Asked of sites that may have removed the app just now: no token is an answer then, and not a failure of Wix's."""


def request(instance_id: str, method: str, path: str, *, operation: str, seconds: float, **more: Any) -> dict[str, Any]:
    """One call for a site, with `body`, `params` or `before_sending` if given; with a stale token it tries once more.

    Raises WixRefused (4xx), RateLimited, TransientError; with `may_be_gone`, NotConnected.
    """
    wanted = Request(method, path, operation, seconds, **more)

    def fetch() -> tuple[str, float]:
        return _fetch_token(instance_id, wanted)

    token = access_tokens.current(instance_id, fetch)
    try:
        return _at_site(instance_id, wanted, token)
    except WixRefused as refused:
        if refused.status != 401:
            raise
    return _at_site(instance_id, wanted, access_tokens.renewed(instance_id, token, fetch))


def upload(instance_id: str, url: str, content: bytes, mime_type: str, *, seconds: float) -> dict[str, Any]:
    """Bytes to an address that Wix gave us. It carries its own permission: no token of ours goes there.

    Raises WixRefused (4xx), RateLimited, TransientError.
    """
    if urlsplit(url).scheme != urlsplit(settings.WIX_BASE_URL).scheme:
        raise TransientError("wix_unavailable", "Wix named an upload address of another kind.")
    wanted = Request("PUT", url, "media_upload", seconds, body=content)
    return exchange(WIX, Limit("wix", key=instance_id), wanted, {"Content-Type": mime_type})


def pick(answer: Any, *path: str | int) -> Any:
    """The value at a path that must be there; TransientError where Wix's answer has another shape."""
    for step in path:
        try:
            answer = answer[step]
        except (KeyError, IndexError, TypeError):
            raise TransientError("wix_unavailable", f"Wix's answer lacks {'.'.join(map(str, path))}.") from None
    return answer


def _at_site(instance_id: str, wanted: Request, token: str) -> dict[str, Any]:
    return exchange(WIX, Limit("wix", key=instance_id), wanted, {"Authorization": token})


def _fetch_token(instance_id: str, asked_for: Request) -> tuple[str, float]:
    """The token, and for how many seconds it is good."""
    credentials = {
        "grant_type": "client_credentials",
        "client_id": settings.WIX_APP_ID,
        "client_secret": settings.WIX_APP_SECRET,
        "instance_id": instance_id,
    }
    wanted = Request(
        "POST", "/oauth2/token", _TOKEN, _TOKEN_SECONDS, body=credentials, may_be_gone=asked_for.may_be_gone
    )
    answer = exchange(WIX_TOKEN, Limit("wix", key=instance_id), wanted)
    lasts = answer.get("expires_in")
    return str(pick(answer, "access_token")), float(lasts) if isinstance(lasts, int | float) else 0.0


def exchange(
    provider: outbound.Provider, limit: Limit, wanted: Request, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """One call as it is, without a site's token or another try."""

    def send(call: Call) -> dict[str, Any]:
        try:
            return _sent(wanted, limit.key, headers or {}, call)
        except WixRefused as refused:
            if wanted.operation != _TOKEN:
                raise
            if refused.application_code != _WRONG_SECRET or not settings.WIX_APP_SECRET_PREVIOUS:
                raise _no_access(refused, wanted.may_be_gone) from None
        # The new secret is ours already, and not yet Wix's. Asked here, before anybody judges the account.
        previous = {**wanted.body, "client_secret": settings.WIX_APP_SECRET_PREVIOUS}
        try:
            return _sent(replace(wanted, body=previous), limit.key, headers or {}, call)
        except WixRefused as refused:
            raise _no_access(refused, wanted.may_be_gone) from None

    return outbound.call(provider, wanted.operation, send, limit=limit, seconds=wanted.seconds)


def _sent(wanted: Request, instance_id: str, headers: dict[str, str], call: Call) -> dict[str, Any]:
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
        stream=True,
    )
    with answer:
        call.request_id = answer.headers.get("x-wix-request-id", "")
        _note_written(instance_id, answer.headers.get(_CONSISTENT))
        return _understood(answer, _read(answer))


def _encoded(body: Any) -> bytes | None:
    """As UTF-8 and not in escapes, which would make a Cyrillic article three times as large, and Wix takes 400 KB."""
    if body is None or isinstance(body, bytes):
        return body
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _last_written(instance_id: str) -> dict[str, str]:
    mark = _consistent.get(instance_id)
    return {_CONSISTENT: mark} if mark else {}


def _note_written(instance_id: str, mark: str | None) -> None:
    if mark:
        if len(_consistent) >= _CONSISTENT_SITES:
            _consistent.clear()
        _consistent[instance_id] = mark


def _session() -> requests.Session:
    """One a thread: requests' sessions are not made to be shared."""
    if not hasattr(_sessions, "session"):
        _sessions.session = requests.Session()
        _sessions.session.trust_env = False
        for scheme in ("http://", "https://"):
            _sessions.session.mount(scheme, RequestsAdapter())
    session: requests.Session = _sessions.session
    return session


def _read(answer: requests.Response) -> bytes:
    """All of it, if it isn't too much."""
    chunks = bytearray()
    while chunk := answer.raw.read1(64 * 1024, decode_content=True):
        chunks += chunk
        if len(chunks) > _MAX_BYTES:
            raise TransientError("wix_unavailable", "Wix sent an answer that is too large.")
    return bytes(chunks)


def _understood(answer: requests.Response, raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        body = None
    if answer.status_code == 429:
        wait = retry_after.seconds(answer.headers)
        raise RateLimited(
            "wix_rate_limited",
            "Wix asks this site's calls to wait.",
            retry_in=_THROTTLED_SECONDS if wait is None else max(1.0, wait),
            too_fast=TooFast.RATE,
        )
    if answer.status_code >= 500:
        raise ProviderFailure("wix_unavailable", f"Wix answered {answer.status_code}.")
    if answer.status_code >= 300:
        raise _refusal(answer.status_code, body if isinstance(body, dict) else {})
    if not isinstance(body, dict):
        raise ProviderFailure("wix_unavailable", "Wix sent something that is not a JSON object.")
    return body


def _refusal(status: int, body: dict[str, Any]) -> WixRefused:
    """Wix's error body has an applicationError or a validationError, or nothing; its token endpoint's is OAuth's, {"error": code}.
    Anything may be missing."""
    details = body.get("details") if isinstance(body.get("details"), dict) else {}
    assert isinstance(details, dict)
    application = details.get("applicationError") or {}
    violations = (details.get("validationError") or {}).get("fieldViolations") or []
    said = application.get("description") or body.get("message") or ""
    if violations:
        said = "; ".join(f"{found.get('field')}: {found.get('description')}" for found in violations[:3])
    return WixRefused(
        "wix_rejected",
        f"Wix refused the request ({status}): {said}"[:300],
        status=status,
        application_code=str(application.get("code", "") or body.get("error", "")),
        rules=tuple(str(found.get("ruleName")) for found in violations if found.get("ruleName")),
    )


def _no_access(refused: WixRefused, may_be_gone: bool) -> PermanentError:
    """What a removed app gets is not documented: any refusal means that we are not connected, but for the one that OAuth keeps
    for a wrong id or secret, which must not make all sites look removed."""
    if may_be_gone and refused.status >= 400 and refused.application_code != _WRONG_SECRET:
        return NotConnected(refused.status)
    return AccountRefused(
        "wix_auth_lost",
        f"Wix gives no access to this site ({refused.status}): "
        "the app was removed there, or the app's id or secret is wrong.",
    )


def _explain(error: Exception) -> WorkError:
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return ProviderFailure("timeout", "Wix did not answer in time.")
    return ProviderFailure("wix_unavailable", "The connection to Wix broke.")


_BROKEN = (requests.RequestException, urllib3.exceptions.HTTPError)
WIX = outbound.Provider("wix", raises=_BROKEN, explain=_explain)
# While a wrong secret or an outage keeps us from new tokens, sites that have one go on.
WIX_TOKEN = outbound.Provider("wix", raises=_BROKEN, explain=_explain, part="token")
# Web requests wait for this one.
WIX_TOKEN_INFO = outbound.Provider("wix", raises=_BROKEN, explain=_explain, part="token_info")

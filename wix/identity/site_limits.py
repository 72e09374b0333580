"""How much one site may ask of this service, as a process knows it without asking anything: who a credential belongs to, who has
asked too much, and the header fields that say so.

What is remembered here lets no request in. It only shares the threads out by sites, and refuses a site that is over its limit
before any statement is sent for it. The fields are those of draft-ietf-httpapi-ratelimit-headers-11.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from workers.context.process_memory import Latest, remembered

POLICY_FIELD, STATE_FIELD = "RateLimit-Policy", "RateLimit"
_A_MINUTE, _AT_ONCE = '"requests"', '"at-once"'
# Each takes some hundred bytes.
_KEPT = 20_000

_lock = threading.Lock()
_sites: Latest[bytes, int] = remembered(Latest(_KEPT))
_over_until: Latest[int, float] = remembered(Latest(_KEPT))


def credential_of(meta: Mapping[str, Any]) -> bytes:
    """Return the Authorization header as its bytes came, of WSGI's environment; b"" where there is none."""
    return str(meta.get("HTTP_AUTHORIZATION", "")).strip().encode("latin-1", "replace")


def learn(credential: bytes, site_id: int) -> None:
    """Remember for which site this Authorization header was just let in."""
    digest = hashlib.sha256(credential).digest()
    if _sites.get(digest) != site_id:
        with _lock:
            _sites[digest] = site_id


def forget(credential: bytes) -> None:
    """Forget whose this Authorization header was: it was just refused. Or who holds a revoked key could use up the site's share."""
    digest = hashlib.sha256(credential).digest()
    if digest in _sites:
        with _lock:
            _sites.pop(digest, None)


def site_of(credential: bytes) -> int | None:
    """Return the site that this Authorization header was let in for lately; None for a stranger's."""
    return _sites.get(hashlib.sha256(credential).digest())


def note_over(site_id: int, seconds: float) -> None:
    """Remember for some seconds that a site has sent too many requests."""
    with _lock:
        _over_until[site_id] = time.monotonic() + seconds


def seconds_over(site_id: int) -> int:
    """Return for how long yet the site has sent too many requests; 0: it has not."""
    until = _over_until.get(site_id)
    if until is None:
        return 0
    if (left := until - time.monotonic()) > 0:
        return math.ceil(left)
    with _lock:
        _over_until.pop(site_id, None)
    return 0


def policy() -> str:
    """Say how many requests a site may send a minute, and at once to one process (`RateLimit-Policy`)."""
    a_minute, at_once = settings.SITE_REQUESTS_PER_MINUTE, settings.SITE_REQUESTS_AT_ONCE
    return f'{_A_MINUTE};q={a_minute};w=60, {_AT_ONCE};q={at_once};qu="concurrent-requests"'


def state(left: int, seconds: int) -> str:
    """Say how many requests are left until the window ends in `seconds` (`RateLimit`)."""
    return f"{_A_MINUTE};r={max(0, left)};t={seconds}"


def state_at_once() -> str:
    """Say that no further request may be sent at once with those that are being answered."""
    return f"{_AT_ONCE};r=0;t=1"

"""Keeps Wix's access tokens for sites: each is fetched once in four hours, by any number of workers with any number of restarts.

A token is kept in this process, and sealed in the database for all others. Where no process has one, a thread claims the fetch in
the row (`fetching_until`) and asks Wix. The other threads of its process wait for that thread; other processes look at the row
again and again. No connection and no lock of the database is held meanwhile: that is why this isn't an advisory lock.

A token that Wix refuses is forgotten only if it is still the one that is kept. So fifty threads with a stale token make one fetch.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from wix.models import AccessToken
from workers.context.deadline import remaining
from workers.context.process_memory import Latest, remembered
from workers.database.connections import briefly, release_connection
from workers.errors import RateLimited, WorkError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

Fetch = Callable[[], tuple[str, float]]
"""Asks Wix for a token; returns it, and for how many seconds it is good."""

# How long before its end a token is no longer used: one that ends in the middle of a call would cost a retry.
_MARGIN_SECONDS = 300.0
# About 1,500 bytes each. An older one is read from its row when it is needed.
_KEPT = 2_000
# How long others wait for a fetch before they take its process for dead.
_FETCH_SECONDS = 35.0
_LOOK_AGAIN_SECONDS, _LOOK_AGAIN_MAX_SECONDS = 0.1, 1.0
_AFTER_A_FAILURE_SECONDS = 10.0

_lock = threading.Lock()
_known: Latest[str, tuple[str, float]] = remembered(Latest(_KEPT))
_fetches: dict[str, Future[str]] = {}


def current(instance_id: str, fetch: Fetch) -> str:
    """Return a site's token. Raises what `fetch` does; RateLimited where another thread's fetch has just failed."""
    with _lock:
        token, ends_at = _known.get(instance_id, ("", 0.0))
        if time.monotonic() < ends_at:
            return token
        others = _fetches.get(instance_id)
        if others is None:
            mine = _fetches[instance_id] = Future()
    return _of_another_thread(others) if others else _for_all_threads(instance_id, fetch, mine)


def renewed(instance_id: str, refused: str, fetch: Fetch) -> str:
    """Return another token than this one, which Wix has refused. Raises as `current`."""
    with _lock:
        if _known.get(instance_id, ("", 0.0))[0] == refused:
            del _known[instance_id]
    sealed, _ = _row(instance_id)
    if sealed and _unsealed(instance_id, sealed) == refused:
        _execute(_FORGET, id=instance_id, seen=sealed)
    return current(instance_id, fetch)


def forget(instance_id: str | UUID) -> None:
    """Remove a site's token: the app was removed from the site."""
    with _lock:
        _known.pop(str(instance_id), None)
    AccessToken.objects.filter(pk=instance_id).delete()


def prune() -> None:
    _execute(_PRUNE)


# --- In this process --------------------------------------------------------------------------------------------------


def _for_all_threads(instance_id: str, fetch: Fetch, awaited: Future[str]) -> str:
    try:
        token, seconds = _from_row_or_wix(instance_id, fetch)
    except BaseException as error:
        with _lock:
            del _fetches[instance_id]
        awaited.set_exception(error)
        raise
    with _lock:
        _known[instance_id] = (token, time.monotonic() + seconds - _MARGIN_SECONDS)
        del _fetches[instance_id]
    awaited.set_result(token)
    return token


def _of_another_thread(fetch: Future[str]) -> str:
    """Wait for the thread that fetches. If it fails, this thread's work is put off, and will make a fetch of its own."""
    release_connection()
    try:
        error = fetch.exception(min(remaining(), _FETCH_SECONDS))
    except TimeoutError:
        error = None
        if not fetch.done():
            message = "Another call has been asking for this site's token for too long."
            raise RateLimited("wix_unavailable", message, guess=_AFTER_A_FAILURE_SECONDS) from None
    if error is None:
        return fetch.result()
    code, message = "wix_unavailable", "Another call asked for this site's token in vain."
    if isinstance(error, WorkError):
        code, message = error.code, error.message
    if isinstance(error, RateLimited) and not error.is_guess:
        raise RateLimited(code, message, retry_in=error.retry_in)
    raise RateLimited(code, message, guess=getattr(error, "retry_in", _AFTER_A_FAILURE_SECONDS))


# --- In the database --------------------------------------------------------------------------------------------------

_READ = """
SELECT sealed, extract(epoch FROM expires_at - clock_timestamp())::float FROM wix_accesstoken WHERE instance_id = %(id)s
"""
# Claims the fetch, for a process that has seen the row as it is. An empty `sealed` is no token: a process asks for one.
_CLAIM = """
INSERT INTO wix_accesstoken AS kept (instance_id, sealed, expires_at, fetching_until)
VALUES (%(id)s, '', clock_timestamp(), clock_timestamp() + %(seconds)s * interval '1 second')
ON CONFLICT (instance_id) DO UPDATE SET fetching_until = excluded.fetching_until
 WHERE coalesce(kept.fetching_until, '-infinity') < clock_timestamp() AND kept.sealed = %(seen)s
RETURNING sealed, 0.0
"""
# Keeps nothing where the app was removed meanwhile: then the row is gone.
_KEEP = """
UPDATE wix_accesstoken SET sealed = %(sealed)s, fetching_until = NULL,
       expires_at = clock_timestamp() + %(seconds)s * interval '1 second'
 WHERE instance_id = %(id)s
"""
_GIVE_UP = "UPDATE wix_accesstoken SET fetching_until = NULL WHERE instance_id = %(id)s"
_FORGET = "UPDATE wix_accesstoken SET sealed = '', expires_at = clock_timestamp() WHERE instance_id = %(id)s AND sealed = %(seen)s"
_PRUNE = """
DELETE FROM wix_accesstoken
 WHERE expires_at < clock_timestamp() AND coalesce(fetching_until, '-infinity') < clock_timestamp()
"""


def _from_row_or_wix(instance_id: str, fetch: Fetch) -> tuple[str, float]:
    pause = _LOOK_AGAIN_SECONDS
    while True:
        sealed, seconds = _row(instance_id)
        if seconds > _MARGIN_SECONDS and (token := _unsealed(instance_id, sealed)):
            return token, seconds
        if _execute(_CLAIM, id=instance_id, seen=sealed, seconds=_FETCH_SECONDS):
            return _from_wix(instance_id, fetch)
        time.sleep(min(pause, remaining()))
        pause = min(pause * 2, _LOOK_AGAIN_MAX_SECONDS)


def _from_wix(instance_id: str, fetch: Fetch) -> tuple[str, float]:
    came = False
    try:
        token, seconds = fetch()
        came = True
    finally:
        if not came:
            _execute(_GIVE_UP, id=instance_id)
    _execute(_KEEP, id=instance_id, sealed=_sealed(instance_id, token), seconds=seconds)
    return token, seconds


def _row(instance_id: str) -> tuple[str, float]:
    """Return what is sealed in the row, and for how many seconds it is good."""
    return _execute(_READ, id=instance_id) or ("", 0.0)


@briefly
def _execute(statement: str, **parameters: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone() if cursor.description else None


# --- Sealing ----------------------------------------------------------------------------------------------------------


def _sealed(instance_id: str, token: str) -> str:
    """Encrypt a token together with its site's id, so that a row that is copied to another site is of no use there."""
    return _seal(_keys()).encrypt(f"{instance_id} {token}".encode()).decode()


def _unsealed(instance_id: str, sealed: str) -> str:
    """Decrypt a site's token; empty where that fails: it was sealed with a key that is gone, or not by us."""
    # Imported here: it takes ten megabytes, which an idle worker can do without.
    from cryptography.fernet import InvalidToken

    try:
        owner, _, token = _seal(_keys()).decrypt(sealed.encode()).decode().partition(" ")
    except (InvalidToken, UnicodeDecodeError):
        return ""
    return token if owner == instance_id else ""


def _keys() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=2)
def _seal(secrets: tuple[str, ...]) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    def key(secret: str) -> bytes:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"wix access tokens").derive(secret.encode())
        return base64.urlsafe_b64encode(derived)

    return MultiFernet([Fernet(key(secret)) for secret in secrets])

"""The first page in parts, each with a mark that changes when it does: a page that is open asks for those that have changed.

What is shown depends on the reader's rights alone, so a process keeps it for a moment for all readers with the same ones: however
many have the page open, the database is read once in that time.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass, field

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from blogs.desk.front import state
from blogs.desk.front.state import Front
from workers.context.process_memory import remembered

# In the order of the page.
PARTS = (
    "alerts",
    "plainly",
    "places",
    "pace",
    "failures",
    "providers",
    "limits",
    "stages",
    "workers",
    "shops",
    "paused",
)
# By which rights the page differs; the first one is needed for all of it.
_RIGHTS = {
    "may_look": "blogs.view_bloggeneration",
    "may_pause_lines": "blogs.pause_lines",
    "may_pause_providers": "workers.change_breaker",
    "may_retry": "blogs.retry_blogs",
    "may_see_sites": "wix.view_site",
    "may_see_limits": "workers.view_ratelimit",
    "may_see_workers": "workers.view_workerprocess",
    "may_see_breakers": "workers.view_breaker",
    "may_see_spend": "workers.view_spend",
}
# Less than lies between two questions of an open page.
_FRESH_SECONDS = 3.0

Reader = AbstractBaseUser | AnonymousUser


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    html: SafeString
    mark: str


@dataclass(frozen=True, slots=True)
class Shown:
    """All parts as these rights see them, and when the database was read."""

    at: str
    parts: list[Part]


@dataclass(slots=True)
class _Moment:
    """What was read last, and what was made of it for each set of rights."""

    read_at: float = float("-inf")
    front: Front | None = None
    shown: dict[tuple[bool, ...], Shown] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, front: Front) -> None:
        self.read_at, self.front, self.shown = time.monotonic(), front, {}

    def clear(self) -> None:
        self.read_at, self.front, self.shown = float("-inf"), None, {}


_moment = remembered(_Moment())


def may_look(user: Reader) -> bool:
    return isinstance(user, PermissionsMixin) and user.has_perm(_RIGHTS["may_look"])


def rights(user: Reader) -> dict[str, bool]:
    return {name: isinstance(user, PermissionsMixin) and user.has_perm(right) for name, right in _RIGHTS.items()}


def now(user: Reader) -> Shown:
    """Read everything, for somebody who opens the page. An open page is not told of an older moment after that."""
    front = state.read()
    if _moment.lock.acquire(blocking=False):
        try:
            _moment.keep(front)
        finally:
            _moment.lock.release()
    return _shown(front, rights(user))


def lately(user: Reader) -> Shown:
    """Return what was read a moment ago, for a page that is open.

    While one thread reads, all others show what was read before that: a slow database keeps one thread, not one for each open page.
    """
    may = rights(user)
    key = tuple(may.values())
    if not _moment.lock.acquire(blocking=False):
        if before := _moment.shown.get(key):
            return before
        _moment.lock.acquire()
    try:
        front = _moment.front
        if front is None or time.monotonic() - _moment.read_at > _FRESH_SECONDS:
            front = state.read()
            _moment.keep(front)
        if key not in _moment.shown:
            _moment.shown[key] = _shown(front, may)
        return _moment.shown[key]
    finally:
        _moment.lock.release()


def _shown(front: Front, may: dict[str, bool]) -> Shown:
    parts = [_part(name, front, may) for name in PARTS]
    return Shown(f"{front.at:%H:%M:%S}", parts)


def _part(name: str, front: Front, may: dict[str, bool]) -> Part:
    html = render_to_string(f"admin/front/{name}.html", {"now": front, **may})
    # A mark, no seal: it only tells two states of a page apart.
    return Part(name, html, hashlib.blake2b(html.encode(), digest_size=6).hexdigest())

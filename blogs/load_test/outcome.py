"""What became of a load test's blogs: waits until each has ended, and watches the shared limits meanwhile."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from blogs.models import BlogGeneration, Status
from blogs.operations import health

_LOOK_SECONDS, _TELL_SECONDS = 1.0, 10.0
_FINAL = (Status.DONE, Status.FAILED, Status.CANCELLED)


@dataclass(slots=True)
class Outcome:
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: float = 0
    """From the first request to the last look."""
    highest_use: dict[str, float] = field(default_factory=dict)
    """The largest share of each shared limit that was used within a minute."""
    rejections: int = 0
    """How often a provider answered 429 meanwhile, to anyone."""

    @property
    def unfinished(self) -> int:
        return sum(number for status, number in self.statuses.items() if status not in _FINAL)

    @property
    def blogs_per_minute(self) -> float:
        return round(60 * self.statuses[Status.DONE] / self.seconds, 1) if self.seconds else 0.0


def wait(blogs: Sequence[int], began: float, longest: float, tell: Callable[[str], None]) -> Outcome:
    """Return when all have ended, or after `longest` seconds. `began` is when the first request was sent, by `time.monotonic`."""
    found, before, waits_from = Outcome(), _rejections(), time.monotonic()
    told_at = waits_from
    while True:
        _look(found, blogs, began)
        now = time.monotonic()
        if not found.unfinished or now - waits_from >= longest:
            break
        if now - told_at >= _TELL_SECONDS:
            told_at = now
            tell(f"{found.statuses[Status.DONE]:,} of {len(blogs):,} DONE, {found.blogs_per_minute:g} a minute")
        time.sleep(min(_LOOK_SECONDS, longest - (now - waits_from)))
    found.rejections = _rejections() - before
    return found


def _look(found: Outcome, blogs: Sequence[int], began: float) -> None:
    found.statuses = Counter(BlogGeneration.objects.filter(pk__in=blogs).values_list("status", flat=True))
    found.seconds = time.monotonic() - began
    for limit in health.shared_limits():
        for unit in ("requests", "tokens"):
            if unit in limit:
                name = f"{limit['provider']} {unit}"
                found.highest_use[name] = max(found.highest_use.get(name, 0.0), _share(limit[unit]))


def _share(use: dict[str, Any]) -> float:
    return round(use["usedLast60Seconds"] / use["limit"], 3) if use["limit"] else 0.0


def _rejections() -> int:
    return sum(limit["rejections"] for limit in health.shared_limits())

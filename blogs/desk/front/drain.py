"""How long it takes until no blog waits, if none came and the pace stayed as it is."""

from __future__ import annotations

from blogs.desk.base import span
from blogs.desk.blogs.places import Place
from blogs.desk.front.ended import Ended
from blogs.operations.health import Service

# Over how many whole minutes the pace is taken.
_MINUTES = 5
# What workers can work on now. All else waits for a person, a provider or a time.
_WORKABLE = ("ready", "processing")


def forecast(service: Service, places: list[Place], lately: Ended) -> tuple[str, str]:
    """Return the time in words, and by which pace or why there is none."""
    left = sum(place.count for place in places if place.name in _WORKABLE)
    pace = lately.a_minute(_MINUTES)
    if service.queue["paused"] and any(place.count for place in places):
        return "never", "all lines are paused"
    if not left:
        return "now", "no blog waits that could start"
    if not service.workers:
        return "never", "no worker is alive"
    if not pace:
        return "unknown", f"no blog has ended in the last {_MINUTES} minutes"
    return span(
        left / pace * 60
    ), f"at {pace:,.0f} a minute, as in the last {_MINUTES}" if pace >= 1 else "at under one a minute"

"""The pace: how much all workers together should have in flight, so that the shared limits are used up and little waits for them.

By Little's law that is the limit's rate times the seat-seconds that go with one unit of it, for the limit that is reached first;
times a headroom, because works differ. Waiting for a limit is not counted as work: otherwise waiting would ask for more of it. The
rest waits in the fair line and not on threads, so that a newcomer's turn can come before it.

Each worker measures for itself and takes its share by its threads. (Counting what is in flight under the claim lock would be
exact, but while a dump or export keeps an old snapshot open, such a count steps over all that has run since.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from django.conf import settings

from workers import limits, metrics

# How many works the expectation before the first measurement counts for, and how many measured works are remembered. It goes by
# works and not by time, because an outage or a quiet night teaches nothing about how long a work takes.
_EXPECTED_WORKS, _REMEMBERED_WORKS = 20, 100

# (provider, "requests" or "tokens")
Unit = tuple[str, str]


class Crew(NamedTuple):
    """The threads of all living workers that aren't leaving, as one of them sees them: in the order of their ids."""

    before: int
    mine: int
    after: int
    left_in_flight: int
    """On the seats of workers that are leaving."""

    @property
    def threads(self) -> int:
        return self.before + self.mine + self.after


@dataclass(slots=True)
class Pace:
    """Measures what works take. It begins with what one work is expected to take: seat-seconds, and units of each shared limit."""

    seconds: float
    use: dict[Unit, float]
    _of_one: dict[Unit, float] = field(default_factory=dict)
    _seen: dict[Unit, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._of_one = dict(self.use)
        self._scale(_EXPECTED_WORKS)
        self._seen = {unit: _reserved(unit) for unit in self.use}

    def beat(self, at_work: int, seconds: float) -> None:
        """Count the `seconds` since the last beat, in which `at_work` threads worked and did not wait for a shared limit."""
        self.seconds += max(0, at_work) * seconds
        for unit, before in self._seen.items():
            self._seen[unit] = _reserved(unit)
            self.use[unit] += self._seen[unit] - before
        works = max((used / self._of_one[unit] for unit, used in self.use.items()), default=0)
        if works > _REMEMBERED_WORKS:
            self._scale(_REMEMBERED_WORKS / works)

    def in_flight(self) -> float:
        """Return how many works all workers together should have in flight; inf if no limit is used."""
        headroom: float = settings.WORKS_IN_FLIGHT_HEADROOM
        return headroom * fed(self.seconds, self.use)

    def seats(self, crew: Crew) -> int:
        """Return this worker's share by its threads. It is at least one, so that some worker uses what a dead one leaves."""
        most = min(max(0.0, self.in_flight() - crew.left_in_flight), crew.threads)
        share = most / max(crew.threads, 1)
        return max(1, math.floor((crew.before + crew.mine) * share) - math.floor(crew.before * share))

    def _scale(self, by: float) -> None:
        self.seconds *= by
        self.use = {unit: used * by for unit, used in self.use.items()}


def fed(seconds: float, use: Mapping[Unit, float]) -> float:
    """Return how many works the shared limits feed at once, if works take `seconds` and `use` together; inf if no limit is used."""
    return min((limits.rate(*unit) * seconds / used for unit, used in use.items() if used > 0), default=math.inf)


def workers_wanted(works: int, in_flight: float, threads: int) -> int:
    """Return how many workers of `threads` each the `works` that wait or run are worth, where `in_flight` is what the limits feed.

    At least one, also while there is nothing to do: it does the chores, and without it a first blog would wait for a machine to
    start. The last one counts although only a part of its threads is fed: without it a part of the limits would not be used.
    """
    return max(1, math.ceil(min(works, in_flight) / threads))


def _reserved(unit: Unit) -> int:
    return metrics.value(metrics.RESERVED, *unit)

"""How much all workers together should have in flight: as much as uses the shared limits up, and not what would only wait for them.

By Little's law that is the limit's rate times the seat-seconds that go with one unit of it, for the limit that is reached first;
times a headroom, because works differ. Waiting for a limit is not counted as work, or waiting would ask for more of it. So the
rest stands in the fair line, where a newcomer's turn comes before it, and not on threads.

Each worker measures for itself and takes its share by its threads. (Counting what is in flight under the claim lock would be
exact, but an old snapshot that somebody keeps open makes such a count step over all that has run since.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from django.conf import settings

from workers import limits, metrics

# What is expected before anything is seen weighs as much as so many works; and of what was seen, so many are remembered. By
# works and not by time: an outage or a quiet night teaches nothing about how long a work takes.
_EXPECTED_WORKS, _REMEMBERED_WORKS = 20, 100

# (provider, "requests" or "tokens")
Unit = tuple[str, str]


class Crew(NamedTuple):
    """All living workers that aren't leaving, as one of them sees them: threads in order of their ids."""

    before: int
    mine: int
    after: int
    # On the seats of those that are leaving.
    left_in_flight: int

    @property
    def threads(self) -> int:
        return self.before + self.mine + self.after


@dataclass(slots=True)
class Pace:
    """Begins with what one work is expected to take: seat-seconds, and of each shared limit."""

    seconds: float
    use: dict[Unit, float]
    _of_one: dict[Unit, float] = field(default_factory=dict)
    _seen: dict[Unit, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._of_one = dict(self.use)
        self._scale(_EXPECTED_WORKS)
        self._seen = {unit: _reserved(unit) for unit in self.use}

    def beat(self, at_work: int, seconds: float) -> None:
        """So many were at work, and not waiting for a shared limit, for so many seconds since the last beat."""
        self.seconds += max(0, at_work) * seconds
        for unit, before in self._seen.items():
            self._seen[unit] = _reserved(unit)
            self.use[unit] += self._seen[unit] - before
        works = max((used / self._of_one[unit] for unit, used in self.use.items()), default=0)
        if works > _REMEMBERED_WORKS:
            self._scale(_REMEMBERED_WORKS / works)

    def in_flight(self) -> float:
        """Of all workers together; inf where nothing is used of any limit."""
        most = [limits.rate(*unit) * self.seconds / used for unit, used in self.use.items() if used > 0]
        headroom: float = settings.WORKS_IN_FLIGHT_HEADROOM
        return headroom * min(most, default=math.inf)

    def seats(self, crew: Crew) -> int:
        """This worker's share, by its threads; at least one, or what a dead worker does not use would be nobody's."""
        most = min(max(0.0, self.in_flight() - crew.left_in_flight), crew.threads)
        share = most / max(crew.threads, 1)
        return max(1, math.floor((crew.before + crew.mine) * share) - math.floor(crew.before * share))

    def _scale(self, by: float) -> None:
        self.seconds *= by
        self.use = {unit: used * by for unit, used in self.use.items()}


def _reserved(unit: Unit) -> int:
    return metrics.value(metrics.RESERVED, *unit)

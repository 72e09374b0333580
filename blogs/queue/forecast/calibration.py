"""How far forecasts were off lately, and what ranges take from that: split conformal prediction over the last promises.

A forecast is a middle and a distance to the tenth on each side of it. A promise that has come true says how many such distances
the truth was off. Of the last of them, with some as the model expects them, the tenths are what the next ranges take for one
distance. So eight of ten fall inside whatever it is that the model does not know, for as long as it stays, within bounds. Each web
process reads the same promises, so all tell the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

# Between the tenths of a normal distribution and its middle.
TENTH = 1.2816
# As many promises as were expected count beside the measured ones: a few blogs that were off say little.
_EXPECTED = 100
# What a range may become: at least this part of what is expected on a side, and at most this multiple of it. With 0.6 and 1.5, 70 %
# of the starts of the simulated day's burst were inside in place of 79 %: its first promises are too early, its last ones too late.
_NARROWEST, _WIDEST = 0.9, 1.3


@dataclass(frozen=True, slots=True)
class Forecast:
    """Seconds from the moment when it was made: the middle, and the distances to the tenths."""

    middle: float
    before: float
    behind: float

    def off(self, truth: float) -> float:
        """Return by how many distances the truth was later than the middle."""
        return (truth - self.middle) / max(self.behind if truth > self.middle else self.before, 0.001)

    def then(self, other: Forecast) -> Forecast:
        """Add what comes after it and spreads by itself."""
        return Forecast(
            self.middle + other.middle, math.hypot(self.before, other.before), math.hypot(self.behind, other.behind)
        )

    def fitted(self, to: Fit) -> Forecast:
        return Forecast(self.middle, self.before * to.before, self.behind * to.behind)


@dataclass(frozen=True, slots=True)
class Fit:
    """What a distance to the tenth is multiplied by: `before` the middle, and `behind` it."""

    before: float
    behind: float


AS_EXPECTED = Fit(1.0, 1.0)
_NORMAL = NormalDist(sigma=1 / TENTH)
_PRIOR: Sequence[float] = [_NORMAL.inv_cdf((number + 0.5) / _EXPECTED) for number in range(_EXPECTED)]


def fit(offs: Iterable[float]) -> Fit:
    ordered = [*offs, *_PRIOR]
    return Fit(_bounded(-quantile(ordered, 0.1)), _bounded(quantile(ordered, 0.9)))


def _bounded(distance: float) -> float:
    return min(max(distance, _NARROWEST), _WIDEST)


def quantile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)

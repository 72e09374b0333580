"""What shops have been asking for, and since when they have asked at this pace.

Requests come at a pace that changes all at once: a shop's script begins, or ends. The last change is found by maximum likelihood
for a Poisson process: the moment that best divides what came into two even paces, as long as it divides them clearly, and within
the newer part again.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

# Of the newest blogs, every 1st, 2nd, 4th, ... or 16th is looked at: this many of them, as densely as covers the time in question.
_SAMPLED = 500
# By so much two paces have to be likelier than one, as a logarithm. A pace is one of at least this many requests, or of any number
# in at least this many seconds: of fewer at one moment nothing is known.
_CLEAR, _FEWEST, _LEAST_SECONDS = 8.0, 8, 2.0

# Of the Pareto distribution of a burst's blogs; 1 is J. R. Gott's rule. In the simulated day's burst 78 % of starts are inside by
# it; with 1.25, 81 % by ranges that are a twelfth wider, with 1.75, 73 % by ranges that are a tenth narrower.
_INDEX = 1.5

# Site and age of each that is looked at, and how many blogs it stands for. Where in its sixteen it is chosen goes by a hash: shops
# that ask in turn would else be seen every time, or never.
SAMPLE = f"""
    SELECT coalesce(jsonb_agg(jsonb_build_array(blog.site_id, greatest(0, extract(epoch FROM clock_timestamp() - blog.created_at)),
                                                dense.every)), '[]')
      FROM (SELECT max(id) AS id FROM blog_generations) AS newest
           CROSS JOIN LATERAL (
               SELECT coalesce(min(every) FILTER (
                          WHERE coalesce(covers.at < clock_timestamp() - %(lately)s * interval '1 second', true)), 16) AS every
                 FROM (VALUES (1), (2), (4), (8), (16)) AS step (every) LEFT JOIN LATERAL (
                      SELECT created_at AS at FROM blog_generations WHERE id <= newest.id - {_SAMPLED} * every
                       ORDER BY id DESC LIMIT 1) AS covers ON true) AS dense
           CROSS JOIN generate_series(0, {_SAMPLED} - 1) AS nth
           -- OFFSET: each is looked up by itself, and the table is not read whole.
           CROSS JOIN LATERAL (
               SELECT site_id, created_at, scheduled_at FROM blog_generations
                WHERE id = newest.id - nth * dense.every - abs(hashint4(nth) %% dense.every) OFFSET 0) AS blog
     WHERE blog.created_at > clock_timestamp() - %(lately)s * interval '1 second' AND blog.scheduled_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Arrivals:
    of: Mapping[int, float]
    """How many blogs each site asked for at this pace, by the site's number."""
    seconds: float
    """For how long they have been coming at this pace."""
    blogs: float = field(init=False)
    """How many of all sites."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "blogs", sum(self.of.values()))

    def goes_on(self, at_most: float) -> tuple[float, float, float]:
        """Return for how much longer they may go on to come, in parts of the time for which they have: at 1 of 10, at the half, at
        9 of 10. `at_most`: how many blogs a burst may have.

        All that is known of a burst's number of blogs is that it is no less than have come: it is taken for one of a Pareto
        distribution that begins there, cut at the most.
        """
        came, most = max(1.0, self.blogs), max(1.0, at_most)
        if came >= most:
            return 0.0, 0.0, 0.0
        low, middle, high = (_pareto(came, most, share) / came - 1 for share in (0.1, 0.5, 0.9))
        return low, middle, high

    def more(self, part: float, within: float, but_of: int | None = None) -> float:
        """Count the blogs that come within these seconds if they go on for this part of the time for which they have come."""
        came = self.blogs - (0.0 if but_of is None else self.of.get(but_of, 0.0))
        return came * min(part, within / self.seconds) if self.seconds else 0.0


def _pareto(least: float, most: float, share: float) -> float:
    """Return the number that this share of a cut Pareto distribution is below."""
    return float(((1 - share) * least**-_INDEX + share * most**-_INDEX) ** (-1 / _INDEX))


def arrivals(sample: Iterable[Sequence[float]], window: float) -> Arrivals:
    """Find out what came since the last change of pace. `sample`: site, age in seconds, and for how many blogs it stands, of those
    that came within the window."""
    found = sorted((float(age), int(site), float(stands_for)) for site, age, stands_for in sample)
    seconds = since([age for age, *_ in found], window)
    of = defaultdict[int, float](float)
    for age, site, stands_for in found:
        if age < seconds:
            of[site] += stands_for
    return Arrivals(of, min(seconds, max((age for age, *_ in found if age < seconds), default=0.0)))


def since(ages: Sequence[float], window: float) -> float:
    """Return the age of the last change of pace, or the window where there was none. `ages`: the youngest first."""
    while ages:
        gain, age, newer = max(_changes(ages, window))
        if gain < _CLEAR:
            break
        ages, window = ages[:newer], age
    return window


def _changes(ages: Sequence[float], window: float) -> Iterator[tuple[float, float, int]]:
    """Say of each moment how much likelier two paces are that change there, its age, and how many requests are newer."""
    count = len(ages)
    yield 0.0, window, count
    one = count * math.log(count / window)
    for newer, age in enumerate(ages):
        for number in (newer, newer + 1):  # it is the first of the old pace, or the last of the new one
            if (number == 0 or number >= _FEWEST or age >= _LEAST_SECONDS) and 0 < age < window:
                yield _likely(number, age) + _likely(count - number, window - age) - one, age, number


def _likely(number: int, seconds: float) -> float:
    return number * math.log(number / seconds) if number else 0.0

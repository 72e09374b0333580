"""A model of the queue as a reader would explain it: blogs in lines, and which may go next. No SQL."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

from blogs.models import Status

Pair = frozenset[int]


@dataclass
class Blog:
    pk: int
    site: int
    ready: bool
    status: Status = Status.PENDING
    priority: int = 0
    started: bool = False
    cancel_asked: bool = False
    worker: int | None = None

    @property
    def place(self) -> tuple[int, bool, int]:
        return self.priority, not self.started, self.pk


class Model:
    """Knows which blogs wait, and how far apart two lines are.

    Two lines are compared since both have waited undisturbed: not paused, not blocked by Wix, not at their share of a worker's
    seats, and with the weights that they have now.
    """

    def __init__(self, sites: list[int], seats_a_site: int) -> None:
        self.sites = sites
        self.seats_a_site = seats_a_site
        self.blogs: dict[int, Blog] = {}
        self.paused: set[int] = set()
        self.blocked: set[int] = set()
        self._weights = dict.fromkeys(sites, 1)
        self._served = dict.fromkeys(sites, 0.0)
        self._ahead_at_first: dict[Pair, float] = {}

    # --- Moves ----------------------------------------------------------------------------------------------------------

    def add(self, blog: Blog) -> None:
        self.blogs[blog.pk] = blog

    def ready(self, blog: Blog) -> None:
        blog.ready = True

    def finish(self, blog: Blog, status: Status) -> None:
        blog.status, blog.ready, blog.worker = status, False, None

    def come_back(self, blog: Blog, *, ready: bool) -> None:
        if blog.cancel_asked:
            self.finish(blog, Status.CANCELLED)
        else:
            blog.status, blog.ready, blog.worker = Status.PENDING, ready, None

    def set_weight(self, site: int, weight: int) -> None:
        self._weights[site] = weight
        self._disturb({site})

    def priority_of_the_first(self, blog: Blog) -> int | None:
        """Return the priority that `put_first` gives it; None: it can't be put first."""
        if not blog.ready and not blog.started:
            return None
        others = [other.priority for other in self.line(blog.site) if other is not blog]
        lowest = min(others, default=0)
        return None if blog.ready and blog.priority < lowest else lowest - 1

    def start(self, claimed: list[int], worker: int, seats: int) -> None:
        waiting = self.waiting()
        self._watch(waiting)
        held = Counter(blog.site for blog in self.blogs.values() if blog.worker == worker)
        starts = Counter(self.blogs[pk].site for pk in claimed)
        assert len(set(claimed)) == len(claimed), "claimed twice"
        assert len(claimed) == min(seats, sum(len(self.line(site)) for site in waiting)), "a seat stayed idle"
        for site, count in starts.items():
            assert site in waiting
            heads = self.line(site)[:count]
            assert {blog.pk for blog in heads} == {pk for pk in claimed if self.blogs[pk].site == site}
            for blog in heads:
                blog.status, blog.ready, blog.started, blog.worker = Status.PROCESSING, False, True, worker
            self._served[site] += count * self.step(site)
        self._disturb({site for site in waiting if held[site] + starts[site] >= self.seats_a_site})

    # --- Fairness -------------------------------------------------------------------------------------------------------

    def line(self, site: int) -> list[Blog]:
        return sorted((blog for blog in self.blogs.values() if blog.site == site and blog.ready), key=lambda b: b.place)

    def waiting(self) -> list[int]:
        """Return the sites that wait; from now on, new pairs of them are compared."""
        waiting = [site for site in self.sites if site not in self.paused | self.blocked and self.line(site)]
        self._watch(waiting)
        return waiting

    def step(self, site: int) -> float:
        return 1 / self._weights[site]

    def distance(self, one: int, other: int) -> float:
        """Return how many more weighted starts one has had than the other since both have waited."""
        return abs(self._ahead(one, other) - self._ahead_at_first[frozenset((one, other))])

    def _watch(self, waiting: list[int]) -> None:
        pairs = {frozenset(pair): self._ahead(*pair) for pair in combinations(waiting, 2)}
        self._ahead_at_first = {pair: self._ahead_at_first.get(pair, now) for pair, now in pairs.items()}

    def _ahead(self, one: int, other: int) -> float:
        low, high = sorted((one, other))
        return self._served[high] - self._served[low]

    def _disturb(self, sites: set[int]) -> None:
        self._ahead_at_first = {pair: ahead for pair, ahead in self._ahead_at_first.items() if not pair & sites}

"""How many workers are wanted, and what an autoscaler makes of it: a simulation of Kubernetes' rule on the real arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pytest

from workers.pool.pace import Crew, Pace, workers_wanted

TOKENS = ("openai", "tokens")
# Of 20 threads each, so that the limits feed six: 105.9 blogs at once.
THREADS, SECONDS, SYNC, START = 20, 65, 15, 30


@pytest.fixture(autouse=True)
def _limits(settings: Any) -> None:
    settings.WORKS_IN_FLIGHT_HEADROOM = 1.2
    settings.RATE_LIMITS = {"openai": {"requests": 450, "tokens": 450_000}}


@pytest.mark.parametrize(
    ("works", "in_flight", "wanted"),
    [
        (0, 105.9, 1),
        (1, 105.9, 1),
        (20, 105.9, 1),
        (21, 105.9, 2),
        (105, 105.9, 6),
        (100_000, 105.9, 6),
        (100_000, 3.0, 1),
        (100, math.inf, 5),
    ],
)
def test_as_many_as_have_something_to_do_and_no_more_than_the_limits_feed(
    works: int, in_flight: float, wanted: int
) -> None:
    assert workers_wanted(works, in_flight, THREADS) == wanted


@dataclass
class Cluster:
    """Workers, a queue, and an autoscaler with the defaults of Kubernetes' HorizontalPodAutoscaler, a step a second.

    The scaler asks every 15 s for `ceil(metric / 1)` workers, lets a tenth be, doubles at most (or adds four) at once, and goes
    down only to the most that it asked for within five minutes. A new worker starts for 30 s; one that is taken away drains.
    """

    pace: Pace
    minimum: int = 2
    maximum: int = 20
    waiting: int = 0
    wanted_most: int = 0
    workers: list[tuple[int, list[int]]] = field(
        default_factory=list
    )  # when it is ready, and when each of its blogs ends
    draining: list[list[int]] = field(default_factory=list)
    asked: list[tuple[int, int]] = field(default_factory=list)
    replicas: list[int] = field(default_factory=list)
    served: float = 0.0

    def step(self, now: int) -> None:
        for _, blogs in self.workers:
            blogs[:] = [end for end in blogs if end > now]
        self.draining = [left for blogs in self.draining if (left := [end for end in blogs if end > now])]
        self._claim(now)
        if now % SYNC == 0:
            self._scale(now)
        self.replicas.append(len(self.workers))

    def _claim(self, now: int) -> None:
        ready = [blogs for since, blogs in self.workers if since <= now]
        left = sum(len(blogs) for blogs in self.draining)
        # The limit itself: so many blogs may begin a second.
        self.served = min(self.served + 450_000 / 5_100 / 60, 3.0)
        for at, blogs in enumerate(ready):
            crew = Crew(THREADS * at, THREADS, THREADS * (len(ready) - at - 1), left)
            while self.waiting and self.served >= 1 and len(blogs) < min(THREADS, self.pace.seats(crew)):
                blogs.append(now + SECONDS)
                self.waiting, self.served = self.waiting - 1, self.served - 1

    def _scale(self, now: int) -> None:
        works = self.waiting + sum(len(blogs) for _, blogs in self.workers)
        metric = workers_wanted(works, self.pace.in_flight(), THREADS)
        self.wanted_most = max(self.wanted_most, metric)
        have = len(self.workers)
        desired = have if abs(metric / have - 1) <= 0.1 else math.ceil(metric)
        self.asked = [(at, number) for at, number in self.asked if at > now - 300] + [(now, desired)]
        if desired < have:
            desired = min(have, max(number for _, number in self.asked))
        desired = max(self.minimum, min(desired, self.maximum, max(2 * have, have + 4)))
        self.workers += [(now + START, []) for _ in range(desired - have)]
        self.draining += [blogs for _, blogs in self.workers[desired:]]
        self.workers = self.workers[:desired]


def test_a_burst_takes_two_workers_to_six_and_back_and_never_to_more_than_the_limits_feed() -> None:
    cluster = Cluster(Pace(float(SECONDS), {TOKENS: 5_100.0}), workers=[(0, []), (0, [])])

    for now in range(3_600):
        cluster.waiting += (now % 10 == 0) + (800 if now == 300 else 0)
        cluster.step(now)

    path = [cluster.replicas[0]]
    path += [here for before, here in zip(cluster.replicas, cluster.replicas[1:], strict=False) if here != before]
    assert (path[0], max(path), path[-1]) == (2, 6, 2), path
    assert path.index(6) == path.index(max(path))
    assert path == sorted(path[: path.index(6) + 1]) + sorted(path[path.index(6) + 1 :], reverse=True), "it flaps"
    assert cluster.wanted_most == 6
    assert cluster.waiting < 10


def test_without_the_limits_the_same_burst_would_ask_for_more_than_they_feed() -> None:
    assert workers_wanted(800, math.inf, THREADS) == 40

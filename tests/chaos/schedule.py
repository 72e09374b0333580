"""What happens to whom, and after how many blogs: decided by the seed before the run begins.

By blogs done and not by seconds, so that a slow machine meets the same events, and all of them while there is work in flight.
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    blogs: int
    workers: int
    threads: int
    kills: int
    zombies: int
    database_kills: int
    network_cuts: int
    give_up_seconds: float
    lease_seconds: float = 3
    database_away_seconds: tuple[float, float] = (0.5, 3)
    lost_creates: float = 0.0
    """The share of draft creates that succeed and are never answered; then reads are seconds behind, too."""

    @property
    def takes_leases(self) -> bool:
        """From workers that are alive: by stopping them, or by cutting them off."""
        return bool(self.zombies or self.network_cuts)

    @property
    def pays_twice(self) -> bool:
        """A worker that loses a lease has perhaps paid for an answer that it could not save."""
        return self.takes_leases or bool(self.kills)

    @property
    def cut_worker(self) -> int:
        """The last one is at the end of the cable, where there is one."""
        return self.workers - 1 if self.network_cuts else -1


SIZES = {
    "small": Size(200, 2, 10, kills=20, zombies=2, database_kills=1, network_cuts=0, give_up_seconds=240),
    "full": Size(5_000, 4, 10, kills=200, zombies=20, database_kills=10, network_cuts=10, give_up_seconds=810),
    # One kind of event each, short enough for every change, and held to stricter promises than a mixed run can keep.
    "cut": Size(80, 2, 10, kills=0, zombies=0, database_kills=0, network_cuts=1, give_up_seconds=90),
    # Away for less than a lease: not even a call that was paid for is made again.
    "outage": Size(
        60, 1, 20, kills=0, zombies=0, database_kills=1, network_cuts=0, give_up_seconds=90,
        lease_seconds=20, database_away_seconds=(5, 5),
    ),
    "drafts": Size(
        300, 3, 10, kills=30, zombies=0, database_kills=0, network_cuts=0, give_up_seconds=300, lost_creates=0.1
    ),
}  # fmt: skip

# Scenes of their own, without a schedule: a module of that name each.
SCENES = ("batch", "demoted", "hostile", "release", "restore", "roll")

# The rest of the blogs go through undisturbed, so that the last events find some in flight though they come late.
_DISTURBED_SHARE = 0.85
# Being cut off takes the last worker most of its time.
_KILLS_OF_CUT_WORKER = 0.35


@dataclass(frozen=True, slots=True)
class Event:
    after_done: int
    kind: str
    worker: int
    seconds: float

    def __str__(self) -> str:
        whom = "the database" if self.kind == "database_kill" else f"worker-{self.worker}"
        return f"after {self.after_done} done: {self.kind} of {whom}, {self.seconds:.1f} s"


def schedule(size: Size, seed: int) -> list[Event]:
    dice = random.Random(seed)
    others = [number for number in range(size.workers) if number != size.cut_worker]
    weights = [_KILLS_OF_CUT_WORKER if number == size.cut_worker else 1.0 for number in range(size.workers)]

    def spread(
        kind: str, count: int, workers: list[int], weights: list[float], shortest: float, longest: float
    ) -> None:
        for nth in range(count):
            moment = (nth + dice.random()) / count * size.blogs * _DISTURBED_SHARE
            worker = dice.choices(workers, weights)[0]
            events.append(Event(int(moment), kind, worker, dice.uniform(shortest, longest)))

    events: list[Event] = []
    spread("kill", size.kills, list(range(size.workers)), weights, 0, 0)
    spread("zombie", size.zombies, others, [1.0] * len(others), 4, 7)
    spread("database_kill", size.database_kills, others, [1.0] * len(others), *size.database_away_seconds)
    spread("network_cut", size.network_cuts, [size.cut_worker], [1.0], 4, 12)
    return sorted(events, key=lambda event: event.after_done)

"""What may happen to a line, played against the real SQL; each case answers its worst lag in starts.

The lag of a waiting line: how many starts it is behind its fair share. The fair share of a claim is what the lines that wait would
get of it if blogs could be cut: in proportion to their weights, and never more than they have waiting. Lag is summed from whatever
moment is worst for the line, over all claims while it waits, and is measured after each claim; a case answers the worst of any
line at any time. As blogs can't be cut, about one start is the best that is possible.

Claims are of 50 blogs over 21 sites, by one worker whose blogs end before the next claim. Here because both `make bench
NAME=fairness` and, with fewer blogs, the tests play them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.db.models.functions import Greatest

from blogs import queue
from blogs.models import BlogGeneration, QueueClock, SiteLine, Stage
from blogs.queue import lifecycle, lines, submitting
from tests.bench.filling import add_blogs, add_sites
from tests.support.factories import WorkerFactory, blog_request
from wix.models import Site
from workers.errors import PermanentError, TransientError
from workers.models import WorkerProcess

SEATS = 50
SITES = 21


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much of everything: as the issue says, or less, in tests."""

    cancelled: int = 10_000
    many: int = 5_000
    claims: int = 20

    @property
    def of_each_other(self) -> int:
        """So that all of them wait to the end of a case."""
        return 6 * self.claims


def succeed(claimed: Iterable[BlogGeneration]) -> None:
    for generation in claimed:
        lifecycle.succeed(generation, Stage.DRAFT, {}, draft_post_id=str(uuid.uuid4()))


@dataclass
class Play:
    """Sites, a worker, and the lag of each line so far."""

    amounts: Amounts
    worker: WorkerProcess = field(default_factory=WorkerFactory.create)
    sites: list[int] = field(default_factory=lambda: add_sites(SITES))
    worst: float = 0
    _lag: dict[int, float] = field(default_factory=dict)
    _best: dict[int, float] = field(default_factory=dict)

    @property
    def site(self) -> int:
        """The one to which it happens; it is the first in every order by id."""
        return self.sites[0]

    @property
    def others(self) -> list[int]:
        return self.sites[1:]

    def others_wait(self) -> None:
        arrive(self.amounts.of_each_other * len(self.others), self.others)

    def line(self) -> SiteLine:
        return SiteLine.objects.get(pk=self.site)

    def claims(self, count: int, end: Callable[[list[BlogGeneration]], None] = succeed) -> None:
        for _ in range(count):
            self.claim(end)

    def claim(self, end: Callable[[list[BlogGeneration]], None] = succeed) -> list[BlogGeneration]:
        waiting = {
            site: (waiting, 1 / step)
            for site, waiting, step in SiteLine.objects.filter(waiting__gt=0, paused=False).values_list(
                "site_id", "waiting", "step"
            )
        }
        claimed = queue.claim(self.worker, SEATS)
        total = sum(blogs for blogs, _ in waiting.values())
        assert len(claimed) == min(SEATS, total), "a seat stayed idle while there was work"
        self._compare(waiting, claimed)
        end(claimed)
        return claimed

    def _compare(self, waiting: Mapping[int, tuple[int, float]], claimed: list[BlogGeneration]) -> None:
        share = fair_shares(SEATS, waiting)
        for site in list(self._lag):
            if site not in waiting:
                del self._lag[site], self._best[site]
        for site in waiting:
            started = sum(generation.site_id == site for generation in claimed)
            before = self._lag.setdefault(site, 0.0)
            self._best[site] = min(self._best.get(site, 0.0), before)
            self._lag[site] = before + share[site] - started
            self.worst = max(self.worst, self._lag[site] - self._best[site])


def arrive(blogs: int, sites: list[int]) -> None:
    """By set-based SQL, and as `lines.join` does it: a line that was empty starts at the clock."""
    at_the_clock = Greatest("turn", QueueClock.objects.values("turn")[:1])
    SiteLine.objects.filter(pk__in=sites, waiting=0).update(turn=at_the_clock)
    add_blogs(blogs, sites)


def fair_shares(seats: float, waiting: Mapping[int, tuple[int, float]]) -> dict[int, float]:
    """By weight; what one line can't use is shared by the others."""
    shares: dict[int, float] = {}
    left = dict(waiting)
    while left:
        weight = sum(weight for _, weight in left.values())
        sated = {site for site, (blogs, own) in left.items() if blogs <= seats * own / weight}
        if not sated:
            return shares | {site: seats * own / weight for site, (_, own) in left.items()}
        for site in sated:
            shares[site] = left.pop(site)[0]
            seats -= shares[site]
    return shares


# --- The cases --------------------------------------------------------------------------------------------------------


def cancels_many_and_submits_one(play: Play) -> None:
    arrive(play.amounts.cancelled, [play.site])
    play.others_wait()
    play.claims(play.amounts.claims // 2)
    waiting = BlogGeneration.objects.filter(site=play.site, ready=True)
    for pk in list(waiting.values_list("pk", flat=True)):
        lifecycle.cancel(pk, by="shop")
    play.claim()
    last = submitting.submit(site=Site.objects.get(pk=play.site), request=blog_request())
    assert last.pk in {generation.pk for generation in play.claim()}, "its next blog waits for those it cancelled"
    play.claims(play.amounts.claims // 2)


def whale_paused_at_the_head(play: Play) -> None:
    arrive(play.amounts.many, [play.site])
    play.others_wait()
    play.claim()
    lines.pause(play.line())
    play.claims(play.amounts.claims)


def resumed(play: Play) -> None:
    whale_paused_at_the_head(play)
    lines.resume(play.line())
    play.claims(play.amounts.claims)


def every_blog_fails_four_times(play: Play) -> None:
    arrive(SEATS, [play.site])
    play.others_wait()

    def end(claimed: list[BlogGeneration]) -> None:
        for generation in claimed:
            if generation.site_id == play.site and generation.attempts <= 4:
                lifecycle.retry_later(generation, TransientError("timeout", "Too slow."))
            else:
                succeed([generation])
        _time_passes()

    play.claims(2 * play.amounts.claims, end)


def many_retried_by_staff(play: Play) -> None:
    arrive(play.amounts.many, [play.site])
    _all_failed(play)
    play.others_wait()
    play.claims(play.amounts.claims // 2)
    for pk in list(BlogGeneration.objects.filter(site=play.site, status="FAILED").values_list("pk", flat=True)):
        lifecycle.requeue(pk, by="staff")
    play.claims(play.amounts.claims)


def weight_changed_while_many_wait(play: Play) -> None:
    arrive(play.amounts.many, [play.site])
    play.others_wait()
    for weight in (1, 5, 1):
        lines.set_weight(play.line(), weight)
        play.claims(play.amounts.claims // 2)


def returns_after_long_silence(play: Play) -> None:
    arrive(2, [play.site])
    play.others_wait()
    play.claims(play.amounts.claims)
    arrive(play.amounts.many, [play.site])
    play.claims(play.amounts.claims)


def emptied_and_refilled(play: Play) -> None:
    for _ in range(2):
        arrive(play.amounts.many // 10, [play.site])
        play.claims(3)
        arrive(10 * len(play.others), play.others)
        while play.claim():
            pass


CASES: dict[str, Callable[[Play], None]] = {
    case.__name__: case
    for case in (
        cancels_many_and_submits_one,
        whale_paused_at_the_head,
        resumed,
        every_blog_fails_four_times,
        many_retried_by_staff,
        weight_changed_while_many_wait,
        returns_after_long_silence,
        emptied_and_refilled,
    )
}


def worst_lag(case: Callable[[Play], None], amounts: Amounts) -> float:
    QueueClock.objects.update(turn=0, lowest=0, next_lowest=0)
    play = Play(amounts)
    case(play)
    return round(play.worst, 2)


def _time_passes() -> None:
    BlogGeneration.objects.filter(status="PENDING", ready=False).update(run_after="2000-01-01T00:00:00Z")
    queue.promote()


def _all_failed(play: Play) -> None:
    """Each through the product's own states, without the claims of thousands that the case isn't about."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_START_ALL, {"site": play.site, "worker": play.worker.pk, "lease": 600})
    for generation in BlogGeneration.objects.filter(site=play.site):
        lifecycle.fail(generation, PermanentError("content_refused", "It was refused."))


_START_ALL = """
UPDATE blog_generations
   SET status = 'PROCESSING', ready = false, attempts = 1, worker_id = %(worker)s, started_at = clock_timestamp(),
       lease_token = gen_random_uuid(), lease_expires_at = clock_timestamp() + %(lease)s * interval '1 second'
 WHERE site_id = %(site)s;
UPDATE blogs_siteline SET waiting = 0 WHERE site_id = %(site)s
"""

"""What a simulated day comes to: rates, waits by the size of the shop, fairness, and whether any limit was passed.

"Work waits" in a minute in which blogs of five shops or more wait, in the queue or on a seat for a limit; with fewer, a shop's own
limit at Wix decides and not ours.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from blogs.models import BlogGeneration, Status
from blogs.operations import proof
from tests.bench.day_clock import seconds
from tests.bench.day_simulation import Sample, Simulation
from tests.bench.day_traffic import BURST_SECONDS, HOUR, MANY, MANY_AT, ONE_AT, Request, site_classes

_MINUTE = 60.0
_SHOPS_THAT_WAIT = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    site: int
    submitted: float
    started: float | None
    finished: float
    done: bool


def figures(simulation: Simulation, day: Sequence[Request]) -> dict[str, Any]:
    outcomes = _outcomes(simulation)
    waited = [sample for sample in simulation.samples if sample.shops >= _SHOPS_THAT_WAIT]
    calls = _all_calls(simulation)
    blogs = list(simulation.blogs.values())
    return {
        **_rates(outcomes, waited, calls["openai"]),
        **_waits(outcomes),
        # Stragglers that were tried again must not make the measured time longer.
        "jain": _jain(outcomes, "finished", 0.9),
        "jain_starts": _jain(outcomes, "started", 1.0),
        "hours_waited": round(len(waited) / 60, 2),
        "seats_waiting_share": _mean(sample.seats_waiting for sample in waited),
        "seats_free_share": _mean(sample.seats_free for sample in waited),
        "classes": _by_class(outcomes, site_classes(list(day))),
        "one_shop": _of_one_shop(outcomes),
        "deferrals": sum(blog.deferrals for blog in blogs),
        "pictures_lost": sum(blog.lost_picture for blog in blogs),
        "limiter_questions": simulation.shared.questions,
        "limiter_grants": sum(map(len, simulation.shared.grants.values())),
        "limiter_surprises": simulation.shared.surprises,
        "windows_over_limit": windows_over_limit(simulation.shared.grants),
        "blogs": len(day),
        "done": sum(outcome.done for outcome in outcomes),
        "not_final": len(day) - len(outcomes),
        "ledger_ok": not proof.discrepancies(),
    }


def _outcomes(simulation: Simulation) -> list[Outcome]:
    """From the product's own columns."""
    rows = BlogGeneration.objects.filter(finished_at__isnull=False).values_list(
        "pk", "created_at", "started_at", "finished_at", "status"
    )
    return [
        Outcome(
            simulation.blogs[pk].request.site,
            seconds(created),
            seconds(started) if started else None,
            seconds(finished) if finished else 0.0,
            status == Status.DONE,
        )
        for pk, created, started, finished, status in rows
    ]


def _all_calls(simulation: Simulation) -> dict[str, list[tuple[float, int]]]:
    calls: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for limit, granted in simulation.shared.grants.items():
        calls[limit.provider] += granted
    return calls


def _rates(outcomes: list[Outcome], waited: list[Sample], calls: list[tuple[float, int]]) -> dict[str, float]:
    """In the minutes that begin with work waiting."""
    minutes = {int(sample.at // _MINUTE) for sample in waited}
    if not minutes:
        return {"blogs_per_hour": 0, "used_share": 0}
    done = sum(1 for outcome in outcomes if outcome.done and int(outcome.finished // _MINUTE) in minutes)
    tokens = sum(tokens for at, tokens in calls if int(at // _MINUTE) in minutes)
    allowed = settings.RATE_LIMITS["openai"]["tokens"] * len(minutes)
    return {"blogs_per_hour": round(done / len(minutes) * 60), "used_share": round(tokens / allowed, 3)}


def _waits(outcomes: Iterable[Outcome]) -> dict[str, float]:
    """`wait`: from submit to the first start; `done`: from submit to the draft."""
    kept = list(outcomes)
    starts = [outcome.started - outcome.submitted for outcome in kept if outcome.started is not None]
    done = [outcome.finished - outcome.submitted for outcome in kept if outcome.done]
    return {
        "wait_p50_s": _percentile(starts, 50),
        "wait_p99_s": _percentile(starts, 99),
        "done_p50_s": _percentile(done, 50),
        "done_p99_s": _percentile(done, 99),
    }


def _by_class(outcomes: list[Outcome], classes: dict[int, str]) -> dict[str, dict[str, float]]:
    """Waits of what was asked for in the three hours from the burst of many shops on, by what a shop wants in the whole day."""
    in_burst = [outcome for outcome in outcomes if MANY_AT <= outcome.submitted < MANY_AT + 3 * HOUR]
    names = ("small", "medium", "large", "whale")
    return {name: _waits(outcome for outcome in in_burst if classes[outcome.site] == name) for name in names}


def _of_one_shop(outcomes: list[Outcome]) -> dict[str, float]:
    """The burst of a single shop: from its first request until its last draft."""
    mine = [outcome for outcome in outcomes if outcome.site == len(MANY)]
    took = max((outcome.finished for outcome in mine), default=ONE_AT) - ONE_AT
    done = sum(outcome.done for outcome in mine)
    return {"blogs_per_hour": round(done / took * HOUR) if took else 0, **_waits(mine)}


def _jain(outcomes: list[Outcome], what: str, share: float) -> float | None:
    """Over the shops of the burst of many: what each got from when all had asked until the first had `share` of all it wanted."""
    times: dict[int, list[float]] = {site: [] for site in range(len(MANY))}
    for outcome in outcomes:
        if outcome.site in times and outcome.started is not None:
            times[outcome.site].append(getattr(outcome, what))
    ends = min((sorted(mine)[int(len(mine) * share) - 1] for mine in times.values() if mine), default=0.0)
    begins = MANY_AT + BURST_SECONDS
    return jain([sum(begins < at <= ends for at in mine) for mine in times.values()])


def jain(shares: list[int]) -> float | None:
    """1: all alike; 1/n: one has it all; None: none got anything."""
    squares = sum(share**2 for share in shares)
    return round(sum(shares) ** 2 / (len(shares) * squares), 3) if squares else None


def windows_over_limit(grants: dict[Any, list[tuple[float, int]]]) -> int:
    """Of all 60-second windows that begin with a call: those with more requests, or more tokens, than the limit."""
    over = 0
    for limit, granted in grants.items():
        calls = sorted(granted)
        first, tokens = 0, 0
        for count, (at, cost) in enumerate(calls, start=1):
            tokens += cost
            while calls[first][0] <= at - _MINUTE:
                tokens -= calls[first][1]
                first += 1
            allowed = limit.tokens_per_minute
            over += count - first > limit.requests_per_minute or (allowed is not None and tokens > allowed)
    return over


def _percentile(values: list[float], percent: int) -> float:
    if len(values) < 2:
        return round(values[0], 1) if values else 0.0
    return round(statistics.quantiles(values, n=100, method="inclusive")[percent - 1], 1)


def _mean(values: Iterable[float]) -> float:
    kept = list(values)
    return round(statistics.fmean(kept), 3) if kept else 0.0

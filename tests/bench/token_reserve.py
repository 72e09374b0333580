"""How well the learned output maximum does: useful output tokens for those that were reserved, the prompt not counted.

The product's own learning (`token_reserve`) against a simulated provider: an article begins every 0.67 s (the limit's pace),
takes 30 s (CV 30 %), and is as long as a log-normal draw says (mean 2,500, CV 20 %; in mid-run the mean shifts). Four processes
each read the last 200 answers once a minute, so a shift is answered one to two minutes late. A cut article has cost its whole
reservation and is tried again with more room; it is as long as before (`keeps`), or drawn again; or a second call writes the rest
(`goes on`, as the product does with an article), which reserves a prompt, the room for a section, and what is lacking. Nothing is
left out: the start with the configured 3,600 and the minutes after the shift count.

`best_fixed_percentile` is the ratio of the best rival of hindsight: the one percentile of the true lengths for which the same run,
with the same draws, ends best; it knows the true distribution from the first call on, the new one from the shift on.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from statistics import NormalDist, mean
from typing import Any

from django.conf import settings

from blogs.providers.token_reserve import FEW, best_max, bounded, cheapest_max, with_room
from workers.limits.provider_calls import Answer

_CONFIGURED = 3_600
_MEAN = 2_500.0
_SIGMA = math.sqrt(math.log(1 + 0.2**2))  # CV 20 %
_PROMPT_TOKENS = 1_200
_ARTICLES = 6_000
_EVERY_SECONDS = 0.67
_PROCESSES = 4
_REST = 900
# The best lies lower where a cut article costs less.
_PERCENTILES = {0: range(84, 99, 2), _REST: range(80, 99, 3)}
_AGAIN = {"keeps": (True, 0), "": (False, 0), "goes on": (True, _REST)}
_CASES = {"steady": _MEAN, "longer": 3_000.0, "shorter": 2_000.0}
_SEEDS = (1, 2)

Maximum = Callable[[float, int], float]
"""Of a first attempt at this time, by this process."""


def measure() -> dict[str, Any]:
    cases = {
        f"{name} {again}".strip(): _compare(after, keeps, rest)
        for name, after in _CASES.items()
        for again, (keeps, rest) in _AGAIN.items()
    }
    shifted = [case for name, case in cases.items() if not name.startswith("steady") and not name.endswith("goes on")]
    worst = max(cases.values(), key=lambda case: case["behind"])
    return {
        "useful_over_reserved": round(mean(case["learned"] for case in shifted), 4),
        "best_fixed_percentile": round(mean(case["best"] for case in shifted), 4),
        "worst_behind": worst["behind"],
        "cases": cases,
    }


def _compare(mean_after: float, keeps: bool, rest: int) -> dict[str, Any]:
    learned, fixed, cut = [], dict[int, list[float]](), []
    for seed in _SEEDS:
        run = _Run(mean_after, keeps, seed, rest)
        learner = _Learner(rest)
        learned.append(run.ratio(learner.maximum, learner.heard))
        cut.append(run.cut_share)
        for percentile in _PERCENTILES[rest]:
            ratio = run.ratio(lambda at, process: run.percentile(percentile, at), lambda at, answer: None)  # noqa: B023
            fixed.setdefault(percentile, []).append(ratio)
    best = max(fixed, key=lambda percentile: mean(fixed[percentile]))
    ratio, rival = mean(learned), mean(fixed[best])
    result = {
        "learned": round(ratio, 4),
        "best": round(rival, 4),
        "behind": round(rival - ratio, 4),
        "percentile": best,
        "cut_share": round(mean(cut), 4),
    }
    again = "goes on" if rest else "keeps" if keeps else "draws again"
    print(f"mean 2500 then {mean_after:.0f}, {again}: {result}", flush=True)
    return result


@dataclass
class _Learner:
    """The processes' caches in front of what all of them have written."""

    rest: int = 0
    _answers: deque[Answer] = field(default_factory=lambda: deque(maxlen=settings.OPENAI_MAX_TOKENS_LEARN_FROM))
    _known: dict[int, tuple[float, float]] = field(default_factory=dict)

    def heard(self, at: float, answer: Answer) -> None:
        self._answers.appendleft(answer)

    def maximum(self, at: float, process: int) -> float:
        read_at, known = self._known.get(process, (-60.0 - 15 * process, float(_CONFIGURED)))
        if at - read_at >= 60:
            if len(self._answers) >= FEW:
                best = cheapest_max(self._answers, self.rest) if self.rest else best_max(self._answers)
                known = bounded(best, _CONFIGURED)
            self._known[process] = (at, known)
        return known


@dataclass
class _Run:
    """The same articles for every rival."""

    mean_after: float
    keeps: bool
    seed: int
    rest: int = 0
    cut_share: float = 0

    def ratio(self, maximum: Maximum, heard: Callable[[float, Answer], None]) -> float:
        dice = random.Random(self.seed)
        lengths = [dice.gauss(0, 1) for _ in range(_ARTICLES)]
        useful = reserved = cuts = 0.0
        running: list[tuple[float, int, Answer, int, int]] = []
        again: deque[tuple[int, int, int]] = deque()
        fresh, number = iter(range(_ARTICLES)), count()
        at = 0.0
        while True:
            at += _EVERY_SECONDS
            while running and running[0][0] <= at:
                ended, _, answer, article, attempt = heapq.heappop(running)
                heard(ended, answer)
                cuts += answer.truncated
                if answer.truncated and self.rest:
                    whole = self._length(lengths[article], at)
                    reserved += _PROMPT_TOKENS + self.rest + whole - answer.output_max
                    useful += whole
                elif answer.truncated:
                    again.append((article, attempt + 1, answer.output_max))
                else:
                    useful += answer.output_tokens
            article, attempt, cut_at = again.popleft() if again else (next(fresh, -1), 1, 0)
            if article < 0:
                if not running:
                    break
                continue
            first = maximum(at, article % _PROCESSES)
            room = with_room(first, attempt, cut_at or None, _CONFIGURED * settings.OPENAI_MAX_TOKENS_CEILING)
            length = self._length(lengths[article] if self.keeps or attempt == 1 else dice.gauss(0, 1), at)
            reserved += room
            answer = Answer(article, 4_200, _PROMPT_TOKENS, min(length, room), room, length > room)
            heapq.heappush(
                running, (at + dice.lognormvariate(math.log(30), 0.3), next(number), answer, article, attempt)
            )
        self.cut_share = cuts / _ARTICLES
        return useful / reserved

    def percentile(self, percentile: int, at: float) -> float:
        return self._length(NormalDist().inv_cdf(percentile / 100), at)

    def _length(self, deviations: float, at: float) -> int:
        middle = _MEAN if at < _ARTICLES * _EVERY_SECONDS / 2 else self.mean_after
        return round(middle * math.exp(deviations * _SIGMA - _SIGMA**2 / 2))

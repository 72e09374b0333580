"""A day's requests of 2,000 shops, the same for every number of replicas: who wants a blog when, and how long its calls take."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass

SITES = 2_000
HOUR = 3_600.0

# How many blogs come from the shops' ordinary business, by the hour: busy from ten to four, nearly silent at night.
_ORDINARY_BLOGS = 1_000
_DAY_CURVE = (1, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 13, 12, 12, 13, 13, 12, 10, 8, 6, 5, 4, 3, 2)
# Heavy-tailed: most shops want none or one a day, a few want dozens. None of them is as large as a burst.
_PARETO, _LARGEST_ORDINARY = 1.2, 60

# At ten, 20 shops want 5,000 within five minutes; at four in the afternoon one shop alone wants 500.
MANY_AT, MANY = 10 * HOUR, (1_500, *[500] * 4, *[100] * 15)
ONE_AT, ONE = 16 * HOUR, 500
BURST_SECONDS = 300.0

_LONG_SHARE, _FAILS_ONCE, _REFUSED, _CANCELLED = 0.15, 0.02, 0.003, 0.005

# Mean seconds and coefficient of variation (the workloads of all our benchmarks); Wix's and Replicate's short calls take this long.
_SECONDS = {"idea": (4.0, 0.3), "image": (8.0, 0.2), "media": (3.0, 0.2), "draft": (25.0, 0.15)}
_ARTICLE = {"medium": (30.0, 0.3), "long": (55.0, 0.3)}
SHORT_CALL_SECONDS = 0.3
# Of the prompts; what an answer may be at most comes from the settings, as in the product.
IDEA_PROMPT_TOKENS, ARTICLE_PROMPT_TOKENS = 500, {"medium": 1_200, "long": 1_500}


@dataclass(frozen=True, slots=True)
class Request:
    number: int
    at: float
    site: int
    length: str
    fails_once: bool
    refused: bool
    cancelled_at: float | None
    seconds: dict[str, float]

    @property
    def work_seconds(self) -> float:
        """What a seat needs for it at least, when no limit makes it wait."""
        done = self.seconds
        picture_late = max(0.0, done["image"] - done["article"])
        return 5 * SHORT_CALL_SECONDS + done["idea"] + done["article"] + picture_late + done["media"] + done["draft"]


def requests(seed: int, scale: float = 1.0) -> list[Request]:
    """In the order in which they come. `scale` makes a smaller day for tests."""
    dice = random.Random(seed)
    many = [
        (MANY_AT + dice.uniform(0, BURST_SECONDS), site)
        for site, blogs in enumerate(MANY)
        for _ in range(max(1, round(blogs * scale)))
    ]
    one = [(ONE_AT + dice.uniform(0, BURST_SECONDS), len(MANY)) for _ in range(round(ONE * scale))]
    arrivals = sorted([*_ordinary(dice, round(_ORDINARY_BLOGS * scale)), *many, *one])
    return [_request(number, at, site, seed) for number, (at, site) in enumerate(arrivals)]


def site_classes(day: list[Request]) -> dict[int, str]:
    """By what a shop wants in the whole day."""
    return {site: _class(blogs) for site, blogs in Counter(request.site for request in day).items()}


def _class(blogs: int) -> str:
    return "small" if blogs <= 5 else "medium" if blogs <= 50 else "large" if blogs <= 500 else "whale"


def _ordinary(dice: random.Random, blogs: int) -> list[tuple[float, int]]:
    sites = range(len(MANY) + 1, SITES)
    sizes = [min(dice.paretovariate(_PARETO), _LARGEST_ORDINARY) for _ in sites]
    hours = dice.choices(range(24), _DAY_CURVE, k=blogs)
    return [
        ((hour + dice.random()) * HOUR, site)
        for hour, site in zip(hours, dice.choices(sites, sizes, k=blogs), strict=True)
    ]


def _request(number: int, at: float, site: int, seed: int) -> Request:
    """Its dice are its own, so that nothing it does depends on what happened to others before."""
    dice = random.Random(f"{seed} {number}")
    length = "long" if dice.random() < _LONG_SHARE else "medium"
    fate = dice.random()
    return Request(
        number=number,
        at=at,
        site=site,
        length=length,
        fails_once=fate < _FAILS_ONCE,
        refused=_FAILS_ONCE <= fate < _FAILS_ONCE + _REFUSED,
        cancelled_at=at + dice.uniform(1, HOUR) if dice.random() < _CANCELLED else None,
        seconds={what: _log_normal(dice, *shape) for what, shape in {**_SECONDS, "article": _ARTICLE[length]}.items()},
    )


def _log_normal(dice: random.Random, mean: float, variation: float) -> float:
    variance = math.log(1 + variation**2)
    return dice.lognormvariate(math.log(mean) - variance / 2, math.sqrt(variance))

"""What blogs have taken lately, of the last that were done: seconds by stage without their waits for limits, and tokens.

Until there are some it is what an ordinary blog is expected to take. It goes by blogs and not by time, because a quiet hour
teaches nothing about how long a blog takes.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from django.db import connection

from blogs.models import Stage
from blogs.providers import ordinary_blog
from workers import limits
from workers.context.process_memory import remembered
from workers.database.rows import plain

_BLOGS, _ENOUGH = 60, 8
_FRESH_SECONDS = 10.0
# What shares of a blog's seconds are behind it when a stage begins, until some blogs were measured.
_EXPECTED = {
    Stage.PRODUCTS: 0.0,
    Stage.IDEA: 0.01,
    Stage.IMAGE_ORDER: 0.07,
    Stage.ARTICLE: 0.08,
    Stage.IMAGE: 0.53,
    Stage.MEDIA: 0.54,
    Stage.DRAFT: 0.6,
    Stage.PUBLISH: 0.97,
}
# How the seconds of blogs spread around their median, until some were measured: at 1 of 10, at 9 of 10.
_SPREAD = (0.8, 1.4)

# By the index of what has finished, the index of each blog's events, and that of its calls. A stage's end is its checkpoint.
_RECENT = """
WITH recent AS MATERIALIZED (
    SELECT id, started_at, finished_at FROM blog_generations
     WHERE finished_at > statement_timestamp() - interval '1 day' AND status = 'DONE'
     ORDER BY finished_at DESC LIMIT %(blogs)s
)
SELECT extract(epoch FROM finished_at - started_at)::float8,
       (SELECT jsonb_agg(jsonb_build_array(stage, extract(epoch FROM created_at - started_at)) ORDER BY id)
          FROM blogs_generationevent WHERE generation_id = recent.id AND kind = 'checkpoint'),
       calls.calls, calls.tokens, calls.seconds
  FROM recent CROSS JOIN LATERAL (
       SELECT count(*)::float8 AS calls, coalesce(sum(tokens_reserved), 0)::float8 AS tokens,
              coalesce(sum(seconds), 0)::float8 AS seconds
         FROM workers_providercall WHERE work = recent.id AND provider = 'openai') AS calls
"""


@dataclass(frozen=True, slots=True)
class Learned:
    left: dict[str, tuple[float, float, float]]
    """Seconds of work from the beginning of a stage to the end: at 1 of 10 blogs, at the half, at 9 of 10."""
    a_second: float
    """How many blogs the shared limits let through in one."""
    measured: bool

    def work(self, stage: str) -> tuple[float, float, float]:
        return self.left.get(stage) or self.left[Stage.PRODUCTS]


@dataclass(slots=True)
class _Memory:
    value: Learned | None = None
    read_at: float = field(default=float("-inf"))

    def clear(self) -> None:
        self.value, self.read_at = None, float("-inf")


_memory = remembered(_Memory())
_lock = threading.Lock()


def learned() -> Learned:
    with _lock:
        if _memory.value is None or time.monotonic() - _memory.read_at > _FRESH_SECONDS:
            _memory.value, _memory.read_at = _read(), time.monotonic()
        return _memory.value


def _read() -> Learned:
    with connection.cursor() as cursor:
        cursor.execute(_RECENT, {"blogs": _BLOGS})
        rows = cursor.fetchall()
    use = ordinary_blog.use()
    if len(rows) < _ENOUGH:
        return Learned(_expected(), _a_second(use), measured=False)
    called = [(calls, tokens) for _, _, calls, tokens, _ in rows if calls]
    if len(called) >= _ENOUGH:
        use["openai", "requests"] = sum(calls for calls, _ in called) / len(called)
        use["openai", "tokens"] = sum(tokens for _, tokens in called) / len(called)
    return Learned(_measured(rows), _a_second(use), measured=True)


def _a_second(use: dict[tuple[str, str], float]) -> float:
    return min(limits.rate(*unit) / used for unit, used in use.items() if used > 0)


def _expected() -> dict[str, tuple[float, float, float]]:
    seconds = ordinary_blog.seconds()
    low, high = _SPREAD
    return {
        stage: (seconds * (1 - behind) * low, seconds * (1 - behind), seconds * (1 - behind) * high)
        for stage, behind in _EXPECTED.items()
    }


def _measured(rows: Iterable[Sequence[Any]]) -> dict[str, tuple[float, float, float]]:
    """Take off what a blog waited for OpenAI's limit: the seconds of idea and article that no call took."""
    found: dict[str, list[float]] = defaultdict(list)
    for seconds, ends, calls, _, in_calls in rows:
        stages = _stages(plain(ends) or [], seconds)
        writing = [took for stage, took in stages if stage in (Stage.IDEA, Stage.ARTICLE)]
        waited = max(0.0, sum(writing) - in_calls) if calls else 0.0
        before_the_text = True
        left = list(accumulate((took for _, took in reversed(stages))))[::-1]
        for (stage, _), remaining in zip(stages, left, strict=True):
            found[stage].append(max(0.0, remaining - (waited if before_the_text else 0.0)))
            before_the_text = before_the_text and stage != Stage.ARTICLE
    whole = found.get(Stage.PRODUCTS) or [seconds for seconds, *_ in rows]
    found[Stage.PRODUCTS] = whole
    return {
        stage: _tenths(values) for stage, values in found.items() if len(values) >= _ENOUGH or stage == Stage.PRODUCTS
    }


def _stages(ends: Sequence[Sequence[Any]], seconds: float) -> list[tuple[str, float]]:
    """Return each stage with the seconds from the end of the one before it to its own."""
    found, before = [], 0.0
    for stage, at in ends:
        found.append((str(stage), max(0.0, float(at) - before)))
        before = float(at)
    return found or [(Stage.PRODUCTS.value, seconds)]


def _tenths(values: Sequence[float]) -> tuple[float, float, float]:
    return quantile(values, 0.1), quantile(values, 0.5), quantile(values, 0.9)


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)

"""What blogs have taken lately, of the last that were done: seconds by stage without their waits for limits, and tokens.

Until there are some it is what an ordinary blog is expected to take. It goes by blogs and not by time, because a quiet hour
teaches nothing about how long a blog takes. It goes by sites in turn, because many blogs of one site wait for that site's own
limit at Wix, and those of others do not. How far the promises for these blogs were off is read with them (`calibration`).
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from django.db import connection

from blogs.models import Stage
from blogs.providers import ordinary_blog
from blogs.queue.forecast.calibration import AS_EXPECTED, Fit, Forecast, fit, quantile
from workers import limits
from workers.context.process_memory import remembered
from workers.database.rows import plain

_BLOGS, _ENOUGH = 60, 8
# Of how many that were done last they are chosen, and at most how many of a site: while one site alone waits for its own limit,
# what others took before is worth more. Of how many the calls and promises are looked at.
_CHOSEN_OF, _OF_A_SITE, _LAST = 2_000, 12, 300
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
_SPREAD = (0.82, 1.3)

# The share of the limits that workers use while many blogs wait (the benchmark `five_thousand`).
_REACHED = 0.97
# Until some blogs were measured: the part of a blog's tokens that its idea takes, for how many blogs of a site a call asks, and
# what that leaves of an ordinary blog's tokens, which asks alone. Of ten that are asked for together, each takes 0.4 of one alone
# (the benchmark `five_thousand`).
_EXPECTED_IDEA_SHARE, _EXPECTED_TOGETHER, _EXPECTED_TOKENS = 0.14, 3.0, 0.89

# By the index of what has finished, the index of each blog's events, and that of its calls. A stage's end is its checkpoint.
_RECENT = """
WITH last AS MATERIALIZED (
    SELECT id, site_id, created_at, started_at, finished_at FROM blog_generations
     WHERE finished_at > statement_timestamp() - interval '1 day' AND status = 'DONE'
     ORDER BY finished_at DESC LIMIT %(last)s
), recent AS MATERIALIZED (
    SELECT id, started_at, finished_at FROM (
        SELECT *, row_number() OVER (PARTITION BY site_id ORDER BY finished_at DESC) AS nth FROM (
            SELECT id, site_id, started_at, finished_at FROM blog_generations
             WHERE finished_at > statement_timestamp() - interval '1 day' AND status = 'DONE'
             ORDER BY finished_at DESC LIMIT %(chosen_of)s) AS done) AS by_site
     WHERE nth <= %(of_a_site)s ORDER BY nth, finished_at DESC LIMIT %(blogs)s
)
SELECT (SELECT jsonb_agg(jsonb_build_array(
               extract(epoch FROM finished_at - started_at)::float8,
               (SELECT jsonb_agg(jsonb_build_array(stage, extract(epoch FROM created_at - started_at)) ORDER BY id)
                  FROM blogs_generationevent WHERE generation_id = recent.id AND kind = 'checkpoint'),
               calls.idea, calls.text))
          FROM recent CROSS JOIN LATERAL (
               SELECT sum(seconds) FILTER (WHERE kind LIKE 'idea%%')::float8 AS idea,
                      sum(seconds) FILTER (WHERE kind NOT LIKE 'idea%%')::float8 AS text
                 FROM workers_providercall WHERE work = recent.id AND provider = 'openai') AS calls),
       -- By all of them: the first blogs of a site have the idea's call for those behind them.
       -- OFFSET: each is looked up by itself, and no table is read whole.
       -- A call for several blogs has a row for each of them.
       (SELECT jsonb_build_array(count(DISTINCT last.id), count(DISTINCT calls.call), sum(tokens_reserved),
                                 sum(tokens_reserved) FILTER (WHERE kind LIKE 'idea%%'),
                                 count(DISTINCT calls.call) FILTER (WHERE kind LIKE 'idea%%'))
          FROM last CROSS JOIN LATERAL (
               SELECT tokens_reserved, kind, coalesce(nullif(request_id, ''), id::text) AS call FROM workers_providercall
                WHERE work = last.id AND provider = 'openai' OFFSET 0) AS calls),
       (SELECT jsonb_agg(jsonb_build_array(
               extract(epoch FROM last.started_at - last.created_at)::float8, promise.start_forecast,
               extract(epoch FROM last.finished_at - last.created_at)::float8, promise.end_forecast))
          FROM last CROSS JOIN LATERAL (
               SELECT start_forecast, end_forecast FROM blogs_promise
                WHERE generation_id = last.id AND end_forecast IS NOT NULL OFFSET 0) AS promise)
"""


@dataclass(frozen=True, slots=True)
class Learned:
    left: dict[str, tuple[float, float, float]]
    """Seconds of work from the beginning of a stage to the end: at 1 of 10 blogs, at the half, at 9 of 10."""
    use: Mapping[tuple[str, str], float]
    """What a blog takes of each shared limit, by provider and "requests" or "tokens"."""
    idea_share: float
    """The part of OpenAI's that its idea takes."""
    ideas_a_call: float
    """For how many blogs of a site a call asks."""
    measured: bool
    starts: Fit = AS_EXPECTED
    ends: Fit = AS_EXPECTED

    def work(self, stage: str) -> tuple[float, float, float]:
        return self.left.get(stage) or self.left[Stage.PRODUCTS]

    def a_second(self, paced: Mapping[tuple[str, str], float] | None = None) -> float:
        """Return how many blogs get through the shared limits in one. `paced`: what the limits are known to let through now."""
        known = paced or {}
        return _REACHED * min(
            (known.get(unit) or limits.rate(*unit)) / used for unit, used in self.use.items() if used > 0
        )


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
        cursor.execute(_RECENT, {"blogs": _BLOGS, "last": _LAST, "chosen_of": _CHOSEN_OF, "of_a_site": _OF_A_SITE})
        blogs, calls, promises = (plain(column) or [] for column in cursor.fetchone())
    return of(blogs, calls, promises)


def of(blogs: Sequence[Sequence[Any]], calls: Sequence[Any], promises: Sequence[Sequence[Any]] = ()) -> Learned:
    """Learn from what was read."""
    use = ordinary_blog.use()
    if len(blogs) < _ENOUGH:
        use["openai", "tokens"] *= _EXPECTED_TOKENS
        return Learned(_expected(), use, _EXPECTED_IDEA_SHARE, _EXPECTED_TOGETHER, measured=False)
    called_for, count, tokens, for_ideas, ideas = calls
    idea_share, ideas_a_call = _EXPECTED_IDEA_SHARE, _EXPECTED_TOGETHER
    if called_for >= _ENOUGH:
        use["openai", "requests"], use["openai", "tokens"] = count / called_for, tokens / called_for
        idea_share, ideas_a_call = (for_ideas or 0) / max(tokens, 1), called_for / max(ideas, 1)
    return Learned(
        _measured(blogs),
        use,
        idea_share,
        max(1.0, ideas_a_call),
        measured=True,
        starts=fit(Forecast(*told).off(truth) for truth, told, *_ in promises if told),
        ends=fit(Forecast(*told).off(truth) for *_, truth, told in promises),
    )


def _expected() -> dict[str, tuple[float, float, float]]:
    seconds = ordinary_blog.seconds()
    low, high = _SPREAD
    return {
        stage: (seconds * (1 - behind) * low, seconds * (1 - behind), seconds * (1 - behind) * high)
        for stage, behind in _EXPECTED.items()
    }


def _measured(blogs: Iterable[Sequence[Any]]) -> dict[str, tuple[float, float, float]]:
    """Take off what a blog waited for OpenAI's limit: the seconds of idea and article that no call took."""
    found: dict[str, list[float]] = defaultdict(list)
    for seconds, ends, idea, text in blogs:
        calls = {Stage.IDEA.value: idea, Stage.ARTICLE.value: text}
        stages = _stages(ends or [], seconds)
        # An idea that another blog's call has brought is taken as it is.
        taken = [(stage, min(took, calls.get(stage) or took)) for stage, took in stages]
        left = list(accumulate((took for _, took in reversed(taken))))[::-1]
        for (stage, _), remaining in zip(taken, left, strict=True):
            found[stage].append(remaining)
    found[Stage.PRODUCTS] = found.get(Stage.PRODUCTS) or [seconds for seconds, *_ in blogs]
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

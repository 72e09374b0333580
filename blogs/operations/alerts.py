"""Alerts: the one place that decides when an operator should look. /health, /metrics and the desk's first page show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import connection

from blogs.queue import failures
from blogs.queue.forecast import promises
from workers.limits import costs
from workers.limits.costs import Cost
from workers.limits.usage import Share

WARNING, CRITICAL = "warning", "critical"
# All alerts that exist; deploy/alerts.yml has a rule for each.
KINDS = (
    ("queue_long", CRITICAL),
    ("queue_long", WARNING),
    ("nobody_works", CRITICAL),
    ("release_broken", CRITICAL),
    ("provider_down", CRITICAL),
    ("slow", WARNING),
    ("errors", WARNING),
    ("limit_full", WARNING),
    ("webhooks_failed", WARNING),
    ("plan_unknown", WARNING),
    ("shop_fails", WARNING),
    ("spend", WARNING),
    ("estimates_off", WARNING),
)
# By which share of the promised wait the end of every second blog may be off.
_ESTIMATES_OFF = 0.5
# We count no further than this.
_MANY = 100


@dataclass(frozen=True, slots=True)
class Alert:
    name: str
    severity: str
    message: str
    subject: str = ""
    """Which provider, where several alerts of the kind may fire at once."""


@dataclass(frozen=True, slots=True)
class Trend:
    """What happened within the last `ALERT_WINDOW_SECONDS`.

    `growth` is how much the queue has grown: blogs in line or running now, less those in line or running when the window began.
    It is negative when the queue has shrunk.
    """

    done: int
    failed: int
    growth: int
    estimate_error: float | None = None
    """How far from their promises the blogs were done, at the median, as a share of the promised wait; None: too few ended."""


@dataclass(frozen=True, slots=True)
class Neglected:
    """Problems that only staff can solve, each counted up to a hundred."""

    webhooks: int = 0
    plans: int = 0
    shops_refused: int = 0
    """Shops whose requests are refused because too many of their blogs have failed."""


def firing(
    stats: dict[str, Any],
    workers_alive: int,
    down: Sequence[dict[str, Any]],
    shares: Sequence[Share],
    broken: Sequence[dict[str, Any]] = (),
) -> list[Alert]:
    """List the alerts that fire now. `stats` are those of `queue.stats`, the others those of `health`."""
    moved, left = numbers()
    return judge(stats, moved, shares, workers_alive, down, left, broken, spent_today())


def judge(
    queue: dict[str, Any],
    trend: Trend,
    shares: Sequence[Share],
    workers: int,
    down: Sequence[dict[str, Any]] = (),
    neglected: Neglected | None = None,
    broken: Sequence[dict[str, Any]] = (),
    spent: Cost | None = None,
) -> list[Alert]:
    """Decide from the numbers alone which alerts fire, and list them with the worst first.

    `broken`: the living workers whose release was found broken. `spent`: what today's calls cost; None where no budget is set.
    """
    neglected = neglected or Neglected()
    found = [
        *_of_the_queue(queue, workers),
        *_of_releases(broken),
        *(_down(provider) for provider in down),
        *_of_errors(trend),
        *(_full(share) for share in shares if trend.growth > 0 and share.share > settings.ALERT_LIMIT_USE),
        *_of_wix(neglected),
        *_of_shops(neglected.shops_refused),
        *_of_spend(spent),
        *_of_estimates(trend),
    ]
    return sorted(found, key=lambda alert: KINDS.index((alert.name, alert.severity)))


def _of_the_queue(queue: dict[str, Any], workers: int) -> Iterator[Alert]:
    waiting, done = queue["queue"], queue["done_last_minute"]
    if waiting > settings.ALERT_QUEUE_CRITICAL:
        yield Alert("queue_long", CRITICAL, f"{waiting:,} blogs wait; more than {settings.ALERT_QUEUE_CRITICAL:,}.")
    elif waiting > settings.ALERT_QUEUE_WARNING:
        yield Alert("queue_long", WARNING, f"{waiting:,} blogs wait; more than {settings.ALERT_QUEUE_WARNING:,}.")
    # While staff have paused all lines, no worker could start a blog.
    if waiting and not workers and not queue["paused"]:
        yield Alert("nobody_works", CRITICAL, "Blogs wait, and no worker is alive.")
    # A minute counts as slow only if blogs that workers could start waited all through it.
    if waiting and queue["oldest_ready_seconds"] >= 60 and done < settings.ALERT_BLOGS_PER_MINUTE:
        yield Alert(
            "slow", WARNING, f"{done} blogs done in the last minute, fewer than {settings.ALERT_BLOGS_PER_MINUTE}."
        )


def _of_releases(broken: Sequence[dict[str, Any]]) -> Iterator[Alert]:
    """Name release, worker and step only: the reason is for staff, on the desk's page of worker processes."""
    if broken:
        releases = ", ".join(sorted({worker["release"] for worker in broken}))
        names, where = broken[0]["name"], broken[0]["broken_where"]
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        message = f"Release {releases} on {names}{more} meets errors of ours ({where}) and takes no blogs."
        yield Alert("release_broken", CRITICAL, message)


def _down(provider: dict[str, Any]) -> Alert:
    """Name the provider only: the reason is for staff, on the desk's page of breakers."""
    return Alert("provider_down", CRITICAL, f"Nobody asks {provider['provider']} but by probes.", provider["provider"])


def _of_errors(trend: Trend) -> Iterator[Alert]:
    ended = trend.done + trend.failed
    if trend.failed >= settings.ALERT_ERROR_MIN and trend.failed / ended > settings.ALERT_ERROR_SHARE:
        share, minutes = trend.failed / ended, settings.ALERT_WINDOW_SECONDS / 60
        yield Alert("errors", WARNING, f"{share:.0%} of the blogs that ended in the last {minutes:g} minutes failed.")


def _full(share: Share) -> Alert:
    """Fires only while the queue grows: full use alone is how we work under load."""
    minutes = settings.ALERT_WINDOW_SECONDS / 60
    return Alert(
        "limit_full",
        WARNING,
        f"{share.share:.0%} of {share} used for {minutes:g} minutes, and the queue grows.",
        str(share)[:60],
    )


def _of_wix(neglected: Neglected) -> Iterator[Alert]:
    if count := neglected.webhooks:
        yield Alert("webhooks_failed", WARNING, f"{_counted(count)} webhooks failed for good; replay or ignore them.")
    if count := neglected.plans:
        yield Alert("plan_unknown", WARNING, f"{_counted(count)} sites pay for a plan that our list of plans lacks.")


def _of_shops(refused: int) -> Iterator[Alert]:
    if refused:
        limit = settings.BLOG_FAILED_LIMIT_PER_SITE
        message = f"{_counted(refused)} shops get no new blogs: {limit} or more of each failed within a day, after paid calls."
        yield Alert("shop_fails", WARNING, message)


def _of_spend(spent: Cost | None) -> Iterator[Alert]:
    """Name no amount: what we spend is for staff, on the desk's page of spend. A part that is unknown counts as nothing."""
    if spent and spent.dollars > settings.ALERT_DOLLARS_PER_DAY:
        yield Alert("spend", WARNING, "More was spent at OpenAI and Replicate today (UTC) than the day's budget.")


def _of_estimates(trend: Trend) -> Iterator[Alert]:
    if trend.estimate_error is not None and trend.estimate_error > _ESTIMATES_OFF:
        minutes = settings.ALERT_WINDOW_SECONDS / 60
        off = f"{trend.estimate_error:.0%} or more of the wait that was promised"
        message = f"Half of the blogs done in the last {minutes:g} minutes were off their end by {off}."
        yield Alert("estimates_off", WARNING, message)


def spent_today() -> Cost | None:
    """Return what today's calls cost, at least; None where ALERT_DOLLARS_PER_DAY sets no budget."""
    return costs.total(costs.by_day(datetime.now(UTC).date())) if settings.ALERT_DOLLARS_PER_DAY else None


def _counted(count: int) -> str:
    return f"{count}+" if count == _MANY else str(count)


_NEGLECTED = f"""
       (SELECT count(*) FROM (SELECT 1 FROM wix_webhookdelivery WHERE status = 'failed' LIMIT %(most)s) AS failed),
       (SELECT count(*) FROM (
           SELECT 1 FROM wix_subscription WHERE plan_id IS NULL AND vendor_product_id <> '' LIMIT %(most)s) AS unknown),
       ({failures.REFUSED_SITES})
"""


# How much the queue has grown since the window began, without a history of its length. Added are the blogs that were created within
# the window and are in line or running now. Taken off are those that were created before it and ended within it. Blogs created and
# ended within the window change nothing. Blogs that wait for a later time are not in line, and those of a paused line wait for a
# person. Two things are not counted as new: a blog that staff retry, and a scheduled blog that has become due.
_TREND = """
WITH ended AS MATERIALIZED (
    SELECT status, created_at FROM blog_generations WHERE finished_at > {since}
)
SELECT (SELECT count(*) FROM ended WHERE status = 'DONE'),
       (SELECT count(*) FROM ended WHERE status = 'FAILED'),
       (SELECT count(*) FROM (
           SELECT 1 FROM blog_generations
            WHERE ready AND created_at > {since} AND site_id NOT IN (SELECT site_id FROM blogs_siteline WHERE paused)
              AND NOT (SELECT paused_at IS NOT NULL FROM blogs_queueclock)
            LIMIT %(limit)s) AS came_and_wait)
       + (SELECT count(*) FROM blog_generations WHERE status = 'PROCESSING' AND created_at > {since})
       - (SELECT count(*) FROM ended WHERE created_at <= {since})
""".format(since="(statement_timestamp() - %(seconds)s * interval '1 second')")


def numbers() -> tuple[Trend, Neglected]:
    """Read in one statement what alerts are judged by besides the queue's own numbers."""
    parameters = {
        "seconds": settings.ALERT_WINDOW_SECONDS,
        "limit": settings.BLOG_QUEUE_LIMIT,
        "most": _MANY,
        "failed_max": settings.BLOG_FAILED_LIMIT_PER_SITE,
    }
    with connection.cursor() as cursor:
        cursor.execute(f"{_TREND}, ({promises.MEDIAN_ERROR}), {_NEGLECTED}", parameters)
        done, failed, growth, off, *left = cursor.fetchone()
    return Trend(done, failed, growth, off), Neglected(*left)

"""When somebody should look: the one place that decides it. /health, /metrics and the desk's first page show what it says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from blogs.operations import health
from wix.models import Subscription, WebhookDelivery
from workers.limits import usage
from workers.limits.usage import Share

WARNING, CRITICAL = "warning", "critical"
# All there are; deploy/alerts.yml has a rule for each.
KINDS = (
    ("queue_long", CRITICAL),
    ("queue_long", WARNING),
    ("nobody_works", CRITICAL),
    ("provider_down", CRITICAL),
    ("slow", WARNING),
    ("errors", WARNING),
    ("limit_full", WARNING),
    ("webhooks_failed", WARNING),
    ("plan_unknown", WARNING),
)
# Counted no further: then it is many.
_MANY = 100


@dataclass(frozen=True, slots=True)
class Alert:
    name: str
    severity: str
    message: str


@dataclass(frozen=True, slots=True)
class Trend:
    """What happened within the last `ALERT_WINDOW_SECONDS`. `growth`: how many more came into line than ended."""

    done: int
    failed: int
    growth: int


@dataclass(frozen=True, slots=True)
class Neglected:
    """What Wix told us and only staff can mend, counted up to a hundred."""

    webhooks: int = 0
    plans: int = 0


def firing(stats: dict[str, Any], workers_alive: int) -> list[Alert]:
    """`stats` as `queue.stats` returns them."""
    shares, down = usage.shares(settings.ALERT_WINDOW_SECONDS), health.providers_down()
    return judge(stats, trend(), shares, workers_alive, down, neglected())


def judge(
    queue: dict[str, Any],
    trend: Trend,
    shares: Sequence[Share],
    workers: int,
    down: Sequence[dict[str, Any]] = (),
    neglected: Neglected | None = None,
) -> list[Alert]:
    """The worst first."""
    found = [
        *_of_the_queue(queue, workers),
        *(_down(provider) for provider in down),
        *_of_errors(trend),
        *(_full(share) for share in shares if trend.growth > 0 and share.share > settings.ALERT_LIMIT_USE),
        *_of_wix(neglected or Neglected()),
    ]
    return sorted(found, key=lambda alert: KINDS.index((alert.name, alert.severity)))


def _of_the_queue(queue: dict[str, Any], workers: int) -> Iterator[Alert]:
    waiting, done = queue["queue"], queue["done_last_minute"]
    if waiting > settings.ALERT_QUEUE_CRITICAL:
        yield Alert("queue_long", CRITICAL, f"{waiting:,} blogs wait; more than {settings.ALERT_QUEUE_CRITICAL:,}.")
    elif waiting > settings.ALERT_QUEUE_WARNING:
        yield Alert("queue_long", WARNING, f"{waiting:,} blogs wait; more than {settings.ALERT_QUEUE_WARNING:,}.")
    if waiting and not workers:
        yield Alert("nobody_works", CRITICAL, "Blogs wait, and no worker is alive.")
    # The minute that is judged must have been one with something to do.
    if waiting and queue["oldest_waiting_seconds"] >= 60 and done < settings.ALERT_BLOGS_PER_MINUTE:
        yield Alert(
            "slow", WARNING, f"{done} blogs done in the last minute, fewer than {settings.ALERT_BLOGS_PER_MINUTE}."
        )


def _down(provider: dict[str, Any]) -> Alert:
    """Why, for staff alone, is on the page of breakers."""
    return Alert("provider_down", CRITICAL, f"Nobody asks {provider['provider']} but by probes.")


def _of_errors(trend: Trend) -> Iterator[Alert]:
    ended = trend.done + trend.failed
    if ended and trend.failed / ended > settings.ALERT_ERROR_SHARE:
        share, minutes = trend.failed / ended, settings.ALERT_WINDOW_SECONDS / 60
        yield Alert("errors", WARNING, f"{share:.0%} of the blogs that ended in the last {minutes:g} minutes failed.")


def _full(share: Share) -> Alert:
    """Full use alone is how we work under load."""
    minutes = settings.ALERT_WINDOW_SECONDS / 60
    return Alert(
        "limit_full", WARNING, f"{share.share:.0%} of {share} used for {minutes:g} minutes, and the queue grows."
    )


def _of_wix(neglected: Neglected) -> Iterator[Alert]:
    if count := neglected.webhooks:
        yield Alert("webhooks_failed", WARNING, f"{_counted(count)} webhooks failed for good; replay or ignore them.")
    if count := neglected.plans:
        yield Alert("plan_unknown", WARNING, f"{_counted(count)} sites pay for a plan that our list of plans lacks.")


def _counted(count: int) -> str:
    return f"{count}+" if count == _MANY else str(count)


def neglected() -> Neglected:
    failed = WebhookDelivery.objects.filter(status=WebhookDelivery.Status.FAILED)
    unknown = Subscription.objects.filter(plan=None).exclude(vendor_product_id="")
    return Neglected(failed[:_MANY].count(), unknown[:_MANY].count())


# Those who came and wait or run, less those who were there before and have ended: the difference of then and now, without a
# history of it. What is put off is left out, for it isn't in line; a retry by staff, or what was scheduled and is due, is not
# counted as new.
_TREND = """
WITH since AS MATERIALIZED (
    SELECT clock_timestamp() - %(seconds)s * interval '1 second' AS moment
), ended AS MATERIALIZED (
    SELECT status, created_at FROM blog_generations WHERE finished_at > (SELECT moment FROM since)
)
SELECT (SELECT count(*) FROM ended WHERE status = 'DONE'),
       (SELECT count(*) FROM ended WHERE status = 'FAILED'),
       (SELECT count(*) FROM (
           SELECT 1 FROM blog_generations
            WHERE ready AND created_at > (SELECT moment FROM since) LIMIT %(limit)s) AS came_and_wait)
       + (SELECT count(*) FROM blog_generations WHERE status = 'PROCESSING' AND created_at > (SELECT moment FROM since))
       - (SELECT count(*) FROM ended WHERE created_at <= (SELECT moment FROM since))
"""


def trend() -> Trend:
    with connection.cursor() as cursor:
        cursor.execute(_TREND, {"seconds": settings.ALERT_WINDOW_SECONDS, "limit": settings.BLOG_QUEUE_LIMIT})
        return Trend(*cursor.fetchone())

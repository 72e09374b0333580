"""The numbers of `/metrics`, for Prometheus: all are of the whole service, and none is of a single site.

Each scrape reads them from the database, where all processes write what they have counted. Every process answers alike, so one
target is enough.
The registry is our own, because the global one of `prometheus-client` adds numbers of whichever process answered.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import django
from django.conf import settings
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from blogs.operations import alerts, counters, health, shops
from blogs.operations.alerts import Alert
from blogs.operations.health import Service
from blogs.operations.shops import Shops
from blogs.outgoing import turns
from workers import metrics
from workers.database import process_counts

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

# Where a number stands in `queue.stats()`.
_QUEUE = {
    "blogs_ready": ("queue", "Blogs in line, or back in it as soon as a provider is; counted up to the queue's limit."),
    "blogs_ready_limit": ("queue_limit", "How many may be in line."),
    "blogs_delayed": ("delayed", "Blogs that wait for a time, counted up to 10,000."),
    "blogs_processing": ("processing", "Blogs that workers have."),
    "blogs_oldest_waiting_seconds": (
        "oldest_waiting_seconds",
        "How long the blog has been in line that has been so for longest.",
    ),
    "blogs_done_last_minute": ("done_last_minute", "Blogs done within the last 60 s."),
    "blogs_failed_last_minute": ("failed_last_minute", "Blogs failed within the last 60 s."),
}
# Where a number stands in what `health.limits` says of a limit.
_LIMITS: dict[str, tuple[tuple[str, ...], str]] = {
    "rate_limit_requests_per_minute": (("requests", "limit"), "Requests a minute that are allowed."),
    "rate_limit_requests_last_minute": (("requests", "usedLast60Seconds"), "Requests within the last 60 s."),
    "rate_limit_tokens_per_minute": (("tokens", "limit"), "Tokens a minute that are allowed."),
    "rate_limit_tokens_last_minute": (("tokens", "usedLast60Seconds"), "Tokens reserved within the last 60 s."),
    "rate_limit_tokens_used_last_minute": (
        ("tokens", "usedByAnswersLast60Seconds"),
        "Tokens that answers of the last 60 s said they used.",
    ),
    "rate_limit_next_free_seconds": (("nextFreeInSeconds",), "Until the next call may start."),
    "rate_limit_rejections_total": (("rejections",), "429s that the provider answered."),
    "rate_limit_blocked": (("blockedUntil",), "1 while nobody asks, because the provider said so."),
}


def page() -> bytes:
    """Give all numbers in Prometheus' text form."""
    return generate_latest(_registry)


class ServiceCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        service, limits, counted = health.service(), health.shared_limits(), process_counts.totals()
        yield of_the_build()
        yield from of_the_queue(service.queue)
        yield from of_workers(service)
        yield from of_limits(limits)
        yield from of_shops(shops.shops())
        yield from counters.families(counted)
        open_streams = "Streams of live events that are open."
        yield GaugeMetricFamily("live_events_listeners", open_streams, process_counts.now(metrics.LISTENERS))
        yield from of_webhooks(*turns.waiting())
        yield of_alerts(service.alerts)


_registry = CollectorRegistry()
_registry.register(ServiceCollector())


def of_the_build() -> Metric:
    """Prometheus' way to tell a version: in labels, with the value 1. It is the web process's that answers."""
    labels = {"release": settings.RELEASE, "python": platform.python_version(), "django": django.get_version()}
    return _family(
        "blogs_build_info", "The release that answers this scrape.", list(labels), [(list(labels.values()), 1)]
    )


def of_the_queue(stats: dict[str, Any]) -> Iterator[Metric]:
    for name, (key, about) in _QUEUE.items():
        yield GaugeMetricFamily(name, about, stats[key])


def of_workers(service: Service) -> Iterator[Metric]:
    workers = service.workers
    yield GaugeMetricFamily("workers_alive", "Worker processes with a fresh heartbeat.", len(workers))
    yield GaugeMetricFamily("workers_seats", "Threads of the living workers.", service.seats)
    yield GaugeMetricFamily("workers_in_flight", "Seats that are taken.", service.in_flight)
    yield GaugeMetricFamily("workers_wanted", "Worker processes worth running now.", service.workers_wanted)
    broken = "Living workers that take probes only, because their release was found broken."
    yield GaugeMetricFamily("workers_broken", broken, len(service.broken))
    waiting = sorted({provider for worker in workers for provider in worker["waiting"]})
    yield _family(
        "workers_threads_waiting",
        "Threads that wait for a place in a provider's limit.",
        ["provider"],
        [((name,), sum(it["waiting"].get(name, 0) for it in workers)) for name in waiting],
    )


def of_limits(limits: Sequence[dict[str, Any]]) -> Iterator[Metric]:
    for name, (path, about) in _LIMITS.items():
        found = [((it["provider"], it["model"]), _at(it, path)) for it in limits]
        samples = [(labels, value) for labels, value in found if value is not None]
        yield _family(name, about, ["provider", "model"], samples)


def of_shops(found: Shops) -> Iterator[Metric]:
    yield GaugeMetricFamily("shops_connected", "Shops that have the app.", found.connected)
    yield GaugeMetricFamily("shops_waiting", "Shops with blogs in line.", found.waiting)
    yield GaugeMetricFamily("shops_paused", "Shops whose paused line holds blogs.", found.paused)
    yield GaugeMetricFamily(
        "shops_largest_share", "Share of the blogs in line that the shop with the most has.", found.largest_share
    )
    yield GaugeMetricFamily("credits_held", "Credits set aside for unfinished blogs.", found.credits_held)
    yield GaugeMetricFamily("credits_free", "Credits that shops can still spend.", found.credits_free)


def of_webhooks(waiting: int, late: float) -> Iterator[Metric]:
    about = "Messages to shops' own endpoints that are not over, counted up to 10,000."
    yield GaugeMetricFamily("webhooks_waiting", about, waiting)
    about = "How late the message is that has been due for longest, of endpoints that take messages."
    yield GaugeMetricFamily("webhooks_late_seconds", about, late)


def of_alerts(firing: Sequence[Alert]) -> Metric:
    """List also the alerts that don't fire, as 0: a rule on a series that is missing would never fire."""
    now = {(alert.name, alert.severity) for alert in firing}
    samples = [(kind, int(kind in now)) for kind in alerts.KINDS]
    return _family("alert_firing", "1 while somebody should look.", ["alert", "severity"], samples)


def _family(
    name: str, about: str, labels: Sequence[str], samples: Iterable[tuple[Sequence[str], float]]
) -> GaugeMetricFamily | CounterMetricFamily:
    """A name that ends in `_total` makes it a counter, as Prometheus wants it."""
    kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    family = kind(name, about, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def _at(limit: dict[str, Any], path: Sequence[str]) -> float | None:
    """Look a number up; a time counts as 1, no time as 0, and None says that this limit has no such number."""
    found: Any = limit
    for key in path:
        if key not in found:
            return None
        found = found[key]
    return float(found) if isinstance(found, int | float) else float(found is not None)

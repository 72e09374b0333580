"""The counters and histograms of `/metrics`: what all processes have counted (`workers/metrics.py`), as Prometheus wants it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from workers import metrics
from workers.database.process_counts import Counts


class _Family(NamedTuple):
    counted: str
    """What `workers.metrics` calls it."""
    name: str
    about: str
    labels: tuple[str, ...]


_COUNTERS = (
    _Family(
        metrics.EVENTS,
        "blogs_events_total",
        "What happened to blogs; with an error's code, or none.",
        ("event", "code"),
    ),
    _Family(metrics.CALLS, "provider_calls_total", "Calls to other services.", ("provider", "operation", "outcome")),
    _Family(metrics.TOKENS, "provider_tokens_total", "Tokens of OpenAI's calls.", ("call", "tokens")),
    _Family(metrics.FINDINGS, "article_findings_total", "What gate and critic found in articles.", ("check", "level")),
    _Family(
        metrics.REQUESTS, "http_requests_total", "HTTP requests that were answered.", ("route", "method", "status")
    ),
    _Family(metrics.WEBHOOKS_RECEIVED, "webhooks_received_total", "Webhooks that came in.", ("outcome",)),
    _Family(metrics.WEBHOOKS_HANDLED, "webhooks_handled_total", "Webhooks that workers took.", ("outcome",)),
    _Family(metrics.WEBHOOKS_SENT, "webhooks_sent_total", "Sendings to shops' own endpoints.", ("outcome",)),
    _Family(
        metrics.ESTIMATES,
        "blogs_estimates_total",
        "Promised starts and ends of blogs that have ended: inside their range, before or behind it.",
        ("what", "outcome"),
    ),
)
_HISTOGRAMS = (
    _Family(metrics.STAGE_SECONDS, "blogs_stage_seconds", "Seconds of a stage, with its waits.", ("stage", "outcome")),
    _Family(
        metrics.CALL_SECONDS,
        "provider_call_seconds",
        "Seconds of a call, without its waits.",
        ("provider", "operation"),
    ),
    _Family(
        metrics.ESTIMATE_ERROR,
        "blogs_estimate_error_ratio",
        "How far a start or an end was from the middle of its promised range, as a share of the promised wait.",
        ("what",),
    ),
    _Family(metrics.REQUEST_SECONDS, "http_request_seconds", "Seconds until a request was answered.", ("route",)),
)


def families(counted: Counts) -> Iterator[Metric]:
    """A family without any count is there too, with its help and type and no sample."""
    by_name: defaultdict[str, Counts] = defaultdict(Counter)
    for (name, *rest), number in counted.items():
        by_name[name][tuple(rest)] = number
    for family in _COUNTERS:
        yield _counter(family, by_name[family.counted])
    for family in _HISTOGRAMS:
        yield _histogram(family, by_name[family.counted])


def _counter(family: _Family, counted: Counts) -> Metric:
    metric = CounterMetricFamily(family.name, family.about, labels=family.labels)
    for labels, number in sorted(counted.items()):
        if len(labels) == len(family.labels):
            metric.add_metric(labels, number)
    return metric


def _histogram(family: _Family, counted: Counts) -> Metric:
    """Sum the buckets up, as Prometheus wants them. A bound that only another release has counts to the next one of ours."""
    metric = HistogramMetricFamily(family.name, family.about, labels=family.labels)
    bounds = metrics.BUCKETS[family.counted]
    names = [*map(floatToGoString, bounds), "+Inf"]
    for labels in sorted({name[:-1] for name in counted if len(name) == len(family.labels) + 1}):
        found = [0] * len(names)
        for name, number in counted.items():
            if name[:-1] == labels and name[-1] != metrics.SUM:
                found[bisect_left(bounds, float(name[-1]))] += number
        buckets = list(zip(names, accumulate(found), strict=True))
        metric.add_metric(labels, buckets, counted[(*labels, metrics.SUM)] / 1_000_000)
    return metric

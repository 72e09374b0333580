"""Counting for tests, as a process of its own would have."""

from __future__ import annotations

from workers import metrics
from workers.database import process_counts


def count_one_of_each() -> None:
    """Count one of all that is published, and write it."""
    metrics.count(metrics.EVENTS, "done", "")
    metrics.count(metrics.CALLS, "openai", "article", "ok")
    metrics.count(metrics.TOKENS, "article:medium", "output", by=2_500)
    metrics.count(metrics.FINDINGS, "claims", "error")
    metrics.count(metrics.REQUESTS, "credits", "GET", "200")
    metrics.count(metrics.WEBHOOKS_RECEIVED, "stored")
    metrics.count(metrics.WEBHOOKS_HANDLED, "done")
    metrics.count(metrics.WEBHOOKS_SENT, "delivered")
    metrics.count(metrics.LISTENERS)
    metrics.count(metrics.ESTIMATES, "start", "inside")
    metrics.observe(metrics.ESTIMATE_ERROR, "start", seconds=0.1)
    metrics.observe(metrics.STAGE_SECONDS, "article", "ok", seconds=30.0)
    metrics.observe(metrics.CALL_SECONDS, "openai", "article", seconds=29.0)
    metrics.observe(metrics.REQUEST_SECONDS, "credits", seconds=0.004)
    process_counts.Row().write()

"""The queue and its alerts for `/metrics`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from blogs.operations.alerts import KINDS, Alert
from blogs.operations.exposition import Metric


def of_the_queue(stats: dict[str, Any]) -> list[Metric]:
    about = {
        "blogs_ready": (
            "Blogs in line, or back in it as soon as a provider is; counted up to the queue's limit.",
            "queue",
        ),
        "blogs_ready_limit": ("How many may be in line.", "queue_limit"),
        "blogs_delayed": ("Blogs that wait for a time, counted up to 10,000.", "delayed"),
        "blogs_processing": ("Blogs that workers have.", "processing"),
        "blogs_oldest_waiting_seconds": ("Age of the oldest blog in line.", "oldest_waiting_seconds"),
        "blogs_done_last_minute": ("Blogs done within the last 60 s.", "done_last_minute"),
        "blogs_failed_last_minute": ("Blogs failed within the last 60 s.", "failed_last_minute"),
    }
    return [Metric(name, text, [({}, stats[key])]) for name, (text, key) in about.items()]


def of_alerts(firing: Sequence[Alert]) -> Metric:
    """Those that don't fire are there too, as 0: a rule on a series that is missing would never say so."""
    now = {(alert.name, alert.severity) for alert in firing}
    return Metric(
        "alert_firing",
        "1 while somebody should look.",
        [({"alert": name, "severity": severity}, int((name, severity) in now)) for name, severity in KINDS],
    )

"""Numbers in Prometheus' text form; those of workers and limits are here. All are of the whole service, and of no single site.

Whichever process answers says the same, so one target is enough, however many workers and web processes there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# A number, or several with the labels that tell them apart.
Sample = tuple[dict[str, str], float]


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    about: str
    samples: Sequence[Sample]

    @property
    def kind(self) -> str:
        return "counter" if self.name.endswith("_total") else "gauge"

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {self.about}"
        yield f"# TYPE {self.name} {self.kind}"
        for labels, value in self.samples:
            named = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
            yield f"{self.name}{{{named}}} {value:.15g}" if named else f"{self.name} {value:.15g}"


def text(metrics: Iterable[Metric]) -> str:
    return "\n".join(line for metric in metrics for line in metric.lines()) + "\n"


def of_workers(workers: Sequence[dict[str, Any]]) -> list[Metric]:
    sums = {
        "workers_seats": ("Threads of the living workers.", "threads"),
        "workers_in_flight": ("Seats that are taken.", "in_flight"),
    }
    waiting = sorted({provider for worker in workers for provider in worker["waiting"]})
    return [
        Metric("workers_alive", "Worker processes with a fresh heartbeat.", [({}, len(workers))]),
        *(Metric(name, text, [({}, sum(it[key] for it in workers))]) for name, (text, key) in sums.items()),
        Metric(
            "workers_threads_waiting",
            "Threads that wait for a place in a provider's limit.",
            [({"provider": name}, sum(it["waiting"].get(name, 0) for it in workers)) for name in waiting],
        ),
    ]


def of_limits(limits: Sequence[dict[str, Any]]) -> list[Metric]:
    """`limits` as `health.limits` describes them."""

    def each(name: str, about: str, *path: str) -> Metric:
        found = [({"provider": it["provider"], "model": it["model"]}, _at(it, path)) for it in limits]
        return Metric(name, about, [(labels, value) for labels, value in found if value is not None])

    return [
        each("rate_limit_requests_per_minute", "Requests a minute that are allowed.", "requests", "limit"),
        each("rate_limit_requests_last_minute", "Requests within the last 60 s.", "requests", "usedLast60Seconds"),
        each("rate_limit_tokens_per_minute", "Tokens a minute that are allowed.", "tokens", "limit"),
        each("rate_limit_tokens_last_minute", "Tokens reserved within the last 60 s.", "tokens", "usedLast60Seconds"),
        each(
            "rate_limit_tokens_used_last_minute",
            "Tokens that answers of the last 60 s said they used.",
            "tokens",
            "usedByAnswersLast60Seconds",
        ),
        each("rate_limit_next_free_seconds", "Until the next call may start.", "nextFreeInSeconds"),
        each("rate_limit_rejections_total", "429s that the provider answered.", "rejections"),
        each("rate_limit_blocked", "1 while nobody asks, because the provider said so.", "blockedUntil"),
    ]


def _at(limit: dict[str, Any], path: Sequence[str]) -> float | None:
    """A number in there; a time is 1 and no time 0."""
    found: Any = limit
    for key in path:
        if key not in found:
            return None
        found = found[key]
    return float(found) if isinstance(found, int | float) else float(found is not None)


def _escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

"""How honest promises were: shares inside their ranges, and the ranges' widths beside the true waits."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Promise:
    """What the answer to a request said, and what became of it."""

    answer: dict[str, Any]
    created: datetime
    started: datetime
    finished: datetime

    def of(self, what: str) -> tuple[float, float, float] | None:
        """Return early, late and truth, in seconds from the request; None where no time was named."""
        told = self.answer[what]
        if told is None:
            return None
        truth = self.started if what == "estimatedStart" else self.finished
        early, late = (datetime.fromisoformat(told[end]) for end in ("early", "late"))
        found = [(moment - self.created).total_seconds() for moment in (early, late, truth)]
        return found[0], found[1], found[2]

    def told(self) -> list[Any]:
        """Return what a person who tunes the ranges looks at."""
        return [self.answer["queuePosition"], self.of("estimatedStart"), self.of("estimatedEnd")]


def figures(promises: Sequence[Promise]) -> dict[str, Any]:
    return {
        "blogs": len(promises),
        "starts": of([found for each in promises if (found := each.of("estimatedStart"))]),
        "ends": of([found for each in promises if (found := each.of("estimatedEnd"))]),
    }


def of(found: Sequence[tuple[float, float, float]]) -> dict[str, Any]:
    """`inside`, `before` and `behind`: shares; `width`: the median of a range over the true wait."""
    if not found:
        return {"promised": 0}
    return {
        "promised": len(found),
        "inside": round(statistics.fmean(early <= truth <= late for early, late, truth in found), 3),
        "before": round(statistics.fmean(truth < early for early, _, truth in found), 3),
        "behind": round(statistics.fmean(truth > late for _, late, truth in found), 3),
        "width": round(statistics.median((late - early) / max(truth, 0.001) for early, late, truth in found), 2),
        "wait_p50_s": round(statistics.median(truth for *_, truth in found), 1),
    }

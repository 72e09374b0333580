"""How honest promises were: shares inside their ranges, and the ranges' widths beside the true waits."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

# What is told to start within this many seconds is to start at once: there is no wait that a width could be a share of.
_AT_ONCE = 2.5


class Told(NamedTuple):
    """A range and what came true, in seconds from the request."""

    early: float
    late: float
    truth: float


@dataclass(frozen=True, slots=True)
class Promise:
    """What was told of a blog when it was asked for, and what became of it; no range where no time was named."""

    case: str
    asked: float
    site: int
    position: int | None
    start: Told | None
    end: Told | None


def write(promises: Iterable[Promise], file: Path) -> None:
    """Add them to the file, a line each."""
    with file.open("a") as lines:
        lines.writelines(json.dumps(asdict(promise)) + "\n" for promise in promises)


def read(file: Path) -> list[Promise]:
    found = [json.loads(line) for line in file.read_text().splitlines()]
    return [Promise(**{**each, **{what: _told(each[what]) for what in ("start", "end")}}) for each in found]


def _told(found: Sequence[float] | None) -> Told | None:
    return Told(*found) if found else None


def summary(promises: Sequence[Promise]) -> dict[str, Any]:
    """Sum up all promises, and each case; `width_share` is the greater of the medians of starts and of ends."""
    whole = figures(promises)
    return {
        "inside_start": whole["starts"]["inside"],
        "inside_end": whole["ends"]["inside"],
        "width_share": max(whole["starts"]["width"], whole["ends"]["width"]),
        "inside_start_not_at_once": whole["starts_not_at_once"]["inside"],
        "cases": {
            case: figures([each for each in promises if each.case == case])
            for case in dict.fromkeys(each.case for each in promises)
        },
    }


def figures(promises: Sequence[Promise]) -> dict[str, Any]:
    starts = [each.start for each in promises if each.start]
    return {
        "blogs": len(promises),
        "starts": _of(starts),
        "starts_not_at_once": _of([each for each in starts if each.late > _AT_ONCE]),
        "ends": _of([each.end for each in promises if each.end]),
    }


def _of(found: Sequence[Told]) -> dict[str, Any]:
    """`inside`, `before` and `behind`: shares; `width`: the median of a range over the true wait."""
    if not found:
        return {"promised": 0}
    return {
        "promised": len(found),
        "inside": round(statistics.fmean(each.early <= each.truth <= each.late for each in found), 3),
        "before": round(statistics.fmean(each.truth < each.early for each in found), 3),
        "behind": round(statistics.fmean(each.truth > each.late for each in found), 3),
        "width": round(statistics.median((each.late - each.early) / max(each.truth, 0.001) for each in found), 2),
        "wait_p50_s": round(statistics.median(each.truth for each in found), 1),
    }

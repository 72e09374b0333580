"""What all stand-ins share: the clock's speed, the dice, the faults, and the journal of everything they were sent."""

from __future__ import annotations

import asyncio
import json
import math
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.sandbox.faults import Faults
from tests.sandbox.limits import POLICIES, SlidingWindow
from tests.sandbox.switches import Switches

REMEMBERED_REQUESTS = 20_000

# Mean seconds and coefficient of variation of what takes long at the real providers; the rest answers at once.
_SHORT = {"idea": (4.0, 0.3), "article": (30.0, 0.3), "image": (8.0, 0.2), "media": (3.0, 0.2), "draft": (25.0, 0.15)}
WORKLOADS = {"short": _SHORT, "long": _SHORT | {"article": (55.0, 0.3)}}
USUAL_WORKLOAD = "short"
# The answers' tokens, an article's for a section: the workloads mean blogs of five sections (2,500) and of eight (4,500).
TOKENS = {
    "short": {"idea": (400.0, 0.2), "article": (500.0, 0.2)},
    "long": {"idea": (400.0, 0.2), "article": (562.5, 0.2)},
}


def iso(timestamp: float) -> str:
    moment = datetime.fromtimestamp(timestamp, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class Entry:
    """One remembered request; the body stays as bytes because few of 20,000 are ever looked at."""

    provider: str
    operation: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    time: float
    status: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "provider": self.provider,
            "operation": self.operation,
            "method": self.method,
            "path": self.path,
            "headers": self.headers,
            "body": _readable(self.body),
            "time": iso(self.time),
            "status": self.status,
        }


def _readable(body: bytes) -> Any:
    try:
        document = json.loads(body)
    except ValueError:
        return f"<{len(body)} bytes>" if body else None
    if isinstance(document, dict) and "client_secret" in document:
        document["client_secret"] = "…"
    return document


class Journal:
    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=REMEMBERED_REQUESTS)

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)

    def clear(self) -> None:
        self._entries.clear()

    def matching(self, provider: str | None, operation: str | None) -> Iterator[Entry]:
        for entry in self._entries:
            if provider in (None, entry.provider) and operation in (None, entry.operation):
                yield entry


@dataclass(slots=True)
class World:
    speed: float = 1.0
    limit_scale: float = 1.0
    seed: int = 0
    workload: str | None = None
    policy: str = "sliding"
    dice: random.Random = field(init=False)
    faults: Faults = field(init=False)
    switches: Switches = field(init=False, default_factory=Switches)
    journal: Journal = field(init=False, default_factory=Journal)
    stopping: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    skipped: float = field(init=False, default=0.0)
    """Seconds by which the stand-ins' clock has been put forward. Rate limits go by another, which cannot be moved."""
    files: dict[str, tuple[float, float]] = field(init=False, default_factory=dict)
    """Addresses of Replicate's files, from when and until when they are there: Wix, asked to import one, fetches it."""

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.faults = Faults(self.dice)

    def requests_window(self, limit: int) -> SlidingWindow:
        """A window of `limit` requests a minute, scaled, by this world's policy."""
        return POLICIES[self.policy][0](self.scaled(limit))

    def tokens_window(self, limit: int) -> SlidingWindow:
        return POLICIES[self.policy][1](self.scaled(limit))

    def scaled(self, limit: int) -> int:
        return max(1, round(limit * self.limit_scale))

    def seconds(self, what: str) -> float:
        """A duration with the workload's mean and variation, at this world's speed."""
        return self._drawn(*WORKLOADS[self.workload or USUAL_WORKLOAD][what]) / self.speed

    def tokens(self, what: str, sections: int) -> int | None:
        """How long an answer is said to be, if a workload was asked for by name. None: as long as its text is."""
        if self.workload is None or what not in TOKENS[self.workload]:
            return None
        return max(1, round(self._drawn(*TOKENS[self.workload][what]) * (sections if what == "article" else 1)))

    def _drawn(self, mean: float, variation: float) -> float:
        """Log-normal; `variation` is the standard deviation's share of the mean."""
        variance = math.log(1 + variation**2)
        return self.dice.lognormvariate(math.log(mean) - variance / 2, math.sqrt(variance))

    def has_file(self, url: str) -> bool:
        """Anybody else's files are always there."""
        first, last = self.files.get(url, (-math.inf, math.inf))
        return first <= self.now() < last

    def now(self) -> float:
        return time.time() + self.skipped

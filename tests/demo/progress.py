"""What the demo shows and counts, read from the product's own tables and endpoints."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import requests
from rich.table import Table

_STATES = ("PENDING", "PROCESSING", "DONE", "FAILED")


@dataclass(slots=True)
class Progress:
    """Looks at the database a few times a second, and remembers the largest number of connections it has seen."""

    url: str
    blogs: int
    started_at: float = field(default_factory=time.monotonic)
    ended_at: float | None = None
    connections: int = 0
    by_shop: dict[str, dict[str, int]] = field(default_factory=dict)

    def look(self) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT s.name, g.status, count(*) FROM blog_generations g JOIN wix_site s ON s.id = g.site_id"
                " GROUP BY s.name, g.status"
            )
            shops: dict[str, dict[str, int]] = {}
            for name, status, count in cursor.fetchall():
                shops.setdefault(name, {})[status] = count
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'blogs-worker%'")
            self.connections = max(self.connections, cursor.fetchone()[0])
        self.by_shop = shops
        if self.finished and self.ended_at is None:
            self.ended_at = time.monotonic()

    def total(self, *states: str) -> int:
        return sum(counts.get(state, 0) for counts in self.by_shop.values() for state in states)

    @property
    def finished(self) -> bool:
        return self.total("DONE", "FAILED", "CANCELLED") >= self.blogs

    @property
    def seconds(self) -> float:
        return (self.ended_at or time.monotonic()) - self.started_at

    def table(self) -> Table:
        per_minute = self.total("DONE") / max(self.seconds, 0.1) * 60
        title = f"{self.total('DONE')} of {self.blogs} blogs done · {self.seconds:.0f} s · {per_minute:.0f} a minute"
        table = Table(title=title, caption=self._limits(), expand=False)
        table.add_column("shop")
        for state in _STATES:
            table.add_column(state.lower(), justify="right", min_width=7)
        for name, counts in sorted(self.by_shop.items(), key=lambda shop: -sum(shop[1].values())):
            table.add_row(name, *(str(counts.get(state, 0) or "·") for state in _STATES))
        return table

    def _limits(self) -> str:
        parts = []
        for path in ("rate-limiter", "replicate-rate-limiter"):
            for limit in _stats(f"{self.url}/api/{path}/stats"):
                for what in ("requests", "tokens"):
                    if use := limit.get(what):
                        share = use["usedLast60Seconds"] / use["limit"]
                        parts.append(f"{limit['provider']} {what} {share:.0%}")
        return "used in the last minute: " + ", ".join(parts) if parts else ""


def _stats(url: str) -> list[dict[str, Any]]:
    try:
        limits: list[dict[str, Any]] = requests.get(url, timeout=2).json()["limits"]
    except requests.RequestException:
        return []
    return limits

"""Where a paid month starts and ends."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from wix.billing.months import period


@pytest.mark.parametrize(
    ("since", "now", "start", "end"),
    [
        ("2026-01-31", "2026-02-27", "2026-01-31", "2026-02-28"),
        ("2026-01-31", "2026-02-28", "2026-02-28", "2026-03-31"),
        ("2026-01-31", "2026-03-30", "2026-02-28", "2026-03-31"),
        ("2026-01-31", "2026-03-31", "2026-03-31", "2026-04-30"),
        ("2024-02-29", "2025-02-28", "2025-02-28", "2025-03-29"),
        ("2025-12-15", "2026-01-14", "2025-12-15", "2026-01-15"),
        ("2025-12-15", "2026-01-15", "2026-01-15", "2026-02-15"),
        ("2026-05-01", "2026-04-01", "2026-05-01", "2026-06-01"),
    ],
)
def test_months_go_by_the_calendar(since: str, now: str, start: str, end: str) -> None:
    def on(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    assert period(on(since), on(now)) == (on(start), on(end))

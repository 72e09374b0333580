from __future__ import annotations

from typing import Any

import pytest

from blogs.operations import alerts
from blogs.operations.alerts import Trend
from workers.limits.usage import Share

CALM = {"queue": 0, "paused": False, "oldest_ready_seconds": 0.0, "done_last_minute": 0}
QUIET = Trend(done=0, failed=0, growth=0)
FULL = Share("openai", "gpt", 0.95)


def fired(
    trend: Trend = QUIET, shares: tuple[Share, ...] = (), workers: int = 1, **queue: Any
) -> list[tuple[str, str]]:
    found = alerts.judge({**CALM, **queue}, trend, shares, workers)
    return [(alert.name, alert.severity) for alert in found]


def test_nothing_to_do_is_no_alert_even_without_workers() -> None:
    assert fired(workers=0) == []


@pytest.mark.parametrize(
    ("waiting", "expected"),
    [
        (1_000, []),
        (1_001, [("queue_long", "warning")]),
        (5_000, [("queue_long", "warning")]),
        (5_001, [("queue_long", "critical")]),
    ],
)
def test_a_long_queue(waiting: int, expected: list[tuple[str, str]]) -> None:
    assert fired(queue=waiting, done_last_minute=100) == expected


@pytest.mark.parametrize(
    ("queue", "expected"),
    [
        ({"queue": 1, "oldest_ready_seconds": 61, "done_last_minute": 9}, [("slow", "warning")]),
        ({"queue": 1, "oldest_ready_seconds": 61, "done_last_minute": 10}, []),
        # What has just come is no sign of a minute without results.
        ({"queue": 1, "oldest_ready_seconds": 59, "done_last_minute": 0}, []),
        ({"queue": 0, "oldest_ready_seconds": 99, "done_last_minute": 0}, []),
    ],
)
def test_few_blogs_a_minute_while_some_wait(queue: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert fired(**queue) == expected


@pytest.mark.parametrize(
    ("done", "failed", "fires"), [(95, 5, False), (94, 6, True), (0, 0, False), (0, 2, False), (0, 3, True)]
)
def test_more_than_one_in_twenty_failed(done: int, failed: int, fires: bool) -> None:
    assert (fired(Trend(done, failed, growth=0)) == [("errors", "warning")]) is fires


def test_full_use_is_an_alert_only_while_the_queue_grows() -> None:
    growing = Trend(done=500, failed=0, growth=1)

    assert fired(growing, (FULL,)) == [("limit_full", "warning")]
    assert fired(QUIET, (FULL,)) == []
    assert fired(growing, (Share("openai", "", 0.9),)) == []


def test_each_full_limit_is_named() -> None:
    full = [FULL, Share("replicate", "", 1.0)]

    found = alerts.judge(CALM, Trend(1, 0, growth=9), full, 1)

    assert [alert.message for alert in found] == [
        "95% of openai gpt used for 5 minutes, and the queue grows.",
        "100% of replicate used for 5 minutes, and the queue grows.",
    ]


def test_while_staff_have_paused_all_lines_no_worker_is_missed() -> None:
    assert fired(workers=0, queue=3) == [("nobody_works", "critical")]
    assert fired(workers=0, queue=3, paused=True) == []


def test_the_worst_comes_first() -> None:
    found = fired(Trend(1, 3, growth=1), (FULL,), 0, queue=6_000, oldest_ready_seconds=600)

    assert found == [
        ("queue_long", "critical"),
        ("nobody_works", "critical"),
        ("slow", "warning"),
        ("errors", "warning"),
        ("limit_full", "warning"),
    ]


def test_the_numbers_are_settings(settings: Any) -> None:
    settings.ALERT_QUEUE_WARNING, settings.ALERT_ERROR_SHARE, settings.ALERT_LIMIT_USE = 10, 0.5, 0.97
    settings.ALERT_ERROR_MIN = 1

    assert fired(Trend(1, 1, growth=1), (FULL,), queue=11, done_last_minute=10) == [("queue_long", "warning")]

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from blogs.desk.system import chart
from workers.limits.usage import Minute

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


def hour(**last: int) -> list[Minute]:
    return [*(Minute(ago) for ago in range(59, 0, -1)), Minute(0, **last)]


def test_a_bar_stands_on_the_line_and_reaches_the_limit_when_all_is_used() -> None:
    drawn = chart.requests_chart(hour(requests=450), 450, NOW)

    first, last = drawn.bars[0], drawn.bars[-1]
    assert (first.height, first.y) == (0, drawn.bottom)
    assert last.y == pytest.approx(drawn.allowed_y)
    assert last.y + last.height == pytest.approx(drawn.bottom)


def test_more_than_the_limit_still_fits_into_the_picture() -> None:
    drawn = chart.requests_chart(hour(requests=9_000), 450, NOW)

    assert 20 <= drawn.bars[-1].y < drawn.allowed_y < drawn.bottom


def test_bars_stand_side_by_side_within_the_picture() -> None:
    bars = chart.requests_chart(hour(), 450, NOW).bars

    assert len(bars) == 60
    assert all(right.x - left.x == 10 for left, right in pairwise(bars))
    assert bars[-1].x + 8 <= 656


def test_tokens_show_what_was_used_of_what_was_reserved() -> None:
    drawn = chart.tokens_chart(hour(tokens=400_000, tokens_used=100_000), 450_000, NOW)

    last = drawn.bars[-1]
    assert last.used_height == pytest.approx(last.height / 4, abs=0.1)
    assert last.label == "11:59:30 UTC: 400,000 of 450,000 tokens, 100,000 used"


def test_a_rejection_is_marked_and_said() -> None:
    drawn = chart.requests_chart(hour(requests=7, rejections=2), 450, NOW)

    assert [bar.rejected for bar in drawn.bars[-2:]] == [False, True]
    assert drawn.bars[-1].label.endswith("7 of 450 requests, 2 rejected")
    assert drawn.summary == (
        "Requests a minute in the last hour: 0 on average, 7 at most, of 450 allowed; 2 rejected by the provider."
    )


def test_a_sparkline_goes_from_left_to_right_and_stays_in_its_box() -> None:
    assert chart.sparkline([0, 0.5, 3], width=100, height=21) == "M0.0 21.0 L50.0 11.0 L100.0 1.0"
    assert chart.sparkline([]) == ""

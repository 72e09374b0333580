from __future__ import annotations

import pytest

from blogs.desk.charts import axis


@pytest.mark.parametrize(
    ("highest", "expected"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (7, [0, 2, 4, 6, 8]),
        (10, [0, 3, 6, 9, 12]),
        (72, [0, 20, 40, 60, 80]),
        (450, [0, 200, 400, 600]),
        (2_700_000, [0, 1_000_000, 2_000_000, 3_000_000]),
    ],
)
def test_counts_are_named_by_whole_round_numbers_up_to_the_highest(highest: float, expected: list[float]) -> None:
    assert axis.scale(highest) == expected


def test_amounts_that_are_no_counts_have_smaller_steps() -> None:
    assert axis.scale(0.9, whole=False) == pytest.approx([0, 0.25, 0.5, 0.75, 1])


@pytest.mark.parametrize("highest", [0.3, 1, 2, 4, 5, 9, 11, 99, 101, 999, 1_001, 4_300, 27_000, 1e9])
def test_the_axis_reaches_the_highest_and_is_no_ladder(highest: float) -> None:
    steps = axis.scale(highest)

    assert steps[-1] >= highest
    assert 2 <= len(steps) <= 6
    assert steps[-1] <= max(1, 2 * highest)


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0"), (2_700_000, "2,700,000"), (0.25, "0.25"), (0.5, "0.5"), (123.4, "123"), (7.0, "7")],
)
def test_a_number_is_written_whole(amount: float, text: str) -> None:
    assert axis.written(amount) == text

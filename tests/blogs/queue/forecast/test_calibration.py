"""Ranges take from the last promises how far off they were, within bounds."""

from __future__ import annotations

from statistics import NormalDist

import pytest

from blogs.queue.forecast.calibration import TENTH, Fit, Forecast, fit


def spread(sigma: float, mean: float = 0.0, count: int = 3_000) -> list[float]:
    """Return how far truths of a normal distribution are off, in distances to the tenth."""
    normal = NormalDist(mean, sigma / TENTH)
    return [normal.inv_cdf((number + 0.5) / count) for number in range(count)]


def test_without_promises_a_range_is_as_the_model_expects_it() -> None:
    found = fit([])

    assert (found.before, found.behind) == pytest.approx((1, 1), abs=0.02)


@pytest.mark.parametrize("sigma", [0.95, 1.0, 1.25])
def test_eight_of_ten_then_fall_inside(sigma: float) -> None:
    offs = spread(sigma)

    found = fit(offs)

    assert sum(-found.before <= off <= found.behind for off in offs) / len(offs) == pytest.approx(0.8, abs=0.01)


def test_truths_that_come_late_widen_the_late_side_alone() -> None:
    found = fit(spread(1, mean=0.1))

    assert found.before == pytest.approx(0.9, abs=0.03)
    assert found.behind == pytest.approx(1.1, abs=0.03)


def test_few_promises_say_little_and_none_more_than_the_bounds() -> None:
    assert fit([5.0] * 5).behind < 1.3
    assert fit([50.0] * 300) == Fit(before=0.9, behind=1.3)
    assert fit([0.0] * 3_000) == Fit(before=0.9, behind=0.9)


def test_how_far_a_truth_is_off_is_told_in_distances_to_the_tenth_of_its_side() -> None:
    told = Forecast(100, before=20, behind=50)

    assert [told.off(truth) for truth in (60, 100, 175)] == [-2, 0, 1.5]

"""Whatever happens to one line, no line falls more than a start or two behind its fair share (cases: tests/bench)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bench.fairness_cases import CASES, Amounts, Play, fair_shares, worst_lag

# A share is rarely a whole number of blogs, and a line that has just joined may be last in a round and first in the next.
CLOSE = 2
SMALL = Amounts(cancelled=40, many=60, claims=3)


@pytest.mark.django_db
@pytest.mark.usefixtures("right_books")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_no_line_falls_behind_its_share(case: Callable[[Play], None]) -> None:
    assert worst_lag(case, SMALL) <= CLOSE


def test_a_fair_share_goes_by_weight_and_leaves_what_a_line_cannot_use_to_the_others() -> None:
    assert fair_shares(10, {1: (100, 1), 2: (100, 4)}) == {1: 2, 2: 8}
    assert fair_shares(10, {1: (1, 1), 2: (100, 1), 3: (100, 2)}) == {1: 1, 2: 3, 3: 6}
    assert fair_shares(10, {1: (3, 1)}) == {1: 3}

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wix.judge.judging import Judge, missing


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    if reason := missing():
        pytest.skip(reason)
    with Judge() as judge:
        yield judge

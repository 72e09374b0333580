from __future__ import annotations

import pytest
from django.core.cache import cache

from tests.support.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_threads_that_count_at_once_lose_no_count() -> None:
    cache.clear()
    cache.add("site", 0, timeout=60)

    def count() -> list[int]:
        return [cache.incr("site") for _ in range(10)]

    seen = at_once(*[count] * 8)

    assert sorted(number for numbers in seen for number in numbers) == list(range(1, 81))


def test_of_threads_that_add_at_once_one_does() -> None:
    cache.clear()

    assert at_once(*[lambda: cache.add("site", 1, timeout=60)] * 8).count(True) == 1

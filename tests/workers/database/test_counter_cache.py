from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection

from workers.database.counter_cache import CounterCache

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_counters(db: None) -> None:
    cache.clear()


def _rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM workers_counter")
        return int(cursor.fetchone()[0])


def test_the_first_add_counts_and_the_second_does_not() -> None:
    assert cache.add("site", 1, timeout=60) is True
    assert cache.add("site", 7, timeout=60) is False

    assert cache.get("site") == 1


def test_incr_counts_on_and_says_where_it_is() -> None:
    cache.add("site", 1, timeout=60)

    assert [cache.incr("site"), cache.incr("site", 5)] == [2, 7]


def test_a_counter_that_never_was_cannot_go_on() -> None:
    with pytest.raises(ValueError, match="no counter"):
        cache.incr("unknown")


def test_an_expired_counter_is_gone_and_starts_again() -> None:
    cache.add("site", 41, timeout=-1)

    assert cache.get("site") is None
    with pytest.raises(ValueError, match="no counter"):
        cache.incr("site")
    assert cache.add("site", 1, timeout=60) is True
    assert cache.get("site") == 1


def test_keys_do_not_disturb_each_other() -> None:
    cache.add("a", 1, timeout=60)
    cache.add("b", 1, timeout=60)

    cache.incr("a")

    assert (cache.get("a"), cache.get("b"), cache.get("c", "none")) == (2, 1, "none")


def test_a_new_key_clears_away_expired_ones_now_and_then() -> None:
    for number in range(5):
        cache.add(f"old-{number}", 1, timeout=-1)
    cache.add("young", 1, timeout=60)

    CounterCache("workers_counter", {"OPTIONS": {"CLEAN_EVERY": 1}}).add("new", 1, timeout=60)

    assert _rows() == 2
    assert (cache.get("young"), cache.get("new")) == (1, 1)


@pytest.mark.parametrize("use", [lambda: cache.set("a", 1), lambda: cache.delete("a"), lambda: cache.touch("a")])
def test_it_is_a_counter_and_no_cache(use: Any) -> None:
    with pytest.raises(NotImplementedError):
        use()

"""What shops have been asking for, and since when: changes of pace by arithmetic alone, and the sample that PostgreSQL takes."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.db import connection

from blogs.models import BlogGeneration
from blogs.queue.forecast import arrivals
from tests.support import factories
from workers.database.rows import plain

WINDOW = 650.0


def poisson(a_second: float, since: float, until: float = 0.0) -> list[float]:
    """Return the ages of what comes at that pace, from that age until that one."""
    dice, found, age = random.Random(f"{a_second} {since} {until}"), list[float](), until
    while (age := age + dice.expovariate(a_second)) < since:
        found.append(age)
    return found


def test_an_even_pace_has_no_change() -> None:
    assert arrivals.since(poisson(0.1, WINDOW), WINDOW) == WINDOW
    assert arrivals.since([], WINDOW) == WINDOW


@pytest.mark.parametrize("began", [5.0, 30.0, 300.0])
def test_a_burst_is_known_by_when_it_began(began: float) -> None:
    ages = [*poisson(16, began), *poisson(0.02, WINDOW, until=began)]

    assert arrivals.since(ages, WINDOW) == pytest.approx(began, rel=0.1)


def test_a_burst_that_is_over_goes_on_no_more() -> None:
    found = arrivals.arrivals([(1, age, 1) for age in poisson(16, 300, until=20)], WINDOW)

    assert found.more(1.0, within=60) == 0


def test_a_newcomer_after_a_burst_does_not_bring_it_back() -> None:
    ages = [0.01, *poisson(16, 300, until=20)]

    found = arrivals.arrivals([(1, age, 1) for age in ages], WINDOW)

    assert found.seconds == pytest.approx(0.01)
    assert found.more(1.0, within=60) == 1


def test_a_pace_that_became_a_tenth_counts_from_then_on() -> None:
    ages = [*poisson(1, 60), *poisson(10, 300, until=60)]

    assert arrivals.since(ages, WINDOW) == pytest.approx(60, rel=0.1)


def test_each_that_is_looked_at_stands_for_those_between() -> None:
    found = arrivals.arrivals([(site, age, 4) for site, age in enumerate(poisson(4, 100), start=1)], WINDOW)

    assert found.seconds == pytest.approx(100, rel=0.1)
    assert found.more(1.0, within=10) == pytest.approx(160, rel=0.2)
    assert found.more(1.0, within=10, but_of=1) < found.more(1.0, within=10)


def test_what_comes_goes_on_for_no_more_than_the_part_that_is_asked_about() -> None:
    found = arrivals.Arrivals({1: 30, 2: 10}, seconds=20)

    assert found.more(0.5, within=1_000) == 20
    assert found.more(0.5, within=5) == 10
    assert found.more(0.5, within=1_000, but_of=1) == 5


def test_a_young_burst_may_grow_to_several_times_what_has_come() -> None:
    low, middle, high = arrivals.Arrivals({1: 60, 2: 40}, seconds=20).goes_on(at_most=10**9)

    # A Pareto distribution's tenths and median: 0.9, 0.5 and 0.1 to the power of -2/3.
    assert (low, middle, high) == pytest.approx((0.073, 0.587, 3.642), abs=0.001)


def test_a_burst_grows_no_larger_than_the_queue() -> None:
    parts = [
        arrivals.Arrivals({1: came}, seconds=20).goes_on(at_most=10_000)[2]
        for came in (100, 5_000, 9_900, 10_000, 20_000)
    ]

    assert parts == sorted(parts, reverse=True)
    assert parts[0] == pytest.approx(3.6, abs=0.1)
    assert parts[1] < 1
    assert parts[2] < 0.011
    assert parts[3:] == [0, 0]


def sampled(lately: float) -> list[list[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ({arrivals.SAMPLE})", {"lately": lately})
        (found,) = cursor.fetchone()
    rows: list[list[Any]] = plain(found)
    return rows


@pytest.mark.django_db
def test_few_are_all_looked_at() -> None:
    sites = [factories.site() for _ in range(2)]
    for site in sites:
        factories.pending_generation(site)
    BlogGeneration.objects.filter(site=sites[0]).update(created_at="2020-01-01T00:00:00Z")

    assert [(site, every) for site, _, every in sampled(WINDOW)] == [(sites[1].pk, 1)]


@pytest.mark.django_db
def test_of_many_as_many_stand_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two shops that ask in turn are both seen, though every fourth blog is looked at."""
    sites = [factories.site(), factories.site()]
    for number in range(40):
        factories.pending_generation(sites[number % 2])
    monkeypatch.setattr(arrivals, "SAMPLE", arrivals.SAMPLE.replace("500", "10"))

    found = sampled(WINDOW)

    assert {every for *_, every in found} == {4}
    assert len(found) in range(9, 11)
    assert {site for site, *_ in found} == {site.pk for site in sites}

"""Places among many lines: counted in groups of lines that stand alike, and interpolated where that were too much."""

from __future__ import annotations

import pytest

from blogs.models import BlogGeneration, SiteLine
from blogs.queue import forecast
from blogs.queue.forecast import places
from blogs.queue.forecast.places import Alike, Lines
from tests.support import factories
from tests.support.blogs.books import site_with
from workers.context.process_memory import forget_everything

pytestmark = pytest.mark.django_db


def test_weights_and_short_lines_count() -> None:
    mine, heavy, short = site_with(6), site_with(20), site_with(2)
    SiteLine.objects.filter(site=heavy).update(step=1 / 3)

    found = forecast.queue_positions(list(BlogGeneration.objects.filter(site=mine).order_by("id")))

    # Before the n-th go 3 (n - 1) of the heavy line and all of the short one.
    assert list(found.values()) == [1, 2 + 3 + 1, 3 + 6 + 2, 4 + 9 + 2, 5 + 12 + 2, 6 + 15 + 2]
    assert short.pk


def test_of_many_places_some_are_counted_and_the_rest_interpolated(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = site_with(40)
    for _ in range(3):
        site_with(15)
    blogs = list(BlogGeneration.objects.filter(site=mine).order_by("id"))
    exact = forecast.queue_positions(blogs)

    monkeypatch.setattr(places, "_STEPS_MAX", 12)
    about = forecast.queue_positions(blogs)

    assert about.keys() == exact.keys()
    assert about != exact
    assert max(abs(about[pk] - exact[pk]) for pk in exact) <= 15
    assert sorted(about.values()) == list(about.values())


def test_a_list_of_many_places_among_many_lines_costs_no_more_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[Alike] = []

    def ties_with(turn: float, groups: list[Alike]) -> float:
        counted.extend(groups)
        return 0.0

    monkeypatch.setattr(places, "_STEPS_MAX", 300)
    monkeypatch.setattr(places, "_ties_with", ties_with)
    others = [Alike(turn=number / 7, step=1, waiting=9, lines=1) for number in range(100)]
    line = [0.0, 1.0, 50, False, False, 0.0, 0, 0]

    found = places.of(line, others, {pk: pk for pk in range(1, 51)})

    assert len(found.ties) == 50
    assert 0 < len(counted) <= 300


def test_many_lines_are_read_once_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_FEW", 2)
    monkeypatch.setattr(places, "_SHARE", 1e-9)
    mine, other = site_with(2), site_with(1)
    blog = BlogGeneration.objects.filter(site=mine).order_by("id")[1]
    assert forecast.queue_position(blog) == 3

    SiteLine.objects.filter(site=other).update(waiting=0)

    assert forecast.queue_position(blog) == 3
    forget_everything()
    assert forecast.queue_position(blog) == 2


def test_a_blog_that_has_left_its_line_has_no_place() -> None:
    site = factories.site()
    blogs = [factories.pending_generation(site) for _ in range(2)]
    BlogGeneration.objects.filter(pk=blogs[0].pk).update(ready=False, run_after="2030-01-01T00:00:00Z")

    assert forecast.queue_positions(blogs) == {blogs[1].pk: 1}


def lines(mine: Alike, *others: Alike, clock: float = 0.0) -> Lines:
    return Lines.of(mine, [mine, *others], clock)


def test_of_others_at_the_same_turn_those_go_first_whose_site_is_older() -> None:
    site_with(2)
    mine = site_with(2)
    site_with(2)
    blogs = list(BlogGeneration.objects.filter(site=mine).order_by("id"))

    found = places.places(blogs)

    assert found
    assert list(found.of.values()) == [1, 4]
    assert found.ties == {1: 1.0, 2: 1.0}


def test_what_others_go_on_to_ask_for_starts_before_the_last_of_a_long_line() -> None:
    mine = Alike(turn=10, step=1, waiting=20, lines=1)
    short, longer = Alike(turn=10, step=1, waiting=1, lines=3), Alike(turn=10, step=1, waiting=4, lines=1)

    joining = lines(mine, short, longer, clock=10).joining(blogs=[16], sites=5, in_line=(1, 20))

    # Two for each short line and for one that is empty yet, eight for the longer one; all before the last, none before the first.
    assert joining == [{1: 0, 20: 16}]


def test_no_more_joins_before_a_blog_than_there_are_turns_before_its_own() -> None:
    mine = Alike(turn=10, step=1, waiting=5, lines=1)
    short = Alike(turn=10, step=1, waiting=2, lines=3)

    assert lines(mine, short, clock=10).joining(blogs=[3, 300], sites=3, in_line=(5,)) == [{5: 3}, {5: 6}]


def test_the_blogs_of_others_are_counted() -> None:
    assert lines(Alike(10, 1, 5, 1), Alike(11, 1, 2, 3)).of_others == 6


def test_of_very_many_lines_some_stand_for_all() -> None:
    mine = Alike(turn=10, step=1, waiting=5, lines=1)
    short = [Alike(turn=10 + number / 10_000, step=1, waiting=1, lines=1) for number in range(3_000)]

    (joining,) = lines(mine, *short, clock=10).joining(blogs=[3_000], sites=3_000, in_line=(5,))

    # One more for each line.
    assert joining[5] == pytest.approx(3_000, rel=0.02)

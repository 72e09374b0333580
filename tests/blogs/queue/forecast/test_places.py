"""Places among many lines: counted in groups of lines that stand alike, and interpolated where that were too much."""

from __future__ import annotations

import pytest

from blogs.models import BlogGeneration, SiteLine
from blogs.queue import forecast
from blogs.queue.forecast import places
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

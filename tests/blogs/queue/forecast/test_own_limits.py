"""What keeps a site's own line back: its share of the seats, and its own limit at Wix; by arithmetic alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from blogs.models import Stage
from blogs.providers import ordinary_blog
from blogs.queue.forecast import own_limits
from blogs.queue.forecast.arrivals import Arrivals
from blogs.queue.forecast.course import Course
from blogs.queue.forecast.learned import Learned
from blogs.queue.forecast.outlook import Outlook
from blogs.queue.forecast.places import Alike, Lines, Places

WORK, SHARE, SEATS = 60.0, 20, 100
# One of its blogs in three seconds.
EACH = 3.0


@pytest.fixture(autouse=True)
def _limits(settings: Any) -> None:
    settings.BLOG_WORKER_SITE_SEATS = SHARE
    per_minute = 60 / EACH * ordinary_blog.WIX_CALLS
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "wix": {**settings.RATE_LIMITS["wix"], "requests": per_minute}}


def seen() -> Outlook:
    """One worker of a hundred full seats, of which one is free each second from the tenth on."""
    starts = [10.0 + number for number in range(500)]
    course = Course(starts, [start + WORK for start in starts], pace=1.0, text_waits=0.0, free=0)
    learned = Learned({Stage.PRODUCTS: (50, WORK, 70)}, {}, 0.1, 1.0, measured=True)
    now = timezone.now()
    return Outlook(now, 0.0, SEATS, 1, SEATS, [], Arrivals({}, 0.0), course, learned)


def found(mine: int, in_line: int, of_others: int) -> Places:
    line, others = Alike(0, 1, in_line, 1), Alike(0, 1, of_others, 1)
    return Places({}, {}, {}, 1, Lines.of(line, [line, others], 0), False, False, SEATS, mine)


def test_within_its_share_its_place_decides() -> None:
    assert own_limits.start(7, 5, 0, found(mine=10, in_line=5, of_others=50), seen()) == 16


def test_a_site_that_has_filled_free_seats_waits_until_enough_of_its_own_have_ended() -> None:
    # Thirty-one of the hundred that run are its own, and twelve of these have to end: as many as among the next 39 ends. They began
    # with their calls for products, two of 5.2 of the three seconds each.
    start = own_limits.start(2, 1, 0, found(mine=31, in_line=1, of_others=200), seen())

    assert start == pytest.approx(10 + 38 + 31 * EACH * 2 / 5.2, abs=1)


def test_it_waits_no_longer_than_for_all_others() -> None:
    assert own_limits.start(2, 1, 0, found(mine=31, in_line=1, of_others=9), seen()) == 19
    assert own_limits.start(2, 1, 5, found(mine=31, in_line=1, of_others=9), seen()) == 24


def test_where_all_seats_are_its_own_they_are_free_as_its_limit_lets_blogs_end() -> None:
    assert own_limits.start(30, 30, 0, found(mine=100, in_line=30, of_others=0), seen()) == 30 * EACH


def test_blogs_of_a_line_end_one_after_the_other_behind_its_first() -> None:
    assert own_limits.end(11, 1, 0, found(mine=0, in_line=11, of_others=0), seen()) == 10 + WORK + 10 * EACH


def test_what_runs_uses_the_limit_first() -> None:
    assert own_limits.end(11, 1, 0, found(mine=50, in_line=11, of_others=0), seen()) == pytest.approx(61 * EACH)


def test_a_single_blog_is_kept_back_by_no_line_of_its_own() -> None:
    assert own_limits.end(1, 1, 0, found(mine=2, in_line=1, of_others=50), seen()) == 3 * EACH


def test_on_its_share_of_the_seats_it_goes_on_as_they_are_free() -> None:
    # Ten of its own run and fifteen stand before it, six more than its share: each takes a twentieth of a blog's time.
    start = own_limits.start(2, 16, 0, found(mine=10, in_line=16, of_others=200), seen())

    assert start == WORK / 2 + 6 * EACH

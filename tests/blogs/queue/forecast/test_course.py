"""The course of starts and ends, by arithmetic alone."""

from __future__ import annotations

import pytest

from blogs.queue.forecast.course import Running, Work, course

WORK = Work(before=1, idea=4, text=60)
TWO_CALLS = Work(before=1, idea=4, text=60, idea_share=0.25)
TOGETHER = Work(before=1, idea=4, text=60, idea_share=0.25, ideas_a_call=4)


def test_free_seats_start_at_once_and_the_limits_space_the_texts() -> None:
    found = course(4, [], WORK, a_second=0.5, limit_free_in=0)

    assert [found.start(place) for place in (1, 2, 3, 4)] == [0, 0, 0, 0]
    assert [found.end(place) for place in (1, 2, 3, 4)] == [65, 67, 69, 71]


def test_the_next_starts_when_a_seat_is_free() -> None:
    found = course(2, [], WORK, a_second=10, limit_free_in=0)

    assert [found.start(place) for place in (3, 4, 5)] == pytest.approx([65, 65.1, 130])


def test_ideas_that_are_asked_for_first_go_before_the_texts() -> None:
    found = course(8, [], TWO_CALLS, a_second=0.5, limit_free_in=0)

    # Eight ideas take the limits from second 1 to 5, half a second each. Then the first text is asked for; each takes 1.5 seconds.
    assert [found.end(place) for place in (1, 2, 3, 8)] == [65, 66.5, 68, 75.5]


def test_the_first_calls_ask_for_the_ideas_of_those_in_line_too() -> None:
    found = course(8, [], TOGETHER, a_second=0.5, limit_free_in=0, in_line=8)

    # Two calls for four ideas each, at seconds 1 and 3. The second one's are there at 7.
    # Until then only the first text is asked for.
    assert [found.end(place) for place in (1, 2, 3, 8)] == [65, 67, 68.5, 76]


def test_no_idea_is_asked_for_where_all_have_theirs() -> None:
    found = course(8, [], TOGETHER, a_second=0.5, limit_free_in=0, in_line=8, planned=8)

    assert [found.end(place) for place in (1, 2, 8)] == [61, 62.5, 71.5]


def test_those_that_come_later_ask_for_their_own_ideas() -> None:
    found = course(8, [], TOGETHER, a_second=0.5, limit_free_in=0, in_line=1, planned=1)

    # One has its idea. The seven others ask for theirs at second 1, half a second each, before it asks for its text.
    assert [found.end(place) for place in (1, 2)] == [64.5, 66]


def test_an_idea_that_is_there_waits_for_none_of_a_blog_that_comes_back() -> None:
    found = course(2, [], TOGETHER, a_second=0.5, limit_free_in=0, due=[0.0], in_line=1, planned=1, followed=1)

    # At second 1 that blog asks for its idea, for half a second; the text behind it takes 60.
    assert found.end(1) == 61.5


def test_no_blog_that_is_not_there_takes_anything_of_the_limits() -> None:
    found = course(50, [], TWO_CALLS, a_second=0.5, limit_free_in=0, followed=1)

    assert found.end(1) == 65


def test_behind_those_in_line_it_goes_on_with_those_that_may_come() -> None:
    on_seats = [Running(left=40)]
    near, far = (course(2, on_seats, WORK, a_second=10, limit_free_in=0, followed=followed) for followed in (1, 5))

    found = near.before(far)

    assert [found.start(place) for place in (1, 2, 3)] == [0, 40, 65]


def test_what_runs_keeps_its_seat_for_what_is_left_of_it() -> None:
    on_seats = [Running(left=7), Running(left=40)]

    found = course(2, on_seats, WORK, a_second=10, limit_free_in=0)

    assert [found.start(place) for place in (1, 2, 3)] == [7, 40, 72]


def test_texts_that_wait_go_before_those_of_later_starts() -> None:
    on_seats = [Running(left=0, needs_text=True) for _ in range(10)]

    found = course(11, on_seats, WORK, a_second=0.1, limit_free_in=0)

    assert (found.start(1), found.end(1), found.text_waits) == (0, 164, 100)


def test_what_comes_back_takes_the_first_seat_once_it_is_due() -> None:
    found = course(1, [Running(left=10)], WORK, a_second=10, limit_free_in=0, due=[5, 200])

    # The first of them takes the seat at 10, so those in line start a blog's time later; the second comes after three blogs.
    assert [found.start(place) for place in (1, 2, 3, 4)] == [75, 140, 270, 335]


def test_after_many_starts_the_limits_alone_decide() -> None:
    found = course(100, [], WORK, a_second=1, limit_free_in=0, followed=500)

    assert found.start(10_000) - found.start(9_000) == pytest.approx(1_000)


def test_few_seats_are_the_pace_where_limits_are_wide() -> None:
    found = course(2, [], WORK, a_second=100, limit_free_in=0, followed=500)

    assert found.start(3_000) - found.start(2_000) == pytest.approx(1_000 * 65 / 2)


def test_more_on_seats_than_there_are_seats_now_keep_the_next_waiting() -> None:
    on_seats = [Running(left=float(left)) for left in (10, 20, 30)]

    assert course(1, on_seats, WORK, a_second=10, limit_free_in=0).start(1) == 30

"""Whose fault an unexpected error is: by a clock that the test moves, without a database."""

from __future__ import annotations

from typing import Any

import pytest

from workers.pool.verdict import Verdict

BUG = KeyError("a bug")


class Clock:
    at = 1_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def verdict(clock: Clock) -> Verdict:
    return Verdict(clock)


def broken(verdict: Verdict, step: str = "article") -> Verdict:
    for work in range(1, 6):
        verdict.met(work, work % 3, step, BUG)
    assert verdict.is_broken
    return verdict


def test_five_errors_of_three_parties_break_a_release(verdict: Verdict) -> None:
    own = [verdict.met(work, work % 3, "article", BUG) for work in range(1, 6)]

    assert verdict.is_broken
    assert own == [False] * 5
    assert (verdict.where, verdict.reason) == ("article", "KeyError in article; 5 unexpected errors of 3 sites")


def test_four_errors_or_two_parties_do_not(verdict: Verdict) -> None:
    for work in range(1, 50):
        verdict.met(work, work % 2, "article", BUG)
    assert not verdict.is_broken

    few = Verdict()
    for work in range(1, 5):
        few.met(work, work, "article", BUG)
    assert not few.is_broken


def test_a_few_works_that_trip_a_bug_do_not_stop_a_worker_that_does_well(verdict: Verdict) -> None:
    for work in range(10_000):
        verdict.passed(work, 100 + work % 50, "article", is_last=False)

    own = [verdict.met(20_000 + work, work % 3, "article", BUG) for work in range(5)]

    assert own == [True] * 5
    assert (verdict.is_broken, verdict.room(50)) == (False, 50)


def test_nor_where_they_come_one_after_the_other(verdict: Verdict, clock: Clock) -> None:
    for work in range(5):
        for other in range(60):
            clock.at += 2
            verdict.passed(100 + other, 9, "article", is_last=False)
        # Each trips it on end; that is one work all along.
        for _ in range(20):
            assert verdict.met(work, work % 3, "article", BUG)

    assert not verdict.is_broken


@pytest.mark.parametrize("began_with", [0, 1])
def test_a_step_that_fails_for_half_of_the_works_is_broken(verdict: Verdict, clock: Clock, began_with: int) -> None:
    for work in range(12):
        clock.at += 1
        if work % 2 == began_with:
            verdict.passed(work, work % 7, "article", is_last=False)
        else:
            verdict.met(work, work % 7, "article", BUG)

    assert verdict.is_broken


def test_a_step_that_breaks_at_work_is_found_within_a_minute(verdict: Verdict, clock: Clock) -> None:
    verdict.met(1, 1, "article", BUG)  # one that tripped a bug, long before
    for work in range(2, 302):
        clock.at += 1
        verdict.passed(work, work % 9, "article", is_last=False)
    began = clock.at

    for work in range(302, 362):
        clock.at += 1
        verdict.met(work, work % 9, "article", BUG)
        if verdict.is_broken:
            break

    assert verdict.is_broken
    assert clock.at - began < 30


def test_what_passed_at_other_steps_says_nothing_of_this_one(verdict: Verdict) -> None:
    for work in range(1_000):
        verdict.passed(work, work % 9, "idea", is_last=False)

    broken(verdict, "article")


def test_what_got_past_a_step_takes_little_memory(verdict: Verdict, clock: Clock) -> None:
    for work in range(20_000):
        clock.at += 0.1
        verdict.passed(work, work % 9, "article", is_last=False)

    assert len(verdict._passes["article"]._pieces) < 130


def test_errors_that_are_too_old_do_not_count(verdict: Verdict, clock: Clock, settings: Any) -> None:
    for work in range(1, 5):
        verdict.met(work, work, "article", BUG)
    clock.at += settings.RELEASE_BROKEN_WINDOW_SECONDS + 1

    verdict.met(5, 5, "article", BUG)

    assert not verdict.is_broken


def test_an_error_is_the_works_own_once_another_party_got_past_that_step(
    verdict: Verdict, clock: Clock, settings: Any
) -> None:
    verdict.passed(1, 1, "idea", is_last=False)
    verdict.passed(2, 7, "article", is_last=False)

    assert not verdict.met(3, 7, "article", BUG)  # only its own party has got past it
    verdict.passed(4, 1, "article", is_last=False)
    assert verdict.met(3, 7, "article", BUG)

    clock.at += settings.RELEASE_BROKEN_WINDOW_SECONDS + 1
    assert not verdict.met(3, 7, "article", BUG)  # that was long ago


def test_a_sound_worker_takes_as_much_as_it_has_seats_for(verdict: Verdict) -> None:
    assert (verdict.room(50), verdict.seconds_until_probe()) == (50, float("inf"))


def test_a_broken_one_takes_one_now_and_then(verdict: Verdict, clock: Clock, settings: Any) -> None:
    broken(verdict)
    assert verdict.room(50) == 0
    assert verdict.seconds_until_probe() == settings.RELEASE_PROBE_SECONDS

    clock.at += settings.RELEASE_PROBE_SECONDS

    assert [verdict.room(50), verdict.room(50)] == [1, 0]


def test_no_probe_is_spent_where_no_seat_is_free(verdict: Verdict, clock: Clock, settings: Any) -> None:
    broken(verdict)
    clock.at += settings.RELEASE_PROBE_SECONDS

    assert [verdict.room(0), verdict.room(1)] == [0, 1]


def test_probes_that_get_past_the_broken_step_end_it(verdict: Verdict) -> None:
    broken(verdict)

    for work in (11, 12):
        verdict.passed(work, 9, "products", is_last=False)
        verdict.passed(work, 9, "article", is_last=False)
    assert verdict.is_broken
    verdict.passed(13, 9, "draft", is_last=True)

    assert not verdict.is_broken
    assert verdict.room(50) == 50


def test_a_probe_that_fails_takes_back_what_others_have_shown(verdict: Verdict) -> None:
    broken(verdict)
    for work in (11, 12):
        verdict.passed(work, 9, "article", is_last=False)

    verdict.met(13, 9, "article", BUG)
    for work in (14, 15):
        verdict.passed(work, 9, "article", is_last=False)

    assert verdict.is_broken


def test_work_that_tripped_a_bug_beside_sound_work_does_not_break_the_release_again(verdict: Verdict) -> None:
    broken(verdict)
    for work in (11, 12, 13):
        verdict.passed(work, 9, "article", is_last=False)

    own = [verdict.met(work, work % 3, "article", BUG) for work in range(1, 6)]

    assert own == [True] * 5
    assert not verdict.is_broken


def test_a_release_that_was_found_broken_begins_with_a_probe_and_one_is_enough(verdict: Verdict) -> None:
    verdict.doubt("article, idea", "KeyError in article")

    assert [verdict.room(50), verdict.room(50)] == [1, 0]
    verdict.passed(1, 1, "article", is_last=False)
    assert verdict.room(50) == 50


def test_claims_that_fail_again_and_again_break_it_until_one_works(verdict: Verdict) -> None:
    for _ in range(5):
        with pytest.raises(KeyError), verdict.over_claims():
            raise BUG
    assert (verdict.where, verdict.reason) == ("claim", "KeyError when taking blogs")

    with verdict.over_claims():
        pass

    assert not verdict.is_broken

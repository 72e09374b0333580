"""The output maximum that wastes least, and what a prompt takes, by the last answers to calls that are alike."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import pytest
from django.db import OperationalError

from blogs.providers import token_reserve
from blogs.providers.token_reserve import FEW, Kind, best_max, bounded, cheapest_max, tokens_per_byte, with_room
from workers.context.on_behalf import Caller, on_behalf_of
from workers.limits import provider_calls
from workers.limits.provider_calls import Answer
from workers.models import ProviderCall

MEDIUM = Kind("article:medium", "de")


def whole(length: int, work: int | None = None, prompt_tokens: int | None = 1_000) -> Answer:
    return Answer(work, 4_000, prompt_tokens, length, 9_000, False)


def cut(at: int, work: int | None = None) -> Answer:
    return Answer(work, 4_000, 1_000, at, at, True)


def worth(maximum: int, lengths: Sequence[int], prompt: int) -> float:
    return sum(length for length in lengths if length <= maximum) / (maximum + prompt)


def bell(middle: float, spread: float, count: int = 200) -> list[int]:
    return [round(NormalDist(middle, spread).inv_cdf((n + 0.5) / count)) for n in range(count)]


def test_no_other_maximum_would_have_been_worth_more() -> None:
    lengths = bell(2_500, 500)

    best = best_max([whole(length) for length in lengths])

    assert all(
        worth(best, lengths, prompt=1_000) >= worth(other, lengths, prompt=1_000) for other in range(1_000, 4_500, 7)
    )
    assert sorted(lengths)[175] < best < max(lengths)


def test_a_single_long_answer_is_not_worth_the_room_and_many_are() -> None:
    assert best_max([whole(1_000)] * 99 + [whole(4_000)]) == 1_000
    assert best_max([whole(1_000)] * 50 + [whole(4_000)] * 50) == 4_000


def test_the_dearer_the_prompt_the_fewer_are_cut() -> None:
    lengths = bell(2_500, 500)

    cheap, dear = (best_max([whole(length, prompt_tokens=prompt) for length in lengths]) for prompt in (0, 20_000))

    assert cheap < dear


def test_where_the_server_says_nothing_of_the_prompt_its_bytes_count() -> None:
    lengths = bell(2_500, 500)

    assert best_max([whole(n, prompt_tokens=None) for n in lengths]) == best_max(
        [whole(n, prompt_tokens=round(4_000 / 3.5)) for n in lengths]
    )


def test_cut_answers_make_the_maximum_climb_and_a_few_do_not() -> None:
    assert best_max([cut(2_000)] * 60 + [whole(1_900)] * 140) == 2_500
    assert best_max([cut(2_000)] * 6 + [whole(1_900)] * 194) == 1_900


def test_after_answers_have_grown_it_finds_their_length() -> None:
    lengths, maximum = bell(3_000, 300, 100), 1_500

    for _ in range(8):
        maximum = best_max([cut(maximum) if length > maximum else whole(length) for length in lengths])

    assert sorted(lengths)[80] < maximum <= 1.25 * max(lengths)


def test_a_cut_answer_that_was_written_again_counts_with_its_real_length() -> None:
    written_again = [answer for work in range(60) for answer in (whole(2_100, work), cut(2_000, work))]

    assert best_max(written_again) == 2_100


def test_a_cut_answer_counts_for_itself_if_the_next_one_was_shorter() -> None:
    shorter_by_chance = [answer for work in range(60) for answer in (whole(1_000, work), cut(2_000, work))]

    assert best_max(shorter_by_chance) == 2_500


def test_where_a_cut_answer_has_its_rest_from_another_call_no_other_maximum_reserves_less() -> None:
    lengths, prompt, rest = bell(2_500, 500), 1_000, 900

    best = cheapest_max([whole(length, prompt_tokens=prompt) for length in lengths], rest)

    def reserved(maximum: int) -> float:
        return maximum + sum(prompt + rest + length - maximum for length in lengths if length > maximum) / len(lengths)

    assert all(reserved(best) <= reserved(other) + 0.001 for other in range(0, 4_500, 7))
    assert best < best_max([whole(length, prompt_tokens=prompt) for length in lengths])


def test_the_dearer_the_rest_the_fewer_are_cut() -> None:
    answers = [whole(length) for length in bell(2_500, 500)]

    assert cheapest_max(answers, 200) < cheapest_max(answers, 2_000) < cheapest_max(answers, 20_000)


def test_after_answers_have_grown_it_finds_their_length_though_no_cut_one_is_written_again() -> None:
    lengths, maximum = bell(3_000, 300, 200), 1_500

    for _ in range(20):
        maximum = cheapest_max([cut(maximum) if length > maximum else whole(length) for length in lengths], 900)

    assert sorted(lengths)[160] < maximum < max(lengths)


def test_a_byte_takes_what_nine_of_ten_prompts_needed() -> None:
    answers = [Answer(None, 1_000, tokens, 1, 1, False) for tokens in range(200, 300)]

    assert tokens_per_byte(answers) == pytest.approx(0.289)
    assert tokens_per_byte(answers[: FEW - 1]) is None
    assert tokens_per_byte([Answer(None, 1_000, None, 1, 1, False)] * 200) is None


@pytest.mark.parametrize(
    ("attempt", "cut_at", "expected"),
    [(1, None, 1_000), (2, None, 1_250), (3, None, 1_500), (2, 1_400, 1_750), (2, 900, 1_250), (5, 3_000, 2_400)],
)
def test_each_attempt_gets_more_room_up_to_the_ceiling(attempt: int, cut_at: int | None, expected: int) -> None:
    assert with_room(1_000, attempt, cut_at, 2_400) == expected


def test_what_is_learned_stays_in_bounds_with_room_for_another_attempt(settings: Any) -> None:
    settings.OPENAI_MAX_TOKENS_FLOOR, settings.OPENAI_MAX_TOKENS_CEILING = 0.5, 2

    assert [bounded(learned, 1_000) for learned in (10, 700, 9_000)] == [500, 700, 1_600]
    assert with_room(bounded(9_000, 1_000), 2, None, 2_000) == 2_000


def kept(lengths: Sequence[int], *, kind: Kind = MEDIUM, **fields: Any) -> None:
    numbers = {"prompt_bytes": 4_000, "prompt_tokens": 800, "output_max": 9_000, "truncated": False, "images": 0}
    rest = {"provider": "openai", "operation": "blog_article", "seconds": 1, "tokens_reserved": 1, "outcome": "ok"}
    named = {"kind": kind.name, "language": kind.language}
    ProviderCall.objects.bulk_create(
        ProviderCall(output_tokens=length, **{**numbers, **rest, **named, **fields}) for length in lengths
    )


@pytest.mark.django_db
class TestFromTheTable:
    def test_without_answers_it_is_as_configured(self) -> None:
        kept([1_500] * (FEW - 1))

        assert token_reserve.output_max(MEDIUM, 3_600, 1) == 3_600
        assert token_reserve.output_max(MEDIUM, 3_600, 9) == 7_200
        assert token_reserve.prompt_tokens(MEDIUM, 3_500) == 1_016

    def test_the_last_answers_decide(self, settings: Any) -> None:
        kept([1_500] * 300)
        kept([2_000] * settings.OPENAI_MAX_TOKENS_LEARN_FROM)

        assert token_reserve.output_max(MEDIUM, 3_600, 1) == 2_000
        assert token_reserve.prompt_tokens(MEDIUM, 1_000) == 216

    def test_a_rare_language_goes_by_all_for_its_length_and_by_none_for_its_prompt(self) -> None:
        kept([2_000] * FEW)
        kept([1_000] * FEW, kind=Kind("article:short", "pl"))

        assert token_reserve.output_max(Kind.of("article", "medium", "pl-PL"), 3_600, 1) == 2_000
        assert token_reserve.prompt_tokens(Kind.of("article", "medium", "pl-PL"), 3_500) == 1_016

    def test_an_article_that_is_cut_is_not_written_again_so_its_maximum_is_lower(self) -> None:
        kept(bell(2_500, 500))

        assert token_reserve.output_max(MEDIUM._replace(rest=900), 3_600, 1) < token_reserve.output_max(
            MEDIUM, 3_600, 1
        )

    def test_regions_of_a_language_learn_together(self) -> None:
        assert Kind.of("article", "medium", "de-AT") == Kind.of("article", "medium", "DE") == MEDIUM

    def test_it_is_read_once_a_minute(self, django_assert_num_queries: Any) -> None:
        kept([2_000] * FEW)
        token_reserve.output_max(MEDIUM, 3_600, 1)
        kept([2_500] * 300)

        with django_assert_num_queries(0):
            assert token_reserve.output_max(MEDIUM, 3_600, 1) == 2_000
        assert token_reserve.output_max(MEDIUM, 3_600, 1, no_older_than=0) == 2_500

    def test_a_database_that_is_away_leaves_what_was_known(self, monkeypatch: pytest.MonkeyPatch) -> None:
        kept([2_000] * FEW)
        token_reserve.output_max(MEDIUM, 3_600, 1)

        def away(*asked: Any) -> Any:
            raise OperationalError

        monkeypatch.setattr(provider_calls, "recent", away)
        assert token_reserve.output_max(MEDIUM, 3_600, 1, no_older_than=0) == 2_000

    def test_it_can_be_switched_off(self, settings: Any) -> None:
        kept([2_000] * FEW)
        settings.OPENAI_MAX_TOKENS_LEARN_FROM = 0

        assert token_reserve.output_max(MEDIUM, 3_600, 1) == 3_600

    def test_a_blog_that_was_cut_gets_more_though_all_others_need_less(self) -> None:
        kept([2_000] * FEW)
        kept([3_600], work=7, output_max=3_600, truncated=True)

        with on_behalf_of(Caller(7, 1)):
            assert token_reserve.output_max(MEDIUM, 3_600, 2) == 4_500
        with on_behalf_of(Caller(8, 1)):
            assert token_reserve.output_max(MEDIUM, 3_600, 2) == 2_500

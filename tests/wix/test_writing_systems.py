from __future__ import annotations

import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.blogs.articles import any_text
from wix.writing_systems import MARKS_MAX, has_endless_marks, normalized, shortened


@given(any_text, st.integers(0, 40))
def test_a_shortened_text_is_the_beginning_of_the_long_one(text: str, limit: int) -> None:
    short = shortened(text, limit)

    assert len(short) <= limit
    assert text.strip().startswith(short)
    assert short == shortened(short, limit)


@given(st.lists(st.text("abcdefgä", min_size=1, max_size=9), min_size=1), st.integers(9, 60))
def test_a_text_with_spaces_is_never_cut_in_a_word(words: list[str], limit: int) -> None:
    short = shortened(", ".join(words), limit)

    assert short.split(", ") == words[: len(short.split(", "))]


@given(st.text("漢字かなカナ。、「", min_size=1), st.integers(1, 60))
def test_a_text_without_spaces_is_used_up_to_the_limit(text: str, limit: int) -> None:
    short = shortened(text, limit)

    if len(text) > limit:
        assert short == text[:limit].rstrip("、「")


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("Mugs, cups and more", 5, "Mugs"),
        ("Mugs, cups and more", 8, "Mugs"),
        ("Mugs (and cups)", 7, "Mugs"),
        ("Kaffeetassenuntersetzer", 10, "Kaffeetass"),
        ("コーヒーカップの選び方", 7, "コーヒーカップ"),
        ("新しい mug です", 5, "新しい"),
        ("ยาวมากที่สุด", 8, "ยาวมาก"),
        ("cafe\u0301s", 4, "caf"),
        ("👍🏽👍🏽", 3, "👍🏽"),
        ("🇩🇪🇫🇷🇩🇪", 3, "🇩🇪"),
        ("字🇩🇪字", 2, "字"),
        ("👩\u200d👧 👩\u200d👧", 6, "👩\u200d👧"),
        ("བོད་ཀྱི་ལུག", 6, "བོད་"),
        ("ꆈꌠꉙꆏ", 3, "ꆈꌠꉙ"),
    ],
)
def test_where_a_text_is_cut(text: str, limit: int, short: str) -> None:
    assert shortened(text, limit) == short


@pytest.mark.parametrize(
    ("text", "limit", "length"),
    [("XL " + "w" * 264, 200, 200), ("- " + "W" * 240, 200, 200), ("Neu: " + "x" * 1_600, 1_500, 1_500)],
)
def test_words_that_end_early_leave_at_least_what_is_asked_for(text: str, limit: int, length: int) -> None:
    assert len(shortened(text, limit, least=limit // 2)) == length
    assert len(shortened(text, limit)) < 5


@given(any_text, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_a_text_is_normalized_as_python_does(text: str, form: Literal["NFC", "NFD", "NFKC", "NFKD"]) -> None:
    assert normalized(form, text) == unicodedata.normalize(form, text)


@pytest.mark.parametrize("mark", ["\u0316", "\u0345", "\u05b0", "\u0e38", "\u0f73", "\uff9e"], ids=ascii)
def test_of_endless_marks_the_first_stay(mark: str) -> None:
    each = len(unicodedata.normalize("NFKD", mark))
    enough, text = mark * (MARKS_MAX // each), "a" + mark * 1_000 + "b"

    assert has_endless_marks(text)
    assert not has_endless_marks(f"a{enough}b")
    assert normalized("NFC", text) == unicodedata.normalize("NFC", f"a{enough}b")

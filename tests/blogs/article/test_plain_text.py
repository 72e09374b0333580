from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogs.article.plain_text import one_line, shortened, slug, words
from tests.support.blogs.articles import any_text


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
    ],
)
def test_where_a_text_is_cut(text: str, limit: int, short: str) -> None:
    assert shortened(text, limit) == short


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Choose a Mug", "choose-a-mug"),
        ("L'été à Łódź: Straße", "lete-a-lodz-strasse"),
        ("陶器の Mug", "mug"),
        ("陶器の選び方 2026", ""),
        ("Как выбрать", ""),
        ("mug " * 30, "-".join(["mug"] * 20)),
    ],
)
def test_a_slug_is_made_of_ascii_words(text: str, expected: str) -> None:
    assert slug(text, 80) == expected


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (" two \r\n\t words\u2028", "two words"),
        ("only  plain   letters ", "only plain letters"),
        ("no\u200bthing\0 to\u202e see\ufeff", "nothing to see"),
        ("a\u200db \u200d c\u200c", "ab c"),
        ("می\u200cروم 👨\u200d👩\u200d👧", "می\u200cروم 👨\u200d👩\u200d👧"),
        ("10\u202f000\xa0€", "10\u202f000\xa0€"),
    ],
)
def test_a_line_keeps_what_can_be_read(text: str, cleaned: str) -> None:
    assert one_line(text) == cleaned


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("two words", 2), ('"and (two', 2), ("one - or", 2), ("“été” - là", 2), ("漢字かな", 2), ("3 漢", 2)],
)
def test_words_are_what_has_a_letter_or_a_number(text: str, count: int) -> None:
    assert words(text) == count

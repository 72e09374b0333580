from __future__ import annotations

import pytest

from blogs.article.plain_text import one_line, slug, words


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

from __future__ import annotations

import pytest

from blogs.article.plain_text import folded, one_line, words


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (" two \r\n\t words\u2028", "two words"),
        ("only  plain   letters ", "only plain letters"),
        ("no\u200bthing\0 to\u202e see\ufeff", "nothing to see"),
        ("a\u200db \u200d c\u200c", "ab c"),
        ("é\u200d\u200d\u200d é\u200d\u200da", "é éa"),
        ("é\u200d\u200c\u200dé", "é\u200d\u200c\u200dé"),
        ("می\u200cروم 👨\u200d👩\u200d👧", "می\u200cروم 👨\u200d👩\u200d👧"),
        ("Warm\ufffd wool\U000e0069\U000e006a", "Warm wool"),
        ("🏴\U000e0069\U000e0067\U000e006e\U000e006f\U000e0072\U000e0065\U000e0020\U000e0061\U000e007f", "🏴"),
        ("🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",) * 2,
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


TIBETAN = "བོད་ཀྱི་ལུག་བལ་གྱི་གོས་ནི་དྲོ་ཞིང་ཡུན་རིང་བཀོལ་ཆོག་པ་ཞིག་ཡིན།"


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        (TIBETAN, 7, 9),  # 16 syllables
        ("ꆈꌠꉙꆏꌠꅉ", 3, 3),  # Yi
        ("ພາສາລາວເປັນພາສາທາງການ", 5, 11),
        ("ភាសាខ្មែរគឺជាភាសាផ្លូវការ", 5, 14),
        ("မြန်မာဘာသာစကားသည်", 4, 10),
        ("ᦎᦱᧉ ᦅᦷᦜ", 2, 4),
        ("ㄅㄆㄇㄈ", 2, 2),
    ],
    ids=["Tibetan", "Yi", "Lao", "Khmer", "Burmese", "New Tai Lue", "bopomofo"],
)
def test_words_are_counted_where_no_spaces_stand_between_them(text: str, least: int, most: int) -> None:
    assert least <= words(text) <= most


def test_texts_are_compared_in_one_of_unicodes_forms() -> None:
    assert folded("CAFE\u0301 au lait") == folded("Café au lait")

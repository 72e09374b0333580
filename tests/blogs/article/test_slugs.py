from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogs.article.slugs import slug


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Choose a Mug", "choose-a-mug"),
        ("L'été à Łódź: Straße", "lete-a-lodz-strasse"),
        ("陶器の Mug", "mug"),
        ("陶器の選び方 2026", ""),
        ("Как выбрать", ""),
        ("Gözəl ətirlər, əla məhsul: Ə", "gozel-etirler-ela-mehsul-e"),
        ("Ɓaɗaƙa, Ɛwe ɔkɔ, ƴan Ŋuter", "badaka-ewe-oko-yan-nuter"),
        ("Hawaiʻi and oʻzbek g‘oyalar, ꞌOlelo", "hawaii-and-ozbek-goyalar-olelo"),
        ("Col·lecció, paraŀlel, ĳsberg, Þórr", "colleccio-parallel-ijsberg-thorr"),
        ("№ 5 Mug™ in ½ m²", "5-mug-in-1-2-m2"),
        ("Ｆｕｌｌ ｗｉｄｔｈ 𝐛𝐨𝐥𝐝", "full-width-bold"),
        ("mug " * 30, "-".join(["mug"] * 20)),
    ],
)
def test_a_slug_is_made_of_ascii_words(text: str, expected: str) -> None:
    assert slug(text, 80) == expected


LATIN = [char for char in map(chr, range(0x80, 0x20000)) if unicodedata.name(char, "").startswith("LATIN ")]


@given(st.sampled_from([char for char in LATIN if char.isalpha()]))
def test_no_latin_letter_tears_its_word(letter: str) -> None:
    assert "-" not in slug(f"wo{letter}rd", 80)


@given(st.text(), st.integers(1, 80))
def test_a_slug_is_ascii_and_within_its_limit(text: str, limit: int) -> None:
    made = slug(text, limit)

    assert len(made) <= limit
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert made == slug(made, limit)

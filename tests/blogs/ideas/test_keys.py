from __future__ import annotations

import pytest

from blogs.ideas.keys import key, of_language, stems


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("How to choose a Coffee Grinder", "COFFEE grinder: how to CHOOSE?", "en"),
        ("Crème brûlée à la maison", "creme brulee a la maison", "fr"),
        ("Ｗｏｏｌ scarves", "wool scarves", "en"),
        ("Für die Küche: Töpfe", "fur die kuche topfe", "de"),
        ("冬のマフラー", "冬のマフラー！", "ja"),
        ("Кофе для дома", "КОФЕ дома для", "ru"),
    ],
)
def test_case_accents_signs_small_words_and_order_make_no_other_topic(one: str, other: str, language: str) -> None:
    assert key(one, language) == key(other, language)
    assert set(stems(one, language)) == set(stems(other, language))


def test_other_words_make_another_topic() -> None:
    assert key("Coffee grinders", "en") != key("Coffee kettles", "en")
    # What is a small word in one language is none in another.
    assert key("die Art", "en") != key("Art", "en")
    assert key("die Art", "de") == key("Art", "de")


@pytest.mark.parametrize("text", ["the", "the and of", "!!!", "", "\u200d"])
def test_a_key_is_never_empty(text: str) -> None:
    assert key(text, "en")
    assert stems(text, "en")


def test_forms_of_a_word_have_one_stem_and_languages_are_apart() -> None:
    assert stems("grinders", "en") == stems("grinder", "en")
    assert stems("gift", "en") != stems("gift", "de")
    assert of_language("pt_BR") == of_language("pt") == "pt"

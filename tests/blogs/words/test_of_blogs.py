from __future__ import annotations

import pytest
from django.db import connection

from blogs.words import of_blogs
from wix.catalog import words


def found(text: str, question: str) -> bool:
    """Ask PostgreSQL whether a blog with that topic is found."""
    asked = of_blogs.asked(question)
    if not asked:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_to_tsvector(%s::text[]) @@ %s::tsquery", [words.of(text, short=True), asked])
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("How to wash merino wool", "wool merino"),
        ("How to wash merino wool", "WOO"),
        ("Café Müller's crème", "cafe creme"),
        ("Gießkannen für den Garten", "giesskannen"),
        ("The best TV of 2026", "tv"),
        ("The best TV of 2026", "2026"),
        ("手作りのマグカップ 冬の暮らし", "手作りのマグカップ"),
        ("手作りのマグカップ 冬の暮らし", "暮らし"),
        ("手作りのマグカップ 冬の暮らし", "冬"),
        ("お茶", "茶"),
        ("วิธีเลือกแก้วกาแฟ", "แก้วกาแฟ"),
        ("как выбрать шерстяные кружки", "Шерст"),
        ("ספלים מצמר", "מצמר"),
        ("हिन्दी किताब", "हिन्दी"),
    ],
)
def test_any_word_and_the_beginning_of_a_longer_one_find_a_text(text: str, question: str) -> None:
    assert found(text, question)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("How to wash merino wool", "wool cotton"),
        ("How to wash merino wool", "ool"),
        ("How to wash merino wool", "wo"),
        ("手作りのマグカップ", "手紙"),
    ],
)
def test_other_words_do_not(text: str, question: str) -> None:
    assert not found(text, question)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "question",
    [
        "'",
        "''",
        "\\",
        "'wool' & !'x'",
        "%",
        "_",
        "100%_",
        "a:*",
        "(((",
        "| & !",
        '"wool"',
        "\u202e",
        "\x00",
        "wool\x00",
        "😀",
    ],
)
def test_no_text_breaks_the_question(question: str) -> None:
    found("wool", question)
    found("wool", question * 10_000)


def test_a_question_takes_as_many_words_as_narrow_something_down() -> None:
    assert of_blogs.asked(" ".join(f"word{number}" for number in range(500))).count("&") == 11


def test_a_text_without_words_asks_nothing() -> None:
    assert of_blogs.asked("% _ '") == ""


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["order-77", "it's", "a\\b", "with spaces & 'quotes'", "=", "ключ"])
def test_an_idempotency_key_is_asked_for_whole(key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_to_tsvector(ARRAY[%s]) @@ %s::tsquery", [f"={key}", of_blogs.asked_by_key(key)])

        assert cursor.fetchone()[0]

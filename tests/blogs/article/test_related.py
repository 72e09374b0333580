"""Which earlier posts an article leads its readers to."""

from __future__ import annotations

from typing import Any

import pytest

from blogs.article.quality import Profile
from blogs.article.quality.text import lexicon
from blogs.article.related import Post, fitting, heading

SCARF = Post("How to wash a wool scarf", "https://shop.example/post/a", "en")
CARE = Post("Wool care through the year", "https://shop.example/post/b", "en")
MUGS = Post("Mugs for slow mornings", "https://shop.example/post/c", "en")


def chosen(*posts: Post, title: str = "Choosing a wool scarf for winter", **changes: Any) -> list[str]:
    asked: dict[str, Any] = {"language": "en", "about": ["Care that lasts"], "profile": Profile(), **changes}
    return [post.title for post in fitting(posts, title=title, **asked)]


def test_the_nearest_come_first_and_what_has_nothing_in_common_not_at_all() -> None:
    assert chosen(MUGS, CARE, SCARF) == [SCARF.title, CARE.title]


def test_there_are_never_more_than_three_and_each_title_stands_there_once() -> None:
    many = [Post(f"A wool scarf, part {number}", f"https://shop.example/post/{number}", "en") for number in "abcde"]

    assert chosen(SCARF, SCARF, *many) != []
    assert len(chosen(SCARF, SCARF, *many)) == 3
    assert len(set(chosen(SCARF, SCARF))) == 1


@pytest.mark.parametrize(
    ("post", "profile"),
    [
        (Post("Choosing a wool scarf for winter", SCARF.url, "en"), Profile()),
        (Post("How to wash a wool scarf", SCARF.url, "de"), Profile()),
        (SCARF, Profile(banned_words=["wash"])),
        (SCARF, Profile(competitors=["Wool Scarf"])),
        (Post("  ", SCARF.url, "en"), Profile()),
        (Post("For winters", SCARF.url, "en"), Profile(banned_words=["winter"])),
    ],
    ids=["its own title", "another language", "a banned word", "a competitor", "no title", "one of a banned form"],
)
def test_some_are_left_out_whatever_they_have_in_common(post: Post, profile: Profile) -> None:
    assert chosen(post, profile=profile) == []


def test_titles_without_spaces_are_compared_too() -> None:
    near, far = (
        Post("ウールマフラーの洗い方", "https://shop.example/1", "ja"),
        Post("朝のマグカップ", "https://shop.example/2", "ja"),
    )

    assert chosen(near, far, title="冬のウールマフラーの選び方", language="ja", about=[]) == [near.title]


def test_each_language_of_which_the_gate_knows_words_has_a_heading_of_its_own() -> None:
    assert [name for name in lexicon.LANGUAGES if not heading(name)] == []
    assert heading("zh-Hant") != heading("zh-CN")
    assert heading("pt-BR") == heading("pt")
    assert heading("eo") == ""

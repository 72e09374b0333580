"""Chooses the earlier posts of a shop that an article's readers may go on to. Only published ones, at the shop's own address."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from blogs.article.plain_text import one_line, printable
from blogs.article.quality import Profile
from blogs.article.quality.text import names
from blogs.article.quality.text.language import code
from blogs.article.quality.text.words import akin, content_words, folded
from wix import languages

AT_MOST = 3

# What stands above them. Under an article in another language they stand below a line.
_HEADINGS = {
    "ar": "اقرأ أيضًا",
    "bg": "Прочетете още",
    "cs": "Přečtěte si také",
    "da": "Læs også",
    "de": "Lesen Sie auch",
    "el": "Διαβάστε επίσης",
    "en": "Read also",
    "es": "Lee también",
    "fi": "Lue myös",
    "fr": "À lire aussi",
    "he": "קראו גם",
    "hi": "यह भी पढ़ें",
    "hr": "Pročitajte i",
    "hu": "Olvassa el ezt is",
    "id": "Baca juga",
    "it": "Leggi anche",
    "ja": "あわせて読みたい記事",
    "ko": "함께 읽어 보세요",
    "nl": "Lees ook",
    "no": "Les også",
    "pl": "Przeczytaj także",
    "pt": "Leia também",
    "ro": "Citește și",
    "ru": "Читайте также",
    "sk": "Prečítajte si tiež",
    "sv": "Läs också",
    "th": "อ่านเพิ่มเติม",
    "tr": "Şunu da okuyun",
    "uk": "Читайте також",
    "vi": "Đọc thêm",
}
_TRADITIONAL = re.compile("hant|tw|hk|mo", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Post:
    """A published post of the shop."""

    title: str
    url: str
    language: str


def heading(language: str) -> str:
    """Return the words above the links; "" for a language in which we know none."""
    if code(language) == "zh":
        return "延伸閱讀" if _TRADITIONAL.search(language) else "延伸阅读"
    return _HEADINGS.get(code(language), "")


def fitting(
    posts: Iterable[Post], *, title: str, language: str, about: Collection[str], profile: Profile
) -> list[Post]:
    """Return the posts that have the most in common with an article's title and headings, the nearest first; none that has nothing.

    Left out are posts in another language, of the same title, and those whose title has what the shop never wants to read.
    """
    wanted = [word for text in (title, *about) for word in content_words(text)]
    own = set(content_words(title))
    chosen: dict[str, tuple[float, int, Post]] = {}
    for number, post in enumerate(posts):
        told = one_line(printable(post.title))
        if not told or folded(told) == folded(title) or not languages.same(post.language, language):
            continue
        if names.forbidden([*profile.banned_words, *profile.competitors], told, code(language)):
            continue
        if (likeness := _likeness(told, own, wanted)) and folded(told) not in chosen:
            chosen[folded(told)] = (-likeness, number, Post(told, post.url, post.language))
    return [post for *_, post in sorted(chosen.values(), key=lambda each: each[:2])][:AT_MOST]


def _likeness(title: str, own: Collection[str], wanted: Sequence[str]) -> float:
    """Return the share of a title's words that the article has: in its title they count twice. 0: they share too little."""
    its = content_words(title)
    shared = [word for word in its if any(akin(word, other) for other in wanted)]
    if not shared or len(shared) < min(2, len(its)):
        return 0.0
    in_title = sum(any(akin(word, other) for other in own) for word in shared)
    return (len(shared) + in_title) / (2 * len(its))

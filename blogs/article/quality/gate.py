"""The gate: what is mended, then the checks, in the order in which a person would look."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from blogs.article.quality import ideas
from blogs.article.quality.checks import (
    claims,
    contacts,
    damage,
    facts,
    form,
    languages,
    leaks,
    orders,
    outline,
    quotes,
    repetition,
    shop_words,
    style,
)
from blogs.article.quality.checks import (
    products as naming,
)
from blogs.article.quality.data import ERROR, WARNING, Finding, Products, Profile, Request, Verdict
from blogs.article.quality.mends.markup import without_markup
from blogs.article.quality.mends.mending import mended
from blogs.article.quality.mends.structure import restructured
from blogs.article.quality.mends.tidying import tidied
from blogs.article.quality.reporting import VERSION
from blogs.article.quality.subject import Subject
from blogs.article.quality.text.words import folded
from blogs.article.schema import ArticleContent, Heading, Idea, block_texts

_CHECKS = (
    languages.check,
    damage.check,
    outline.check,
    repetition.check,
    naming.check,
    facts.check,
    quotes.check,
    claims.check,
    orders.check,
    leaks.check,
    contacts.check,
    shop_words.check,
    style.check,
)
_NO_PROFILE = Profile()
# An article with more findings is no better known by them.
_STORED_MAX = 30
# Characters. A long article has 20,000; to look through many times as many would keep a worker's other threads waiting for seconds.
_READ_MAX = 100_000


def judged(
    article: ArticleContent,
    *,
    idea: Idea,
    request: Request,
    products: Products = (),
    profile: Profile = _NO_PROFILE,
    earlier_titles: Sequence[str] = (),
) -> Verdict:
    """Mend an article, and name what is left: errors, for which it can't be published, and warnings."""
    if (size := _size(article)) > _READ_MAX:
        return Verdict(article, [Finding("far longer than was asked for", ERROR, "body", f"{size} characters")])
    written = Subject(article, idea, request, products, profile, earlier_titles)
    # Mending takes the links off, and the names would stay.
    unknown = list(naming.unknown_links(article, written))
    article, done = _mended(article, idea, products, profile, written.known)
    subject = Subject(article, idea, request, products, profile, earlier_titles)
    found = [*unknown, *_form(subject), *(finding for check in _CHECKS for finding in check(subject))]
    errors = [finding for finding in found if finding.level == ERROR]
    return Verdict(article, _once(errors), [*done, *_once(finding for finding in found if finding.level == WARNING)])


def judged_idea(
    idea: Idea, *, request: Request, earlier_titles: Sequence[str] = ()
) -> tuple[list[Finding], list[Finding]]:
    """Name what is wrong with an outline before an article is paid for: errors and warnings."""
    found = list(ideas.check(idea, request, earlier_titles))
    return [one for one in found if one.level == ERROR], [one for one in found if one.level == WARNING]


def report(warnings: Sequence[Finding]) -> dict[str, Any]:
    """Return what is stored with an outline that passed."""
    return {"version": VERSION, "findings": [asdict(finding) for finding in warnings[:_STORED_MAX]]}


def _size(article: ArticleContent) -> int:
    head = (article.title, article.meta_title, article.meta_description, article.slug, article.excerpt, *article.tags)
    return sum(map(len, head)) + sum(len(text) for block in article.blocks for text in block_texts(block))


def _mended(
    article: ArticleContent, idea: Idea, products: Products, profile: Profile, about: str
) -> tuple[ArticleContent, list[Finding]]:
    plain = tidied(without_markup(article, about=about))
    built, done = restructured(plain, disclosure=profile.disclosure)
    known = {product["id"] for product in products}
    return mended(built, product_ids=known, title=idea.title, about=about), done


def _form(subject: Subject) -> Iterator[Finding]:
    known = {product["id"] for product in subject.products}
    for problem in form.problems(
        subject.article, product_ids=known, language=subject.request.language, about=subject.known
    ):
        yield _placed(problem, subject)


# How the form's problems begin that are of a part which can be written again by itself, and the part's place.
_HEAD = {
    "title": "title",
    "meta_title": "title for search results",
    "meta_description": "description for search results",
    "excerpt": "excerpt",
}
_QUOTE = re.compile(r""" in ('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")$""")


_BLOCK = re.compile(r"block (\d+)")
# How a finding begins that says of a block that it lacks something, as Wix would too.
MISSHAPEN = "block "


def _placed(problem: str, subject: Subject) -> Finding:
    """Say where a problem of the form stands. One without a place is of the article's structure."""
    if place := _HEAD.get(problem.partition(" ")[0]):
        return Finding(problem, ERROR, place, "")
    if block := _BLOCK.match(problem):
        before = subject.article.blocks[: int(block[1])]
        section = sum(isinstance(each, Heading) and each.level == 2 for each in before)
        return Finding(problem, ERROR, f"section {section}" if section else "introduction", "")
    if quoted := _QUOTE.search(problem):
        text = folded(quoted[1][1:-1])
        part = next((part for part in subject.parts if text in folded(part.text)), None)
        if part:
            return part.finding(problem[: quoted.start()], ERROR, quoted[1][1:-1])
    return Finding(problem, ERROR, "", "")


def _once(findings: Iterable[Finding]) -> list[Finding]:
    return list(dict.fromkeys(findings))

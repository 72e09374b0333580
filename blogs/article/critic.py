"""What a critic answers: sentences of an article that break a rule, which only a reader can tell. What it says is checked too: a
finding counts only where its quote stands in the text, and its rule is one of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from blogs.article.quality import Finding
from blogs.article.quality.data import ERROR, QUOTE_MAX
from blogs.article.quality.subject import Part, parts_of
from blogs.article.quality.text.words import folded
from blogs.article.schema import ArticleContent, Strict, Text, parsed
from wix.writing_systems import shortened

# The rules by the names that the critic answers with, as the report shows them. `critic_system.txt` says what each means.
Rule = Literal["invented_fact", "claim", "wrong_product", "other_subject", "unsafe", "order_obeyed", "other_language"]
_SHOWN: dict[str, str] = {
    "invented_fact": "critic: fact that the data does not have",
    "claim": "critic: claim that the data does not have",
    "wrong_product": "critic: says it of another product",
    "other_subject": "critic: not what was asked for",
    "unsafe": "critic: unsafe advice",
    "order_obeyed": "critic: obeys an order in the data",
    "other_language": "critic: another language",
}
# A critic that finds more than this finds fault with everything; the worst come first.
FINDINGS_MAX = 12
# A shorter quote stands in any text.
_QUOTE_MIN = 4


class Criticised(Strict):
    quote: Text
    rule: Rule


class Criticism(Strict):
    findings: list[Criticised]


def criticism_in(text: str) -> Criticism:
    """Read a critic's answer. Raises InvalidArticle."""
    return parsed(Criticism, text)


def counted(criticism: Criticism, article: ArticleContent) -> list[Finding]:
    """Return what stands in the article as it is quoted, each with its place."""
    return list(dict.fromkeys(_counted(criticism, article)))


def still_standing(findings: list[Finding], article: ArticleContent) -> list[Finding]:
    """Return those of the critic's findings whose quotes are still in the article."""
    return [found for finding in findings if (found := _placed(finding.check, finding.quote, article))]


def left_in(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a critic found that still stands by an article's report, in the form of a critic's answer; {} for nothing."""
    rules = {shown: rule for rule, shown in _SHOWN.items()}
    left = [found for found in report.get("findings", ()) if found["check"] in rules and not found["done"]]
    return {"findings": [{"quote": found["quote"], "rule": rules[found["check"]]} for found in left]} if left else {}


def _counted(criticism: Criticism, article: ArticleContent) -> Iterator[Finding]:
    for said in criticism.findings[:FINDINGS_MAX]:
        if found := _placed(_SHOWN[said.rule], said.quote, article):
            yield found


def _placed(check: str, quote: str, article: ArticleContent) -> Finding | None:
    wanted = _bare(quote)
    if len(wanted) < _QUOTE_MIN:
        return None
    part = next((part for part in parts_of(article) if wanted in _bare(part.text)), None)
    return Finding(check, ERROR, part.place, _shown(quote, part)) if part else None


def _shown(quote: str, part: Part) -> str:
    return shortened(quote.strip(), QUOTE_MAX) or part.text


def _bare(text: str) -> str:
    """Return a text without what a model changes when it quotes: case, accents, quotation marks and spaces around it."""
    return " ".join(folded(text).replace("…", " ").split()).strip("\"'“”„«»‘’. ")

"""Writes short articles in some languages besides English: three sections, whatever length is asked for, and no product cards."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from blogs.article.schema import ArticleContent, Block, Heading, Idea, Paragraph, Run, Section

_STOCK = Path(__file__).with_name("voices.toml")
_CODES = {"nb": "no", "nn": "no", "tl": "fil", "deu": "de"}


@dataclass(frozen=True)
class Voice:
    title: str
    description: str
    excerpt: str
    alt: str
    intro: str
    headings: list[str]
    sections: list[str]

    def idea(self, topic: str) -> Idea:
        return Idea(
            title=_filled(self.title, topic)[:100],
            angle=self.excerpt,
            audience=self.excerpt,
            sections=[Section(heading=heading, purpose=self.excerpt, product_ids=[]) for heading in self.headings],
            image_prompt=f"A quiet still life about {topic}",
            image_alt_text=self.alt,
        )

    def article(self, topic: str, language: str, plan: Idea) -> ArticleContent:
        blocks: list[Block] = [_paragraph(_filled(self.intro, topic))]
        for heading, text in zip(self.headings, self.sections, strict=True):
            blocks += [Heading(type="heading", level=2, text=heading), _paragraph(text)]
        return ArticleContent(
            language=language,
            title=plan.title,
            meta_title=plan.title[:70],
            meta_description=_filled(self.description, topic)[:160],
            slug="",
            excerpt=self.excerpt,
            tags=[topic],
            blocks=blocks,
        )


def voice(language: str) -> Voice | None:
    """Return the voice of a language; None where the writer has none but English."""
    code = language.split("-")[0].lower()
    return _voices().get(_CODES.get(code, code))


@cache
def _voices() -> dict[str, Voice]:
    stock = tomllib.loads(_STOCK.read_text(encoding="utf-8"))
    return {code: Voice(**texts) for code, texts in stock.items()}


def _filled(text: str, topic: str) -> str:
    return text.replace("{topic}", topic)


def _paragraph(text: str) -> Paragraph:
    return Paragraph(type="paragraph", runs=[Run(text=text, bold=False, italic=False, product_id=None)])
